import assert from 'node:assert/strict'
import { after } from 'node:test'
import sharp from 'sharp'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

/** The ring of a code of 430 pixels, as measured on one of WeChat's: empty from 91 to 102. */
export const RING = { inner: 91, outer: 102 }

const fake = await startFakeWeChat({ shape: 'round' })
after(() => fake.close())
const wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })

/** A round code: parameters of getUnlimitedQRCode. */
export const roundCode = (params) => wxacode.getUnlimitedQRCode({ scene: 'id=42', ...params })

/** A square QR code. */
export const squareCode = () => wxacode.createQRCode({ path: 'pages/index/index' })

/** A picture of one colour. */
export const plain = (width, height, background) =>
  sharp({ create: { width, height, channels: 4, background } })
    .png()
    .toBuffer()

export const svg = (width, height, content) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`)

/** The pixels of a picture, four channels each. */
export async function pixelsOf(image) {
  const { data, info } = await sharp(image).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  const { format } = await sharp(image).metadata()
  const { width, height } = info
  const at = (x, y) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)]
  const middle = (width - 1) / 2
  return {
    format,
    width,
    height,
    data,
    at,
    /** Where a ray from the middle has this length. */
    out: (radius, angle = 0) =>
      at(Math.round(middle + radius * Math.cos(angle)), Math.round(middle + radius * Math.sin(angle))),
    /** How far a pixel is from the middle, by its number. */
    radiusOf: (n) => Math.hypot((n % width) - middle, Math.floor(n / width) - middle),
  }
}

/** The greatest difference of a channel between two pictures of one size, for pixels whose number `isMeant`. */
export function difference(one, other, isMeant = () => true) {
  assert.deepEqual([one.width, one.height], [other.width, other.height])
  let most = 0
  for (let n = 0; n < one.data.length / 4; n++) {
    if (!isMeant(n)) continue
    // Of a transparent pixel the colour does not matter.
    if (one.data[n * 4 + 3] === 0 && other.data[n * 4 + 3] === 0) continue
    for (let at = n * 4; at < n * 4 + 4; at++) most = Math.max(most, Math.abs(one.data[at] - other.data[at]))
  }
  return most
}

/** That a pixel has a colour, but for what an encoder changes. */
export function near(actual, expected, title, by = 6) {
  const colors = actual.slice(0, expected.length)
  assert.ok(
    colors.every((value, n) => Math.abs(value - expected[n]) <= by),
    `${title}: ${actual} is not ${expected}`,
  )
}
