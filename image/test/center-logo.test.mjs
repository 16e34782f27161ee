import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import sharp from 'sharp'
import { centerLogo } from 'wxacode-image'
import { difference, near, pixelsOf, plain, RING, roundCode, svg } from './pixels.mjs'

const RED = [220, 20, 30]
const red = await plain(300, 300, 'rgb(220, 20, 30)')
const angles = Array.from({ length: 90 }, (_, n) => (n * Math.PI) / 45)
/** What is left of a pixel when a circle is rounded to pixels. */
const ROUNDED = 0.8

/** Where the logo with its rim ends, in pixels of a code of this width: in the middle of the ring. */
const endOf = (width) => ((RING.inner + RING.outer) / 2 / 430) * width

for (const [title, params] of Object.entries({
  'black on white, 280 pixels': { width: 280 },
  'black on white, 430 pixels': { width: 430 },
  'black on white, 1280 pixels': { width: 1280 },
  'green on white, 333 pixels': { width: 333, lineColor: { r: 7, g: 110, b: 55 } },
  'the lightest lines, 431 pixels': { width: 431, lineColor: { r: 160, g: 160, b: 160 } },
  'black, transparent, 280 pixels': { width: 280, isHyaline: true },
  'blue, transparent, 431 pixels': { width: 431, isHyaline: true, lineColor: { r: 30, g: 60, b: 160 } },
  'many rays, transparent, 1280 pixels': { width: 1280, isHyaline: true, scene: 'abcdefghijklmnopqrstuvwxyz012345' },
})) {
  test(`${title}: the logo ends inside the ring, and no ray changes`, async () => {
    const code = await roundCode(params)
    const [before, image] = [await pixelsOf(code), await pixelsOf(await centerLogo(code, red))]
    assert.equal(image.format, before.format)
    const end = endOf(params.width)
    const outside = difference(before, image, (n) => before.radiusOf(n) > end + 1)
    assert.ok(outside <= (params.isHyaline ? 0 : 3), `a channel outside differs by ${outside}`)
    const scale = params.width / 430
    for (const angle of angles) {
      near(image.out(90 * scale - 1 - ROUNDED, angle), RED, `the logo at ${angle}`)
      near(image.out(40 * scale, angle), RED, 'where the old logo was')
      const beyond = image.out(end + ROUNDED + 0.7, angle)
      if (params.isHyaline) assert.equal(beyond[3], 0)
      else near(beyond, [255, 255, 255], `the ring at ${angle}`)
    }
  })
}

test('a transparent code gets a white rim, which leaves half the ring empty', async () => {
  const image = await pixelsOf(await centerLogo(await roundCode({ isHyaline: true }), red))
  for (const angle of angles) assert.deepEqual(image.out(94, angle), [255, 255, 255, 255])
  for (const angle of angles) assert.equal(image.out(99, angle)[3], 0)
})

test('the rim has the width and the colour that are asked for', async () => {
  const code = await roundCode({ isHyaline: true })
  for (const [rim, rimColor, expected] of [
    [10, '#07c160', [7, 193, 96]],
    [20, { r: 0, g: 0, b: 200 }, [0, 0, 200]],
  ]) {
    const { out } = await pixelsOf(await centerLogo(code, red, { rim, rimColor }))
    for (const angle of angles) {
      near(out(endOf(430) - 1.5, angle), expected, `outer side of ${rim}`)
      near(out(endOf(430) - rim + 1.5, angle), expected, `inner side of ${rim}`)
      near(out(endOf(430) - rim - 1.5, angle), RED, `inside of ${rim}`)
    }
  }
  const without = await pixelsOf(await centerLogo(code, red, { rim: 0, rimColor: '#07c160' }))
  for (const angle of angles) near(without.out(endOf(430) - 1.5, angle), RED, 'no rim')
})

test('a square has rounded corners, which end inside the ring', async () => {
  const code = await roundCode({ isHyaline: true })
  const { out } = await pixelsOf(await centerLogo(code, red, { shape: 'square', rim: 4, rimColor: 'blue' }))
  for (const corner of [1, 3, 5, 7].map((n) => (n * Math.PI) / 4)) {
    near(out(endOf(430) - 2, corner), [0, 0, 255, 255], 'the rim in a corner')
    near(out(endOf(430) - 7, corner), RED, 'a corner')
    assert.equal(out(endOf(430) + 1.5, corner)[3], 0)
  }
  const side = endOf(430) / (Math.SQRT2 * 0.75 + 0.25)
  for (const n of [0, 1, 2, 3]) {
    near(out(side - 6, (n * Math.PI) / 2), RED, 'a side')
    near(out(side - 2, (n * Math.PI) / 2), [0, 0, 255, 255], 'the rim at a side')
    // The old logo is gone there too.
    assert.equal(out(side + 3, (n * Math.PI) / 2)[3], 0)
  }
})

/** The left half red, the right one green, the lower half of both darker. */
const QUARTERS =
  '<rect width="50%" height="50%" fill="#f00"/><rect x="50%" width="50%" height="50%" fill="#0f0"/><rect y="50%" width="50%" height="50%" fill="#800"/><rect x="50%" y="50%" width="50%" height="50%" fill="#080"/>'
/** What is there in the middle of each quarter, from the left upper one by the clock. */
const quartersOf = ({ out }) => [5, 7, 1, 3].map((n) => out(50, (n * Math.PI) / 4).slice(0, 3))
const UPRIGHT = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 136, 0],
  [136, 0, 0],
]

test('EXIF turns a logo', async () => {
  const code = await roundCode({ isHyaline: true })
  // As a camera stores it, lying on its side, with the note to turn it.
  for (const [orientation, angle] of [
    [6, 270],
    [8, 90],
    [3, 180],
  ]) {
    const logo = await sharp(svg(200, 200, QUARTERS))
      .rotate(angle)
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation })
      .toBuffer()
    const found = quartersOf(await pixelsOf(await centerLogo(code, logo)))
    for (const [n, quarter] of found.entries()) near(quarter, UPRIGHT[n], `orientation ${orientation}, quarter ${n}`)
  }
})

test('a tall or wide logo fills the shape, or is all there', async () => {
  const code = await roundCode({ isHyaline: true })
  // A blue end, a red middle, a green end.
  const stripes = (width, height) =>
    svg(
      width,
      height,
      width > height
        ? '<rect width="100%" height="100%" fill="#dc141e"/><rect width="10%" height="100%" fill="#00f"/><rect x="90%" width="10%" height="100%" fill="#0f0"/>'
        : '<rect width="100%" height="100%" fill="#dc141e"/><rect width="100%" height="10%" fill="#00f"/><rect y="90%" width="100%" height="10%" fill="#0f0"/>',
    )
  for (const [size, direction] of [
    [[100, 500], Math.PI / 2],
    [[500, 100], 0],
  ]) {
    const logo = stripes(...size)
    const covered = await pixelsOf(await centerLogo(code, logo))
    for (const angle of angles) near(covered.out(85, angle), RED, 'its middle fills the circle')
    const contained = await pixelsOf(await centerLogo(code, logo, { fit: 'contain' }))
    near(contained.out(80, direction), [0, 255, 0], 'one end', 40)
    near(contained.out(80, direction + Math.PI), [0, 0, 255], 'the other end', 40)
    near(contained.out(60, direction + Math.PI / 2), [255, 255, 255], 'beside it')
    near(contained.out(0), RED, 'its middle')
  }
  const turned = await sharp(stripes(500, 100)).rotate(270).png().withMetadata({ orientation: 6 }).toBuffer()
  const upright = await pixelsOf(await centerLogo(code, turned, { fit: 'contain', shape: 'square' }))
  near(upright.out(60, 0), [0, 255, 0], 'EXIF counts for the proportions too', 40)
})

test('what is transparent in a logo shows the colour of the rim', async () => {
  const code = await roundCode({ isHyaline: true })
  const logo = svg(100, 100, '<circle cx="50" cy="50" r="20" fill="#dc141e"/>')
  for (const [rimColor, expected] of [
    [undefined, [255, 255, 255, 255]],
    ['#123456', [18, 52, 86, 255]],
  ]) {
    const { out } = await pixelsOf(await centerLogo(code, logo, { rimColor }))
    near(out(0), RED, 'the mark')
    for (const angle of angles) assert.deepEqual(out(60, angle), expected)
  }
})

test('tiny and huge logos', async () => {
  const code = await roundCode({ width: 1280 })
  const huge = await sharp({ create: { width: 9000, height: 7000, channels: 3, background: 'rgb(220, 20, 30)' } })
    .png()
    .toBuffer()
  for (const logo of [await plain(1, 1, 'rgb(220, 20, 30)'), await plain(3, 2, 'rgb(220, 20, 30)'), huge]) {
    const { out } = await pixelsOf(await centerLogo(code, logo))
    for (const radius of [0, 100, 260]) near(out(radius), RED, `at ${radius}`)
  }
})

test('a small SVG is drawn at the size that is needed', async () => {
  const code = await roundCode({ width: 1280, isHyaline: true })
  const { at } = await pixelsOf(
    await centerLogo(code, svg(16, 16, '<rect width="16" height="16" fill="#fff"/><rect width="8" height="16"/>')),
  )
  // Enlarged from 16 pixels, the edge would be as wide as an old pixel, 33.
  near(at(632, 640), [0, 0, 0], 'left of the edge')
  near(at(647, 640), [255, 255, 255], 'right of the edge')
})

test('logos of all kinds', async () => {
  const code = await roundCode({ isHyaline: true })
  const picture = sharp(red)
  const kinds = {
    webp: picture.clone().webp({ lossless: true }),
    gif: picture.clone().gif(),
    tiff: picture.clone().tiff(),
    'a JPEG of CMYK': picture.clone().removeAlpha().toColourspace('cmyk').jpeg({ quality: 100 }),
    'a PNG of 16 bits': picture.clone().toColourspace('rgb16').png(),
    'a PNG with a palette': picture.clone().png({ palette: true }),
  }
  for (const [kind, made] of Object.entries(kinds)) {
    const { out } = await pixelsOf(await centerLogo(code, await made.toBuffer()))
    near(out(50), RED, kind, 40)
  }
  const grey = await sharp(red).greyscale().png().toBuffer()
  const [r, g, b] = (await pixelsOf(await centerLogo(code, grey))).out(50)
  assert.ok(r === g && g === b && r < 128)
})

test('paths of files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-image-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [code, logo] = [join(folder, 'code.png'), join(folder, '商标.png')]
  writeFileSync(code, await roundCode({ isHyaline: true }))
  writeFileSync(logo, red)
  near((await pixelsOf(await centerLogo(code, logo))).out(50), RED, 'the logo')
})

test('what is passed in stays as it is, and the same gives the same', async () => {
  const code = await roundCode({})
  const [codeBefore, logoBefore] = [Buffer.from(code), Buffer.from(red)]
  const [one, other] = await Promise.all([centerLogo(code, red), centerLogo(new Uint8Array(code), red)])
  assert.ok(one.equals(other))
  assert.ok(code.equals(codeBefore) && red.equals(logoBefore))
})
