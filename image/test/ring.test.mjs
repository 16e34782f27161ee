import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { centerLogo, ImageError } from 'wxacode-image'
import { difference, near, pixelsOf, plain, roundCode, squareCode, svg } from './pixels.mjs'

const RED = [220, 20, 30]
const red = await plain(300, 300, 'rgb(220, 20, 30)')
const angles = Array.from({ length: 90 }, (_, n) => (n * Math.PI) / 45)

/** A code whose ring is elsewhere, of 430 pixels. */
function codeWithRing({ logo, rays, count = 48, ink = '#000', ground = '', logoColor = '#888' }) {
  const lines = Array.from({ length: count }, (_, n) => {
    const angle = (n * 2 * Math.PI) / count
    const [x, y] = [Math.cos(angle), Math.sin(angle)]
    const length = n % 3 === 0 ? 12 : 60
    return `<path d="M${215 + rays * x} ${215 + rays * y}L${215 + (rays + length) * x} ${215 + (rays + length) * y}"/>`
  })
  return svg(
    430,
    430,
    `${ground}<g stroke="${ink}" stroke-width="4">${lines.join('')}</g><circle cx="215" cy="215" r="${logo}" fill="${logoColor}"/>`,
  )
}

const png = (drawing) => sharp(drawing).png().toBuffer()

test('the ring is measured, wherever it is', async () => {
  for (const [title, place] of Object.entries({
    'a smaller logo': { logo: 60, rays: 75 },
    'a larger logo': { logo: 120, rays: 132 },
    'a thick ring': { logo: 50, rays: 100 },
    'a thin ring': { logo: 100, rays: 109 },
    'on white': { logo: 80, rays: 92, ground: '<rect width="430" height="430" fill="#fff"/>' },
    'light on dark': { logo: 80, rays: 92, ink: '#fff', ground: '<rect width="430" height="430" fill="#123"/>' },
    'a white disc below the logo': { logo: 80, rays: 92, ground: '<circle cx="215" cy="215" r="91" fill="#fff"/>' },
    'a logo with a white edge': {
      logo: 80,
      rays: 92,
      logoColor: '#fff',
      ground: '<rect width="430" height="430" fill="#fff"/>',
    },
    '36 rays': { logo: 80, rays: 92, count: 36 },
    '72 rays': { logo: 80, rays: 92, count: 72 },
  })) {
    const code = await png(codeWithRing(place))
    const [before, image] = [await pixelsOf(code), await pixelsOf(await centerLogo(code, red, { rim: 0 }))]
    assert.equal(
      difference(before, image, (n) => before.radiusOf(n) > place.rays - 2.5),
      0,
      `${title}: a ray changes`,
    )
    for (const angle of angles) near(image.out(Math.min(place.logo, place.rays - 9), angle), RED, title)
  }
})

test('a JPEG that was compressed again still has its ring', async () => {
  const code = await roundCode({ width: 430 })
  for (const quality of [90, 70, 50]) {
    const worse = await sharp(code).jpeg({ quality }).toBuffer()
    const [before, image] = [await pixelsOf(worse), await pixelsOf(await centerLogo(worse, red))]
    const outside = difference(before, image, (n) => before.radiusOf(n) > 100)
    assert.ok(outside <= 6, `a channel differs by ${outside} at ${quality}`)
    for (const angle of angles) near(image.out(88, angle), RED, `${quality}`)
  }
})

test('a code that was enlarged or reduced still has its ring', async () => {
  const code = await roundCode({ width: 430, isHyaline: true })
  for (const width of [200, 300, 900]) {
    const other = await sharp(code).resize(width).png().toBuffer()
    const [before, image] = [await pixelsOf(other), await pixelsOf(await centerLogo(other, red))]
    assert.equal(
      difference(before, image, (n) => before.radiusOf(n) > (102 / 430) * width),
      0,
    )
    near(image.out((88 / 430) * width), RED, `${width}`)
  }
})

/** Every picture that is no round code, with what the message says in both languages. */
const REFUSED = {
  'a square QR code': [() => squareCode(), /a square QR code has none.* \| .*方形二维码没有圆环/],
  'a code with a QR code’s modules at its centre': [
    async () =>
      sharp(await squareCode())
        .resize(280)
        .png()
        .toBuffer(),
    /no empty ring/,
  ],
  noise: [
    () =>
      sharp({
        create: {
          width: 430,
          height: 430,
          channels: 3,
          background: '#000',
          noise: { type: 'gaussian', mean: 128, sigma: 40 },
        },
      })
        .png()
        .toBuffer(),
    /no empty ring/,
  ],
  'an empty picture': [() => plain(430, 430, '#fff'), /no empty ring/],
  'a transparent picture': [() => plain(430, 430, 'transparent'), /no empty ring/],
  'a disc': [() => png(svg(430, 430, '<circle cx="215" cy="215" r="90"/>')), /no empty ring/],
  'a target without rays': [
    () =>
      png(
        svg(
          430,
          430,
          '<circle cx="215" cy="215" r="90"/><circle cx="215" cy="215" r="120" fill="none" stroke="#000" stroke-width="20"/>',
        ),
      ),
    /no empty ring/,
  ],
  'a code whose logo reaches its rays': [() => png(codeWithRing({ logo: 92, rays: 90 })), /no empty ring/],
  'three arcs around a disc': [
    () =>
      png(
        svg(
          430,
          430,
          '<circle cx="215" cy="215" r="90"/><circle cx="215" cy="215" r="120" fill="none" stroke="#000" stroke-width="30" stroke-dasharray="200 51"/>',
        ),
      ),
    /no empty ring/,
  ],
  'a code of which a part is cut off': [
    async () =>
      sharp(await roundCode({}))
        .extract({ left: 60, top: 60, width: 370, height: 370 })
        .png()
        .toBuffer(),
    /was cut/,
  ],
  'a code of a few pixels': [
    async () =>
      sharp(await roundCode({}))
        .resize(20)
        .png()
        .toBuffer(),
    /no empty ring/,
  ],
  'one pixel': [() => plain(1, 1, '#fff'), /no empty ring/],
  'a picture that is not square': [
    () => plain(430, 431, '#fff'),
    /430 x 431 pixels, not square \| 尺寸为 430 x 431，不是正方形/,
  ],
  'another format': [
    async () =>
      sharp(await roundCode({}))
        .webp()
        .toBuffer(),
    /a webp, not a JPEG or PNG \| 格式为 webp/,
  ],
}

for (const [title, [picture, message]] of Object.entries(REFUSED)) {
  test(`${title} is refused, with the reason`, async () => {
    await assert.rejects(centerLogo(await picture(), red), (error) => {
      assert.ok(error instanceof ImageError && error instanceof Error)
      assert.deepEqual([error.name, error.code, error.param], ['ImageError', 'ERR_IMAGE_CODE', 'code'])
      assert.match(error.message, message)
      assert.match(error.message, /^code: .* \| .*[一-鿿]/)
      return true
    })
  })
}

test('what is not a picture is refused, with the name of the parameter', async () => {
  const code = await roundCode({})
  const bomb = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="90000"/>')
  for (const [args, param, message] of [
    [[Buffer.from('{"errcode":41030}'), red], 'code', /not a picture that sharp can read: .* \| sharp 无法读取/],
    [[new Uint8Array(), red], 'code', /not a picture/],
    [[code, Buffer.from('GIF89a')], 'logo', /not a picture/],
    [[code, bomb], 'logo', /not a picture.*pixel limit/],
    [[code, red.subarray(0, red.length / 2)], 'logo', /not a picture/],
    [[code, '/nowhere/logo.png'], 'logo', /the file \/nowhere\/logo\.png cannot be read \| 无法读取文件/],
    [[code, 'https://example.com/logo.png'], 'logo', /fetch it first.* \| .*请先下载/],
  ]) {
    await assert.rejects(centerLogo(...args), (error) => {
      assert.deepEqual([error.name, error.code, error.param], ['ImageError', 'ERR_IMAGE_UNREADABLE', param])
      assert.match(error.message, message)
      assert.ok(error.cause instanceof Error)
      return true
    })
  }
})

test('a wrong option is refused, with what it may be', async () => {
  const code = await roundCode({})
  for (const [logo, options, param, message] of [
    [red, { shape: 'oval' }, 'shape', /"oval" is not 'round', 'square'/],
    [red, { fit: 'fill' }, 'fit', /'cover', 'contain'/],
    [red, { rim: -1 }, 'rim', /a number from 0 to 48 \| -1 不是 0 到 48 之间的数/],
    [red, { rim: 49 }, 'rim', /from 0 to 48/],
    [red, { rim: '4' }, 'rim', /"4" is not a number/],
    [red, { rim: Number.NaN }, 'rim', /NaN is not a number/],
    [red, { rimColor: 'no such colour' }, 'rimColor', /is not a colour such as/],
    [red, { rimColor: 7 }, 'rimColor', /is not a colour such as/],
    [undefined, {}, 'logo', /undefined is not a Uint8Array or the path of a file/],
    [{}, {}, 'logo', /object is not a Uint8Array/],
  ]) {
    await assert.rejects(centerLogo(code, logo, options), (error) => {
      assert.deepEqual([error.name, error.code, error.param], ['ImageError', 'ERR_IMAGE_OPTION', param])
      assert.match(error.message, message)
      return true
    })
  }
})
