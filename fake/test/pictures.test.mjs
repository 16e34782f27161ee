import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scan, start } from './helpers.mjs'

async function shooter(t) {
  const { fake, stable, post } = await start(t)
  const token = (await stable()).access_token
  const shoot = async (endpoint, body) => {
    const res = await post(endpoint, body, token)
    assert.equal(res.headers.get('content-type'), 'image/jpeg')
    const bytes = Buffer.from(await res.arrayBuffer())
    assert.equal(Number(res.headers.get('content-length')), bytes.length)
    return { ...scan(bytes), bytes }
  }
  return Object.assign(shoot, { appid: fake.appid })
}

test('the symbol encodes the parameters in a fixed order', async (t) => {
  const shoot = await shooter(t)
  const { appid } = shoot
  const cases = [
    ['getwxacodeunlimit', { scene: 'a=1' }, { kind: 'unlimited', appid, scene: 'a=1', env_version: 'release' }],
    [
      'getwxacodeunlimit',
      { scene: 'a=1', page: 'pages/index/index', env_version: 'trial' },
      { kind: 'unlimited', appid, scene: 'a=1', page: 'pages/index/index', env_version: 'trial' },
    ],
    ['getwxacodeunlimit', { scene: 'a', path: 'x' }, { kind: 'unlimited', appid, scene: 'a', env_version: 'release' }],
    [
      'getwxacode',
      { path: '商品?名=茶', page: 'x' },
      { kind: 'limited', appid, path: '商品?名=茶', env_version: 'release' },
    ],
    ['createwxaqrcode', { path: 'é/茶', env_version: 'trial' }, { kind: 'qrcode', appid, path: 'é/茶' }],
  ]
  for (const [endpoint, body, expected] of cases) {
    const { text, isPng, width, height } = await shoot(endpoint, body)
    assert.equal(text, JSON.stringify(expected))
    assert.deepEqual({ isPng, width, height }, { isPng: false, width: 430, height: 430 })
  }
})

test('a picture has exactly the requested width, and is centred with a quiet zone', async (t) => {
  const shoot = await shooter(t)
  for (const width of [280, 333, 640, 1280]) {
    const found = await shoot('getwxacodeunlimit', { scene: 'a=1', width })
    assert.deepEqual([found.width, found.height], [width, width])
    assert.equal(found.object.scene, 'a=1')
    const { left, right, top, bottom } = found.box
    assert.ok(left > width / 20, `quiet zone of ${left} at ${width}`)
    assert.ok(Math.abs(left - right) <= 1 && Math.abs(top - bottom) <= 1, `centred at ${width}`)
  }
})

test('a width out of range is clamped where WeChat does not refuse it', async (t) => {
  const shoot = await shooter(t)
  assert.equal((await shoot('getwxacodeunlimit', { scene: 'a', width: 1 })).width, 280)
  assert.equal((await shoot('createwxaqrcode', { path: 'a', width: 9999 })).width, 1280)
})

test('long texts stay readable', async (t) => {
  const shoot = await shooter(t)
  for (const path of ['p'.repeat(1024), '茶'.repeat(341), `p?${'a=1&'.repeat(255)}`]) {
    assert.equal((await shoot('getwxacode', { path })).object?.path, path)
  }
  const scene = 'abcdefghijklmnopqrstuvwxyz012345'
  assert.equal((await shoot('getwxacodeunlimit', { scene, width: 280 })).object?.scene, scene)
})

test('colours: dark ones are honoured, light ones turn black', async (t) => {
  const shoot = await shooter(t)
  const ink = async (style) => (await shoot('getwxacodeunlimit', { scene: 'c', ...style })).ink
  const near = (actual, expected) =>
    assert.ok(
      actual.every((value, at) => Math.abs(value - expected[at]) <= 4),
      `${actual} is not ${expected}`,
    )
  const color = (r, g, b) => ({ line_color: { r, g, b } })
  near(await ink({}), [0, 0, 0])
  near(await ink(color(0, 100, 0)), [0, 100, 0])
  near(await ink(color('100', '20', '30')), [100, 20, 30])
  for (const light of [color(255, 255, 255), color(255, 215, 0), color(235, 187, 109)])
    near(await ink(light), [0, 0, 0])
  const [red, green, blue] = await ink({ auto_color: true, ...color(100, 0, 0) })
  assert.ok(green > red && green > blue, 'the theme colour wins over line_color')
})

test('is_hyaline: a PNG with a transparent background, labelled image/jpeg', async (t) => {
  const shoot = await shooter(t)
  const found = await shoot('getwxacode', {
    path: 'p',
    is_hyaline: true,
    line_color: { r: 0, g: 100, b: 0 },
    width: 300,
  })
  assert.equal(found.isPng, true)
  assert.equal(found.width, 300)
  assert.equal(found.corner[3], 0)
  assert.deepEqual(found.ink, [0, 100, 0])
  assert.equal(found.object.path, 'p')
  assert.equal((await shoot('createwxaqrcode', { path: 'p', is_hyaline: true })).isPng, false, 'unknown there')
})

test('a JPEG is complete, and the same parameters give the same bytes', async (t) => {
  const shoot = await shooter(t)
  const first = (await shoot('getwxacodeunlimit', { scene: 'same' })).bytes
  const again = (await shoot('getwxacodeunlimit', { scene: 'same' })).bytes
  assert.equal(first.subarray(0, 3).toString('hex'), 'ffd8ff')
  assert.equal(first.subarray(-2).toString('hex'), 'ffd9')
  assert.ok(first.equals(again))
})

test('a burst of new codes does not block other requests', async (t) => {
  const { fake, stable, post } = await start(t)
  const token = (await stable()).access_token
  const scenes = Array.from({ length: 20 }, (_, n) => `burst=${n}`)
  const hold = fake.hold('codes')
  let answered = 0
  const pictures = scenes.map(async (scene) => {
    const res = await post('getwxacodeunlimit', { scene }, token)
    answered += 1
    return scan(Buffer.from(await res.arrayBuffer())).object.scene
  })
  await fake.arrived(scenes.length, 'codes')
  hold.release()
  await stable()
  assert.ok(answered < scenes.length, 'the token waited for all of them')
  assert.deepEqual(await Promise.all(pictures), scenes)
})
