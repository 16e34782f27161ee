import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { poster } from 'wxacode-image'
import { needsChineseFont } from './fonts.mjs'
import { difference, near, pixelsOf, plain, roundCode, svg } from './pixels.mjs'

const PAGE = { background: { color: '#ffffff' }, width: 600, height: 400 }
const RED = [220, 20, 30, 255]
const WHITE = [255, 255, 255, 255]
const red = await plain(40, 20, 'rgb(220, 20, 30)')

const drawn = async (options) => pixelsOf(await poster(options))

/** The smallest box around all that is not white. */
function inkOf({ width, height, at }) {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (at(x, y).every((value) => value > 250)) continue
      ;[left, top] = [Math.min(left, x), Math.min(top, y)]
      ;[right, bottom] = [Math.max(right, x), Math.max(bottom, y)]
    }
  }
  return { left, top, right, bottom, width: right - left + 1, height: bottom - top + 1 }
}

/** What a text alone on a page takes. */
const inkOfText = async (text, layer = {}) =>
  inkOf(await drawn({ ...PAGE, layers: [{ text, left: 50, top: 100, size: 40, ...layer }] }))

test('the background is a colour or a picture, and gives the size', async () => {
  const colored = await drawn({ background: { color: '#07c160' }, width: 30, height: 50, layers: [] })
  assert.deepEqual(
    [colored.format, colored.width, colored.height, colored.at(29, 49)],
    ['png', 30, 50, [7, 193, 96, 255]],
  )
  const pictured = await drawn({ background: red, layers: [] })
  assert.deepEqual([pictured.width, pictured.height, pictured.at(0, 0)], [40, 20, RED])
  const resized = await drawn({ background: red, width: 100, height: 100, layers: [] })
  assert.deepEqual([resized.width, resized.height, resized.at(99, 99)], [100, 100, RED])
  const turned = await sharp(red).removeAlpha().jpeg().withMetadata({ orientation: 6 }).toBuffer()
  const upright = await drawn({ background: turned, layers: [] })
  assert.deepEqual([upright.width, upright.height], [20, 40])
})

test('layers lie on one another in their order', async () => {
  const blue = await plain(10, 10, '#00f')
  const { at } = await drawn({
    ...PAGE,
    layers: [
      { picture: red, left: 10, top: 20 },
      { picture: blue, left: 20, top: 30 },
    ],
  })
  assert.deepEqual([at(9, 20), at(10, 19), at(10, 20), at(49, 39), at(50, 39)], [WHITE, WHITE, RED, RED, WHITE])
  assert.deepEqual([at(19, 30), at(20, 30), at(29, 39), at(30, 39)], [RED, [0, 0, 255, 255], [0, 0, 255, 255], RED])
})

test('the size of a picture follows from its proportions, and its corners can be round', async () => {
  for (const [size, expected] of [
    [{ width: 100 }, [100, 50]],
    [{ height: 100 }, [200, 100]],
    [{ width: 60, height: 60 }, [60, 60]],
    [{ width: 60, height: 60, fit: 'contain' }, [60, 30]],
  ]) {
    const { width, height } = inkOf(await drawn({ ...PAGE, layers: [{ picture: red, left: 5, top: 5, ...size }] }))
    assert.deepEqual([width, height], expected)
  }
  const { at } = await drawn({
    ...PAGE,
    layers: [{ picture: red, left: 0, top: 0, width: 60, height: 60, radius: 30 }],
  })
  assert.deepEqual([at(2, 2), at(57, 57), at(30, 4), at(30, 30)], [WHITE, WHITE, RED, RED])
})

test('a code of the asked width is there pixel by pixel', async () => {
  for (const isHyaline of [false, true]) {
    const code = await roundCode({ width: 280, isHyaline })
    const [before, page] = [
      await pixelsOf(code),
      await pixelsOf(
        await sharp(await poster({ ...PAGE, layers: [{ code, left: 100, top: 60 }] }))
          .extract({ left: 100, top: 60, width: 280, height: 280 })
          .png()
          .toBuffer(),
      ),
    ]
    const alphaOf = (n) => before.data[n * 4 + 3]
    assert.equal(
      difference(before, page, (n) => alphaOf(n) === 255),
      0,
    )
    const blank = await pixelsOf(await plain(280, 280, '#fff'))
    assert.equal(
      difference(blank, page, (n) => alphaOf(n) === 0),
      0,
    )
  }
  const smaller = await drawn({ ...PAGE, layers: [{ code: await roundCode({}), left: 0, top: 0, width: 150 }] })
  assert.ok(inkOf(smaller).right < 150)
})

test('a text begins at its place, whatever its letters are', needsChineseFont, async () => {
  const tall = await inkOfText('国A')
  assert.ok(Math.abs(tall.top - 100) <= 3, `top ${tall.top}`)
  assert.ok(Math.abs(tall.left - 50) <= 6, `left ${tall.left}`)
  assert.ok(tall.height >= 30 && tall.height <= 46, `height ${tall.height} of a size of 40`)
  // A dash and a full stop are where they are in a line, and not at its upper edge.
  const [dash, stop] = [await inkOfText('-'), await inkOfText('.')]
  assert.ok(dash.top > tall.top + 10 && dash.bottom < tall.bottom - 8, `dash at ${dash.top}`)
  assert.ok(stop.top > tall.top + 20 && stop.bottom <= tall.bottom, `stop at ${stop.top}`)
})

test('size, colour and font of a text', needsChineseFont, async () => {
  const [small, large] = [await inkOfText('国', { size: 20 }), await inkOfText('国', { size: 80 })]
  assert.ok(Math.abs(large.height / small.height - 4) < 0.5, `${large.height} and ${small.height}`)
  const { data } = await drawn({ ...PAGE, layers: [{ text: '国', left: 0, top: 0, size: 200, color: '#07c160' }] })
  const colors = new Set(Array.from({ length: data.length / 4 }, (_, n) => data.subarray(n * 4, n * 4 + 3).join()))
  assert.ok(colors.has('7,193,96'))
  const faded = await drawn({
    ...PAGE,
    layers: [{ text: '国', left: 0, top: 0, size: 200, color: 'rgba(0, 0, 0, 0.5)' }],
  })
  assert.ok(faded.data.every((value) => value > 120) && faded.data.some((value) => value < 130))
  const [mono, sans] = [await inkOfText('iiii', { font: 'monospace' }), await inkOfText('iiii')]
  assert.notEqual(mono.width, sans.width)
})

test('long texts wrap at their width, Chinese ones between any two characters', needsChineseFont, async () => {
  const [one, three] = [await inkOfText('欢迎光临'), await inkOfText('欢迎光临欢迎光临欢迎光临', { width: 180 })]
  assert.ok(three.right < 50 + 180 && three.height > 2.5 * one.height, `${three.height} of ${one.height}`)
  // Without a width, up to the edge of the poster.
  const edge = await inkOfText('欢迎光临'.repeat(5))
  assert.ok(edge.right < 600 && edge.height > 1.8 * one.height)
  const gap = await inkOfText('国\n国', { lineGap: 30 })
  assert.equal(gap.height, (await inkOfText('国\n国')).height + 30)
})

test('a text is at the left, in the middle or at the right of its box', needsChineseFont, async () => {
  const box = { left: 100, width: 300 }
  const [left, center, right] = await Promise.all(
    ['left', 'center', 'right'].map((align) => inkOfText('国国', { ...box, align })),
  )
  assert.ok(Math.abs(left.left - 100) <= 4)
  assert.ok(Math.abs((center.left + center.right) / 2 - 250) <= 2)
  assert.ok(Math.abs(right.right - 400) <= 4)
  const lines = await drawn({ ...PAGE, layers: [{ text: '国国国\n国', ...box, top: 0, size: 40, align: 'right' }] })
  const second = inkOf({ ...lines, at: (x, y) => (y < 60 ? WHITE : lines.at(x, y)) })
  assert.ok(second.left > 350 && Math.abs(second.right - 400) <= 4)
})

test('a text is no markup, and an empty one is nothing', needsChineseFont, async () => {
  const [plainText, marked] = [await inkOfText('b国'), await inkOfText('<b>国</b>')]
  assert.ok(marked.width > 2 * plainText.width)
  for (const text of ['&lt;', 'a & b', '<span', '\'"', '\u0001国\u001f', '\ud83d国'])
    assert.ok((await inkOfText(text)).width > 0, text)
  for (const text of ['', ' ', '\n', '\u0007']) assert.equal((await inkOfText(text)).width, -600)
})

test('a JPEG of any quality, without transparency', async () => {
  const image = await drawn({ background: { color: 'transparent' }, width: 40, height: 40, layers: [], format: 'jpeg' })
  assert.deepEqual([image.format, image.at(3, 3)], ['jpeg', WHITE])
  const code = await roundCode({})
  const bytes = async (quality) =>
    (await poster({ ...PAGE, height: 600, layers: [{ code, left: 0, top: 0 }], format: 'jpeg', quality })).length
  assert.ok((await bytes(100)) > (await bytes(50)))
})

test('a picture as the background, a code in a light frame and a text together', needsChineseFont, async () => {
  const image = await drawn({
    background: svg(600, 800, '<rect width="600" height="800" fill="#07c160"/>'),
    layers: [
      { picture: await plain(10, 10, '#fff'), left: 150, top: 400, width: 300, height: 300, radius: 20 },
      { code: await roundCode({ width: 280, isHyaline: true }), left: 160, top: 410 },
      { text: '外滩店 满 100 减 20', left: 0, top: 100, width: 600, size: 48, color: '#fff', align: 'center' },
    ],
  })
  near(image.at(150, 400), [7, 193, 96], 'a corner of the frame')
  near(image.at(165, 430), [255, 255, 255], 'the frame')
  near(image.at(222, 473), [0, 0, 0], 'a finder')
})

test('what is wrong is refused by the name of its layer', needsChineseFont, async () => {
  const code = await roundCode({})
  const at = { left: 0, top: 0 }
  for (const [layer, error, param, message] of [
    [
      { ...at },
      'ERR_IMAGE_OPTION',
      'layers[1]',
      /object is not a picture, a code or a text \| .*不是图片、码或文字图层/,
    ],
    [{ ...at, code, text: 'a', size: 9 }, 'ERR_IMAGE_OPTION', 'layers[1]', /"code and text" is not/],
    [null, 'ERR_IMAGE_OPTION', 'layers[1]', /null is not/],
    [{ code, top: 0 }, 'ERR_IMAGE_OPTION', 'layers[1].left', /undefined is not a whole number from 0 to 600/],
    [{ code, left: 0, top: -1 }, 'ERR_IMAGE_OPTION', 'layers[1].top', /-1 is not/],
    [{ code, ...at, width: 0 }, 'ERR_IMAGE_OPTION', 'layers[1].width', /0 is not/],
    [
      { code, ...at },
      'ERR_IMAGE_OPTION',
      'layers[1]',
      /ends at 430, 430, outside the poster of 600 x 400.* \| .*超出了 600 x 400/,
    ],
    [{ code, left: 500, top: 0, width: 101 }, 'ERR_IMAGE_OPTION', 'layers[1]', /ends at 601, 101/],
    [{ code: Buffer.from('{}'), ...at }, 'ERR_IMAGE_UNREADABLE', 'layers[1].code', /not a picture/],
    [{ code: red, ...at }, 'ERR_IMAGE_CODE', 'layers[1].code', /40 x 20 pixels, not square/],
    [{ picture: '/nowhere.png', ...at }, 'ERR_IMAGE_UNREADABLE', 'layers[1].picture', /cannot be read/],
    [{ picture: red, ...at, fit: 'fill' }, 'ERR_IMAGE_OPTION', 'layers[1].fit', /'cover', 'contain'/],
    [{ picture: red, ...at, radius: -1 }, 'ERR_IMAGE_OPTION', 'layers[1].radius', /from 0/],
    [{ text: 7, ...at, size: 9 }, 'ERR_IMAGE_OPTION', 'layers[1].text', /7 is not a string/],
    [{ text: 'a', ...at }, 'ERR_IMAGE_OPTION', 'layers[1].size', /undefined is not a number from 1 to 1000/],
    [{ text: 'a', ...at, size: 40, width: 79 }, 'ERR_IMAGE_OPTION', 'layers[1].width', /a number from 80 to 600/],
    [{ text: 'a', ...at, size: 40, color: 'no colour' }, 'ERR_IMAGE_OPTION', 'layers[1].color', /not a colour/],
    [
      { text: 'a', ...at, size: 40, align: 'centre' },
      'ERR_IMAGE_OPTION',
      'layers[1].align',
      /'left', 'center', 'right'/,
    ],
    [{ text: 'a', ...at, size: 40, font: '' }, 'ERR_IMAGE_OPTION', 'layers[1].font', /the name of a font/],
    [{ text: 'a', ...at, size: 40, fontFile: 7 }, 'ERR_IMAGE_OPTION', 'layers[1].fontFile', /the path of a file/],
    [
      { text: 'a', ...at, size: 40, fontFile: '/nowhere.ttf' },
      'ERR_IMAGE_UNREADABLE',
      'layers[1].fontFile',
      /cannot be read/,
    ],
    [{ text: '很长'.repeat(200), ...at, size: 40 }, 'ERR_IMAGE_OPTION', 'layers[1]', /shorten the text/],
  ]) {
    await assert.rejects(poster({ ...PAGE, layers: [{ picture: red, ...at }, layer] }), {
      name: 'ImageError',
      code: error,
      param,
      message,
    })
  }
  for (const [options, param] of [
    [{ background: { color: '#fff' }, layers: [] }, 'width'],
    [{ background: { color: '#fff' }, width: 10, height: 10_001, layers: [] }, 'height'],
    [{ background: { color: 'no colour' }, width: 10, height: 10, layers: [] }, 'background.color'],
    [{ layers: [] }, 'background'],
    [{ ...PAGE, layers: {} }, 'layers'],
    [{ ...PAGE, layers: [], format: 'gif' }, 'format'],
    [{ ...PAGE, layers: [], quality: 0 }, 'quality'],
  ]) {
    await assert.rejects(poster(options), { name: 'ImageError', code: 'ERR_IMAGE_OPTION', param })
  }
})
