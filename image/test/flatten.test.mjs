import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { centerLogo, flatten } from 'wxacode-image'
import { difference, near, pixelsOf, plain, roundCode, squareCode } from './pixels.mjs'

test('a transparent code lies on its ground, with a margin', async () => {
  for (const [width, options, background, margin] of [
    [280, {}, [255, 255, 255], 14],
    [431, { background: '#ffe9c7', margin: 40 }, [255, 233, 199], 40],
    [1280, { background: { r: 250, g: 250, b: 210 }, margin: 0 }, [250, 250, 210], 0],
  ]) {
    const code = await roundCode({ width, isHyaline: true, lineColor: { r: 30, g: 60, b: 160 } })
    const [before, image] = [await pixelsOf(code), await pixelsOf(await flatten(code, options))]
    assert.deepEqual([image.format, image.width, image.height], ['png', width + 2 * margin, width + 2 * margin])
    const inside = await sharp(await flatten(code, options))
      .extract({ left: margin, top: margin, width, height: width })
      .png()
      .toBuffer()
    const [now, ground] = [
      await pixelsOf(inside),
      await pixelsOf(await plain(width, width, options.background ?? '#fff')),
    ]
    const alphaOf = (n) => before.data[n * 4 + 3]
    assert.equal(
      difference(before, now, (n) => alphaOf(n) === 255),
      0,
    )
    assert.equal(
      difference(ground, now, (n) => alphaOf(n) === 0),
      0,
    )
    for (const at of [0, image.width - 1]) assert.deepEqual(image.at(at, image.height >> 1), [...background, 255])
    assert.equal((await sharp(await flatten(code, options)).metadata()).hasAlpha, false)
  }
})

test('a JPEG stays one and gets the margin', async () => {
  const image = await pixelsOf(await flatten(await squareCode(), { margin: 10, background: '#ffe9c7' }))
  assert.deepEqual([image.format, image.width], ['jpeg', 450])
  near(image.at(2, 2), [255, 233, 199], 'the margin')
  near(image.at(16, 16), [255, 255, 255], 'the code')
})

test('a code with a logo of one’s own keeps it', async () => {
  const red = await plain(10, 10, 'rgb(220, 20, 30)')
  const code = await centerLogo(await roundCode({ isHyaline: true }), red)
  near((await pixelsOf(await flatten(code))).out(40), [220, 20, 30], 'the logo')
})

test('what is wrong is refused by its name', async () => {
  const code = await roundCode({ isHyaline: true })
  for (const [input, options, error, param, message] of [
    [
      code,
      { background: 'transparent' },
      'ERR_IMAGE_OPTION',
      'background',
      /not an opaque colour \| .*不是不透明的颜色/,
    ],
    [code, { background: 'no colour' }, 'ERR_IMAGE_OPTION', 'background', /not a colour/],
    [code, { margin: -1 }, 'ERR_IMAGE_OPTION', 'margin', /a whole number from 0 to 10000/],
    [code, { margin: 1.5 }, 'ERR_IMAGE_OPTION', 'margin', /1\.5 is not a whole number/],
    [Buffer.from('{}'), {}, 'ERR_IMAGE_UNREADABLE', 'code', /not a picture/],
    [await plain(20, 10, '#fff'), {}, 'ERR_IMAGE_CODE', 'code', /20 x 10 pixels, not square/],
  ]) {
    await assert.rejects(flatten(input, options), { name: 'ImageError', code: error, param, message })
  }
})
