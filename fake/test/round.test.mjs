import assert from 'node:assert/strict'
import { test } from 'node:test'
import jpeg from 'jpeg-js'
import pngjs from 'pngjs'
import { commentIn } from '../../__test__/support/comment.mjs'
import { startFakeWeChat } from '../index.js'
import { scan, startWithToken } from './helpers.mjs'

/** Of a code of 430 pixels, as measured on one of WeChat's; without the pixels that rounding to a pixel may take. */
const MEASURED = { logo: 90, ring: [92.5, 100.5], rays: 103.5 }

async function shooter(t) {
  const { fake, post, token } = await startWithToken(t, { shape: 'round' })
  const shoot = async (endpoint, body) =>
    Buffer.from(await (await post(endpoint, { width: 430, ...body }, token)).arrayBuffer())
  return Object.assign(shoot, { appid: fake.appid })
}

/** Its pixels; `shareAt` is how much of a circle differs from the background. */
function decoded(bytes) {
  const { width, data } = bytes[0] === 0x89 ? pngjs.PNG.sync.read(bytes) : jpeg.decode(bytes, { useTArray: true })
  const pixel = (x, y) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)]
  const background = pixel(0, 0)
  const isInk = (x, y) => pixel(x, y).some((value, n) => Math.abs(value - background[n]) > 24)
  const shareAt = (radius, from = 0, to = 2 * Math.PI) => {
    const count = Math.ceil(radius * (to - from) * 2)
    const angles = Array.from({ length: count }, (_, n) => from + (n / count) * (to - from))
    const [middle, r] = [(width - 1) / 2, (radius * width) / 430]
    const inked = angles.filter((angle) =>
      isInk(Math.round(middle + r * Math.cos(angle)), Math.round(middle + r * Math.sin(angle))),
    )
    return inked.length / count
  }
  return { width, background, pixel, shareAt }
}

test('a logo, an empty ring and rays are where they are in a code of WeChat', async (t) => {
  const shoot = await shooter(t)
  for (const [width, hyaline, scene] of [
    [280, false, 'a'],
    [430, false, 'a=1'],
    [431, true, 'a=1&b=2'],
    [777, true, 'abcdefghijklmnopqrstuvwxyz012345'],
    [1280, false, 'x'],
  ]) {
    const picture = decoded(await shoot('getwxacodeunlimit', { scene, width, is_hyaline: hyaline }))
    const { shareAt } = picture
    const title = `${width} ${hyaline}`
    assert.equal(picture.width, width)
    assert.deepEqual(picture.background, [255, 255, 255, hyaline ? 0 : 255], title)
    for (let radius = 5; radius < MEASURED.logo - 1; radius += 7) assert.equal(shareAt(radius), 1, `${title}: logo`)
    const [from, to] = MEASURED.ring
    for (let radius = from; radius <= to; radius += 1) assert.equal(shareAt(radius), 0, `${title}: ring at ${radius}`)
    assert.ok(shareAt(MEASURED.rays + 1) > 0.1, `${title}: rays`)
    for (let radius = 104; radius < 200; radius += 4) {
      assert.ok(shareAt(radius) > 0.05 && shareAt(radius) < 0.8, `${title}: rays at ${radius}, ${shareAt(radius)}`)
    }
    assert.equal(shareAt(212), 0, `${title}: margin`)
  }
})

test('three finders are in the corners, and a badge in the fourth', async (t) => {
  const shoot = await shooter(t)
  const { pixel } = decoded(await shoot('getwxacode', { path: 'a', is_hyaline: true }))
  const alphasAt = ([x, y]) => [0, 19, 29, 38].map((far) => pixel(x - far, y)[3])
  for (const centre of [
    [96, 96],
    [334, 96],
    [96, 334],
  ])
    assert.deepEqual(alphasAt(centre), [255, 0, 255, 0], centre.join())
  assert.deepEqual(alphasAt([334, 334]), [255, 255, 255, 0])
})

test('the comment says what was asked, in UTF-8', async (t) => {
  const shoot = await shooter(t)
  const { appid } = shoot
  for (const is_hyaline of [false, true]) {
    assert.equal(
      commentIn(await shoot('getwxacode', { path: '商品?名=茶', is_hyaline })),
      JSON.stringify({ kind: 'limited', appid, path: '商品?名=茶', env_version: 'release' }),
    )
  }
})

test('other parameters make other rays and the same ones the same bytes', async (t) => {
  const shoot = await shooter(t)
  const [one, again, other] = [
    await shoot('getwxacodeunlimit', { scene: 'a', is_hyaline: true }),
    await shoot('getwxacodeunlimit', { scene: 'a', is_hyaline: true }),
    await shoot('getwxacodeunlimit', { scene: 'b', is_hyaline: true }),
  ]
  assert.ok(one.equals(again))
  const raysOf = (bytes) => pngjs.PNG.sync.read(bytes).data.subarray(0, 430 * 4 * 100)
  assert.ok(!raysOf(one).equals(raysOf(other)))
})

test('the rays, the finders and the badge have the colour of the lines', async (t) => {
  const shoot = await shooter(t)
  const line_color = { r: 160, g: 20, b: 30 }
  const { pixel } = decoded(await shoot('getwxacodeunlimit', { scene: 'a', line_color, is_hyaline: true }))
  for (const at of [96, 334]) assert.deepEqual(pixel(at - 29, at), [160, 20, 30, 255])
  const theme = decoded(await shoot('getwxacodeunlimit', { scene: 'a', auto_color: true, is_hyaline: true }))
  assert.deepEqual(theme.pixel(96, 96), [7, 110, 55, 255])
})

test('a code of createwxaqrcode is square and scans', async (t) => {
  const shoot = await shooter(t)
  const bytes = await shoot('createwxaqrcode', { path: 'a' })
  assert.equal(scan(bytes).object.path, 'a')
  assert.equal(commentIn(bytes), undefined)
})

test('two fakes with one account and two shapes do not share pictures', async (t) => {
  const apps = [{ appid: 'wx00000000000000d7', secret: 'of two fakes' }]
  const texts = []
  for (const shape of ['square', 'round', 'square']) {
    const { post, token } = await startWithToken(t, { apps, shape })
    const bytes = Buffer.from(await (await post('getwxacodeunlimit', { scene: 'shared' }, token)).arrayBuffer())
    texts.push(commentIn(bytes) !== undefined)
  }
  assert.deepEqual(texts, [false, true, false])
})

test('an unknown shape is a TypeError', async () => {
  await assert.rejects(startFakeWeChat({ shape: 'oval' }), { name: 'TypeError', message: /square, round, not oval/ })
})
