import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { imageType } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { asked, decode } from './support/decode.mjs'
import { failure, setup, suite, times } from './support/suite.mjs'

const SCENE_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$&'()*+,/:;=?@-._~"

const lastBody = (fake) => fake.requests.at(-1).body

/** A JPEG blurs colours a little. */
const isInk = ([r, g, b], wanted) => {
  for (const [at, part] of [r, g, b].entries()) {
    assert.ok(Math.abs(part - wanted[at]) <= 8, `${[r, g, b]} is not ${wanted}`)
  }
}

suite('codes', (test) => {
  test('getUnlimitedQRCode gives the picture of what was asked, and sends just that', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    const image = await wxa.getUnlimitedQRCode({
      scene: 'id=42',
      page: 'pages/goods/detail',
      checkPath: true,
      envVersion: 'trial',
      width: 300,
      autoColor: false,
      lineColor: { r: 10, g: 20, b: 120 },
      isHyaline: false,
    })
    assert.ok(Buffer.isBuffer(image))
    const { ink, ...rest } = decode(image)
    assert.deepEqual(rest, {
      type: 'image/jpeg',
      width: 300,
      height: 300,
      transparent: false,
      asked: { kind: 'unlimited', appid, scene: 'id=42', page: 'pages/goods/detail', env_version: 'trial' },
    })
    isInk(ink, [10, 20, 120])
    assert.deepEqual(JSON.parse(lastBody(fake)), {
      scene: 'id=42',
      page: 'pages/goods/detail',
      check_path: true,
      env_version: 'trial',
      width: 300,
      auto_color: false,
      line_color: { r: 10, g: 20, b: 120 },
      is_hyaline: false,
    })
  })

  test('getQRCode gives the picture of what was asked, and sends just that', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    const image = await wxa.getQRCode({
      path: 'pages/index/index?id=42&b=c',
      envVersion: 'develop',
      width: 1280,
      autoColor: false,
      lineColor: { r: 120, g: 0, b: 0 },
      isHyaline: false,
    })
    const { ink, ...rest } = decode(image)
    assert.deepEqual(rest, {
      type: 'image/jpeg',
      width: 1280,
      height: 1280,
      transparent: false,
      asked: { kind: 'limited', appid, path: 'pages/index/index?id=42&b=c', env_version: 'develop' },
    })
    isInk(ink, [120, 0, 0])
    assert.deepEqual(JSON.parse(lastBody(fake)), {
      path: 'pages/index/index?id=42&b=c',
      env_version: 'develop',
      width: 1280,
      auto_color: false,
      line_color: { r: 120, g: 0, b: 0 },
      is_hyaline: false,
    })
  })

  test('createQRCode gives the picture of what was asked, and sends just that', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    const image = await wxa.createQRCode({ path: 'pages/index/index?id=42', width: 281 })
    const { ink, ...rest } = decode(image)
    assert.deepEqual(rest, {
      type: 'image/jpeg',
      width: 281,
      height: 281,
      transparent: false,
      asked: { kind: 'qrcode', appid, path: 'pages/index/index?id=42' },
    })
    isInk(ink, [0, 0, 0])
    assert.equal(lastBody(fake), '{"path":"pages/index/index?id=42","width":281}')
  })

  test('what is not asked is left to WeChat: released version, 430 pixels, black', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    const { ink, ...rest } = decode(await wxa.getUnlimitedQRCode({ scene: 'a' }))
    assert.deepEqual(rest.asked, { kind: 'unlimited', appid, scene: 'a', env_version: 'release' })
    assert.equal(rest.width, 430)
    isInk(ink, [0, 0, 0])
    assert.equal(lastBody(fake), '{"scene":"a"}')
    await wxa.getQRCode({ path: 'a' })
    assert.equal(lastBody(fake), '{"path":"a"}')
    await wxa.createQRCode({ path: 'a' })
    assert.equal(lastBody(fake), '{"path":"a"}')
  })

  for (const method of ['getUnlimitedQRCode', 'getQRCode']) {
    test(`isHyaline gives a transparent PNG, whatever the header says (${method})`, async (t) => {
      const { wxa } = await setup(t)
      const given = method === 'getQRCode' ? { path: 'a' } : { scene: 'a' }
      const image = await wxa[method]({ ...given, isHyaline: true, lineColor: { r: 0, g: 100, b: 0 }, width: 280 })
      assert.equal(imageType(image), 'image/png')
      const { type, transparent, width, ink } = decode(image)
      assert.deepEqual({ type, transparent, width }, { type: 'image/png', transparent: true, width: 280 })
      assert.deepEqual(ink, [0, 100, 0])
    })
  }

  test('autoColor lets WeChat choose the colour', async (t) => {
    const { wxa } = await setup(t)
    const { ink } = decode(await wxa.getUnlimitedQRCode({ scene: 'a', autoColor: true }))
    assert.ok(ink[1] > ink[0] && ink[1] > ink[2], String(ink))
  })

  test('the bounds of widths and colours are inside', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const width of [280, 1280, 430.0]) await wxa.createQRCode({ path: 'a', width })
    for (const lineColor of [
      { r: 0, g: 255, b: 0 },
      { r: -0, g: 0, b: 255 },
    ]) {
      await wxa.getQRCode({ path: 'a', lineColor })
    }
    assert.equal(fake.count('codes'), 5)
    assert.equal(lastBody(fake), '{"path":"a","line_color":{"r":0,"g":0,"b":255}}')
  })

  test('every character that a scene may have comes back from the picture', async (t) => {
    const { wxa } = await setup(t)
    const scenes = [...SCENE_CHARACTERS, ...SCENE_CHARACTERS.match(/.{1,32}/g), '~'.repeat(32)]
    const images = await Promise.all(scenes.map((scene) => wxa.getUnlimitedQRCode({ scene, width: 280 })))
    assert.deepEqual(
      images.map((image) => asked(image).scene),
      scenes,
    )
  })

  test('a path with Chinese text is sent as raw UTF-8 with its length in bytes', async (t) => {
    const { fake, wxa } = await setup(t)
    const path = 'pages/goods/detail?name=商品&mark=“é”&emoji=😀&tag=<b>&slash=\\'
    for (const method of ['getQRCode', 'createQRCode']) {
      assert.equal(asked(await wxa[method]({ path })).path, path)
      const { body, headers } = fake.requests.at(-1)
      assert.equal(body, JSON.stringify({ path }))
      assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
    }
  })

  test('a path of 1024 characters is sent, and so is a longer one in bytes', async (t) => {
    const { fake, wxa } = await setup(t)
    const path = `pages/index/index?a=${'x'.repeat(1004)}`
    assert.equal(path.length, 1024)
    assert.equal(asked(await wxa.getQRCode({ path, width: 1280 })).path, path)
    const error = await failure(wxa.getQRCode({ path: '品'.repeat(1024) }))
    assert.equal(error.errcode, 40159)
    assert.equal(fake.count('codes'), 2)
  })

  test("WeChat's refusal of a path counts the bytes of this path, in both languages", async (t) => {
    const { fake, wxa } = await setup(t)
    const path = `pages/index/index?${'品'.repeat(1000)}`
    const error = await failure(wxa.getQRCode({ path }))
    assert.equal(error.code, 'ERR_WXA_API')
    assert.equal(error.errcode, 40159)
    assert.match(error.explanation.cause.en, /the length of path \(3018 bytes\): it counts UTF-8 bytes, at most 1024/)
    assert.match(error.explanation.cause.zh, /^path（3018 字节）的长度/)
    assert.match(error.message, /path \(3018 bytes\).*\|.*path（3018 字节）/)
    assert.equal(lastBody(fake), JSON.stringify({ path }))
  })

  test('a path of createQRCode with 128 bytes is sent, and a longer one is refused without a request', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.createQRCode({ path: 'x'.repeat(128) })
    await wxa.createQRCode({ path: `${'品'.repeat(42)}ab` })
    const error = await failure(wxa.createQRCode({ path: '品'.repeat(43) }))
    assert.deepEqual([error.code, error.param, error.errcode], ['ERR_WXA_PARAMS', 'path', 40159])
    assert.match(error.message, /129 bytes.*129 字节/)
    assert.equal(fake.count('codes'), 2)
  })

  test('characters are counted, not UTF-16 units', async (t) => {
    const { fake, wxa } = await setup(t)
    const error = await failure(wxa.getQRCode({ path: '😀'.repeat(1024) }))
    assert.equal(error.code, 'ERR_WXA_API')
    assert.equal(fake.count('codes'), 1)
  })

  test('a code without a cover ad is asked for by a call, by a batch and over HTTP', async (t) => {
    const { fake, wxa } = await setup(t)
    const code = { scene: 'a', showSplashAd: false }
    await wxa.getUnlimitedQRCode(code)
    for await (const { error } of wxa.batch([{ kind: 'unlimited', ...code }])) assert.equal(error, undefined)
    assert.equal((await codeHandler(wxa, () => code)(new Request('http://here'))).status, 200)
    assert.deepEqual(
      fake.requests.slice(-3).map(({ body }) => body),
      Array(3).fill('{"scene":"a","show_splash_ad":false}'),
    )
  })

  test('a page in a subpackage and an unpublished page with checkPath: false are sent', async (t) => {
    const { fake, wxa } = await setup(t, { app: { released: false } })
    const image = await wxa.getUnlimitedQRCode({ scene: 'a', page: 'packageA/pages/商品', checkPath: false })
    assert.equal(asked(image).page, 'packageA/pages/商品')
    assert.equal(lastBody(fake), '{"scene":"a","page":"packageA/pages/商品","check_path":false}')
  })

  test('an unpublished page is refused by WeChat and explained by checkPath: false', async (t) => {
    const { wxa } = await setup(t)
    const error = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/new/index' }))
    assert.equal(error.errcode, 41030)
    assert.match(error.message, /checkPath: false/)
  })

  test('a request is a POST of JSON with Content-Length and the token in the query only', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    await wxa.getQRCode({ path: 'a' })
    await wxa.createQRCode({ path: 'a' })
    const [token] = fake.liveTokens()
    const codes = fake.requests.slice(1)
    assert.deepEqual(
      codes.map(({ method, path }) => `${method} ${path}`),
      ['POST /wxa/getwxacodeunlimit', 'POST /wxa/getwxacode', 'POST /cgi-bin/wxaapp/createwxaqrcode'],
    )
    for (const { query, headers, body } of codes) {
      assert.deepEqual(query, { access_token: token })
      assert.match(headers['content-type'], /^application\/json/)
      assert.equal(headers['content-length'], String(body.length))
      assert.equal(headers['transfer-encoding'], undefined)
      assert.match(headers['user-agent'], /^wxacode\/\d/)
      for (const name of ['referer', 'cookie', 'authorization', 'expect']) assert.equal(headers[name], undefined)
    }
  })

  test('each of many calls at once gets its own picture', async (t) => {
    const { wxa } = await setup(t)
    const widths = times(60, (n) => 280 + n)
    const images = await Promise.all(widths.map((width) => wxa.createQRCode({ path: `w=${width}`, width })))
    for (const [at, image] of images.entries()) {
      const { width, asked } = decode(image)
      assert.deepEqual([width, asked.path], [widths[at], `w=${widths[at]}`])
    }
  })

  test('a picture is the bytes of the server, and a Buffer of its own', async (t) => {
    const { fake, wxa } = await setup(t)
    const one = await wxa.createQRCode({ path: 'a' })
    const two = await wxa.createQRCode({ path: 'a' })
    assert.deepEqual(one, two)
    one.fill(0)
    assert.notDeepEqual(one, two)
    const behind = Buffer.concat([two, Buffer.from('\r\n')])
    fake.fail({ status: 200, body: behind })
    assert.deepEqual(await wxa.createQRCode({ path: 'a' }), behind)
  })

  test('a picture is a picture under any content type and any status', async (t) => {
    const { fake, wxa } = await setup(t)
    const image = await wxa.createQRCode({ path: 'a' })
    for (const [status, type] of [
      [200, 'application/json'],
      [200, 'text/html'],
      [203, 'application/octet-stream'],
    ]) {
      fake.fail({ status, headers: { 'Content-Type': type }, body: image })
      assert.deepEqual(await wxa.createQRCode({ path: 'a' }), image)
    }
  })

  test('arbitrary legal parameters are sent as given', async (t) => {
    const { fake, wxa } = await setup(t, {}, { ratePerMinute: Number.POSITIVE_INFINITY })
    const optional = (arbitrary) => fc.option(arbitrary, { nil: undefined })
    const part = fc.integer({ min: 0, max: 255 })
    const style = {
      width: optional(fc.integer({ min: 280, max: 1280 })),
      autoColor: optional(fc.boolean()),
      lineColor: optional(fc.record({ r: part, g: part, b: part })),
      isHyaline: optional(fc.boolean()),
    }
    const envVersion = optional(fc.constantFrom('release', 'trial', 'develop'))
    const text = (maxLength) =>
      fc.string({ unit: 'binary', minLength: 1, maxLength }).filter((path) => !path.includes('scancode_time'))
    const scene = fc.string({ unit: fc.constantFrom(...SCENE_CHARACTERS), minLength: 1, maxLength: 32 })
    const page = optional(text(64).filter((page) => !page.startsWith('/') && !page.includes('?')))
    const checkPath = optional(fc.boolean())
    const showSplashAd = optional(fc.boolean())
    const calls = fc.oneof(
      fc.tuple(
        fc.constant('getUnlimitedQRCode'),
        fc.record({ scene, page, checkPath, showSplashAd, envVersion, ...style }),
      ),
      fc.tuple(fc.constant('getQRCode'), fc.record({ path: text(1024), envVersion, ...style })),
      fc.tuple(fc.constant('createQRCode'), fc.record({ path: text(128), width: style.width })),
    )
    const image = await wxa.createQRCode({ path: 'a' })
    fake.fail({ status: 200, body: image }, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    await fc.assert(
      fc.asyncProperty(calls, async ([method, params]) => {
        await wxa[method](params)
        const named = Object.entries(params)
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value])
        assert.deepEqual(JSON.parse(lastBody(fake)), JSON.parse(JSON.stringify(Object.fromEntries(named))))
        assert.ok(!/\\u(?!00[01])/.test(lastBody(fake)), lastBody(fake))
      }),
      { numRuns: 200 },
    )
  })

  test('no scene but a legal one is ever sent', async (t) => {
    const { fake, wxa } = await setup(t)
    const legal = new RegExp(`^[${SCENE_CHARACTERS.replace(/[-\]\\^]/g, '\\$&')}]{1,32}$`)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 40 }), async (scene) => {
        fc.pre(!legal.test(scene))
        assert.equal((await failure(wxa.getUnlimitedQRCode({ scene }))).param, 'scene')
      }),
      { numRuns: 200 },
    )
    assert.equal(fake.count(), 0)
  })
})

suite('context', (test) => {
  test('an AsyncLocalStorage goes along with each of many calls', async (t) => {
    const { wxa } = await setup(t)
    const request = new AsyncLocalStorage()
    const stores = await Promise.all(
      times(40, (n) =>
        request.run(n, async () => {
          await wxa.createQRCode({ path: 'a', width: 280 })
          return request.getStore()
        }),
      ),
    )
    assert.deepEqual(stores, [...stores.keys()])
  })
})

suite('imageType', (test) => {
  test('it goes by the bytes', async (t) => {
    const { wxa } = await setup(t)
    assert.equal(imageType(await wxa.createQRCode({ path: 'a' })), 'image/jpeg')
    assert.equal(imageType(await wxa.getQRCode({ path: 'a', isHyaline: true })), 'image/png')
    assert.equal(imageType(Uint8Array.of(0xff, 0xd8, 0xff)), 'image/jpeg')
    for (const none of ['', '{"errcode":41030}', '\xff\xd8', 'GIF89a', '<html>']) {
      assert.equal(imageType(Buffer.from(none, 'latin1')), undefined)
    }
  })

  test('it takes a view into a larger buffer', () => {
    const bytes = Uint8Array.of(0, 0xff, 0xd8, 0xff, 0)
    assert.equal(imageType(bytes.subarray(1)), 'image/jpeg')
    assert.equal(imageType(bytes), undefined)
  })
})
