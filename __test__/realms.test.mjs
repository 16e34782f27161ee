import assert from 'node:assert/strict'
import { createContext, runInContext } from 'node:vm'
import { imageType, WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { run } from './support/child.mjs'
import { failure, newAppid, newSecret, setup, suite, thrown } from './support/suite.mjs'

/** Jest, Vitest with a document, and code in node:vm have built-in classes of their own. */
const realm = createContext({})
const there = (code) => runInContext(code, realm)
const bytesThere = (bytes) => runInContext('(bytes) => Uint8Array.from(bytes)', realm)([...bytes])

/** What the abort-controller package gives, and Node.js before 17: no reason, no throwIfAborted. */
function oldController() {
  const listeners = new Set()
  const signal = {
    aborted: false,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  }
  const abort = () => {
    signal.aborted = true
    for (const listener of listeners) listener({ type: 'abort' })
  }
  return { signal, abort, listeners }
}

suite('values of other realms', (test) => {
  test('imageType takes bytes of another realm', () => {
    assert.equal(imageType(bytesThere([0xff, 0xd8, 0xff, 0xe0])), 'image/jpeg')
    assert.equal(thrown(() => imageType(there('[1]'))).param, 'image')
    assert.equal(thrown(() => imageType(there('new Uint16Array(2)'))).param, 'image')
  })

  test('the option ca takes bytes of another realm', async (t) => {
    const { client } = await setup(t)
    const error = thrown(() => client({ ca: bytesThere(Buffer.from('nonsense')) }))
    assert.equal(error.param, 'ca')
    assert.match(error.message, /certificate|PEM/)
    assert.ok(!/must be/.test(error.message), error.message)
  })

  test('objects of another realm are objects, and properties of its Object.prototype do not count', async (t) => {
    const { fake, wxa } = await setup(t)
    const other = createContext({})
    runInContext('Object.prototype.width = 1280; Object.prototype.signal = 7', other)
    const params = runInContext("({ scene: 'a', lineColor: { r: 1, g: 2, b: 3 } })", other)
    await wxa.getUnlimitedQRCode(params, runInContext('({})', other))
    await wxa.getUnlimitedQRCode(runInContext("new (class { get scene() { return 'b' } })", other))
    assert.deepEqual(
      fake.requests.slice(1).map(({ body }) => body),
      ['{"scene":"a","line_color":{"r":1,"g":2,"b":3}}', '{"scene":"b"}'],
    )
  })

  test('dates of another realm are dates', async (t) => {
    const { fake, wxa } = await setup(t)
    const seconds = Math.floor(Date.now() / 1000) + 86_400
    await wxa.generateScheme({ expireTime: there(`new Date(${seconds * 1000})`) })
    assert.equal(JSON.parse(fake.requests.at(-1).body).expire_time, seconds)
    const error = await failure(wxa.generateScheme({ expireTime: there("new Date('x')") }))
    assert.equal(error.param, 'expireTime')
  })

  test('token functions and promises of another realm work', async (t) => {
    const { client } = await setup(t)
    const token = there('async ({ appid }) => ({ accessToken: "Token-of-" + appid, expiresIn: 60 })')
    const { accessToken } = await client({ token }).getAccessToken()
    assert.match(accessToken, /^Token-of-wx/)
  })

  test('an error of another realm, thrown by a token function, is hidden from visitors and logged unchanged', async (t) => {
    const { client } = await setup(t)
    const heard = []
    const handler = codeHandler(
      client({ token: there('() => { throw new TypeError("theirs") }') }),
      () => ({ scene: 'a' }),
      { onError: (error) => heard.push(error) },
    )
    const { status } = await handler(new Request('http://localhost/'))
    assert.equal(status, 503)
    assert.deepEqual(
      heard.map(({ name, message }) => [name, message]),
      [['TypeError', 'theirs']],
    )
  })

  test('the package works where globals come from another realm, as with jsdom', async () => {
    const script = `
      const { runInNewContext } = await import('node:vm')
      for (const name of ['Uint8Array', 'ArrayBuffer', 'Error', 'TypeError', 'Date', 'Promise'])
        globalThis[name] = runInNewContext(name)
      const { startFakeWeChat } = await import('wxacode-fake')
      const { imageType } = await import('wxacode')
      const { codeHandler } = await import('wxacode/web')
      const { appid, secret } = given
      const fake = await startFakeWeChat({ apps: [{ appid, secret }] })
      const wxa = new WxaCode({ appid, secret, baseUrl: fake.url, ca: '' })
      const told = []
      for (const isHyaline of [false, true]) told.push(imageType(await wxa.getQRCode({ path: 'a', isHyaline })))
      fake.fail({ status: 200, body: Buffer.from('{"errcode":48001,"errmsg":"a"}') })
      told.push(await wxa.getQRCode({ path: 'b' }).catch(({ errcode }) => errcode))
      for await (const { image, error } of wxa.batch([{ kind: 'unlimited', scene: 'a' }])) told.push(error ?? imageType(image))
      told.push((await codeHandler(wxa, () => ({ scene: 'a' }))({ method: 'GET', headers: new Headers(), signal: new AbortController().signal })).status)
      await wxa.generateScheme({ expireTime: new Date(Date.now() + 86_400_000) })
      await fake.close()
      console.log(JSON.stringify(told))`
    const given = { appid: newAppid(), secret: newSecret() }
    assert.deepEqual(await run(script, { given }), {
      code: 0,
      signal: null,
      stdout: '["image/jpeg","image/png",48001,"image/jpeg",200]\n',
      stderr: '',
    })
  })

  test('a batch works without a global AbortController', async (t) => {
    const { options } = await setup(t)
    const script = `
      globalThis.AbortController = function AbortController() { throw new Error('of a document') }
      const wxa = new WxaCode(given)
      for await (const { image, error } of wxa.batch([{ kind: 'unlimited', scene: 'a' }])) console.log(error ?? image.length > 0)`
    assert.deepEqual(await run(script, { given: options }), { code: 0, signal: null, stdout: 'true\n', stderr: '' })
  })
})

suite('signals of before Node.js 17', (test) => {
  test('stop a call and its request, and the call rejects with an AbortError', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    const { signal, abort, listeners } = oldController()
    const call = failure(wxa.getUnlimitedQRCode({ scene: 'a' }, { signal }))
    await fake.arrived(1, 'codes')
    abort()
    assert.equal((await call).name, 'AbortError')
    await fake.idle()
    assert.equal(fake.requests.at(-1).closed, true)
    assert.equal(listeners.size, 0)
    assert.equal((await failure(wxa.getUnlimitedQRCode({ scene: 'a' }, { signal }))).name, 'AbortError')
  })

  test('keep no listener of a call that succeeds', async (t) => {
    const { wxa } = await setup(t)
    const { signal, listeners } = oldController()
    await wxa.createQRCode({ path: 'a' }, { signal })
    assert.equal(listeners.size, 0)
  })

  test('stop a batch', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    const { signal, abort, listeners } = oldController()
    const batch = wxa.batch([{ kind: 'unlimited', scene: 'a' }], { signal })
    const next = failure(batch.next())
    await fake.arrived(1, 'codes')
    abort()
    assert.equal((await next).name, 'AbortError')
    await fake.idle()
    assert.equal(listeners.size, 0)
    assert.equal((await failure(wxa.batch([], { signal }).next())).name, 'AbortError')
  })

  test('an object that only resembles a signal is refused', () => {
    const wxa = new WxaCode({ appid: 'wx0123456789abcdef', secret: newSecret() })
    const { signal } = oldController()
    return Promise.all(
      ['aborted', 'addEventListener', 'removeEventListener'].map(async (missing) => {
        const error = await failure(wxa.createQRCode({ path: 'a' }, { signal: { ...signal, [missing]: undefined } }))
        assert.equal(error.param, 'signal')
      }),
    )
  })
})
