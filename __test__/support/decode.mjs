import { createHash } from 'node:crypto'
import jpeg from 'jpeg-js'
import jsQR from 'jsqr'
import pngjs from 'pngjs'
import { commentIn } from './comment.mjs'

const known = new Map()

/**
 * What a scanner sees in a picture: its type and size, whether its background is transparent, its ink, what was asked. No scanner
 * reads a round code of the fake: its comment says what was asked.
 */
export function decode(image) {
  const key = createHash('sha1').update(image).digest('base64')
  if (!known.has(key)) known.set(key, scan(Buffer.from(image)))
  return known.get(key)
}

/** What the code in a picture says. */
export const asked = (image) => decode(image).asked

function scan(bytes) {
  const isPng = bytes.readUInt32BE(0) === 0x89504e47
  const { width, height, data } = isPng ? pngjs.PNG.sync.read(bytes) : jpeg.decode(bytes, { useTArray: true })
  const pixels = Uint8ClampedArray.from(data)
  const transparent = pixels[3] === 0
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 0) pixels.fill(255, at, at + 4)
  const said = commentIn(bytes) ?? jsQR(pixels, width, height, { inversionAttempts: 'dontInvert' })?.data
  if (said === undefined) throw new Error('there is no code in the picture')
  return {
    type: isPng ? 'image/png' : 'image/jpeg',
    width,
    height,
    transparent,
    ink: darkest(pixels),
    asked: JSON.parse(said),
  }
}

function darkest(pixels) {
  let [best, sum] = [[255, 255, 255], 765]
  for (let at = 0; at < pixels.length; at += 4) {
    const here = pixels[at] + pixels[at + 1] + pixels[at + 2]
    if (here >= sum) continue
    best = [pixels[at], pixels[at + 1], pixels[at + 2]]
    sum = here
  }
  return best
}
