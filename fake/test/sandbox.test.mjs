import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { GOOD, PATHS, raw, scan } from './helpers.mjs'
import { loadInSandbox } from './sandbox.mjs'

/** A fake of its own realm, with a token and ways to ask it that need no timer of this realm. */
async function start(t, globals, options) {
  const fake = await loadInSandbox(globals).startFakeWeChat(options)
  t.after(() => fake.close())
  const { appid, secret } = fake
  const ask = (path, body) => raw(`${fake.url}${path}`, { body: JSON.stringify(body) })
  const credentials = { grant_type: 'client_credential', appid, secret }
  const { access_token: token } = JSON.parse((await ask(PATHS.stable_token, credentials)).body)
  return { fake, code: (endpoint, body) => ask(`${PATHS[endpoint]}?access_token=${token}`, body) }
}

/** Time that stands still, as the globals of a realm. */
function standstill() {
  const never = () => 0
  return {
    setTimeout: never,
    setInterval: never,
    setImmediate: never,
    queueMicrotask: never,
    clearTimeout: never,
    clearInterval: never,
    performance: { now: never },
    Date: class extends Date {
      static now() {
        return 0
      }
    },
  }
}

test('pictures and failures are the same in another realm', async (t) => {
  const { fake, code } = await start(t)
  for (const [endpoint, body] of [
    ['getwxacodeunlimit', { scene: 'a=1', line_color: { r: 0, g: '99', b: 0 } }],
    ['getwxacode', { path: 'pages/index/index?茶=1', is_hyaline: true }],
    ['createwxaqrcode', { path: 'pages/index/index', width: 280 }],
  ]) {
    const { object, isPng } = scan((await code(endpoint, body)).body)
    assert.equal(object.scene ?? object.path, body.scene ?? body.path)
    assert.equal(isPng, body.is_hyaline === true)
  }
  const bytes = runInNewContext('Uint8Array.of(255, 216, 255)')
  for (const body of [bytes, Uint8Array.from(bytes), Buffer.from(bytes)]) {
    fake.fail({ status: 200, body })
    assert.equal((await code('getwxacode', {})).body.toString('hex'), 'ffd8ff')
  }
  fake.fail('truncate')
  const { headers, body } = await code('createwxaqrcode', GOOD.createwxaqrcode)
  assert.equal(Number(headers['content-length']), body.length)
  fake.fail('huge')
  assert.ok((await code('createwxaqrcode', GOOD.createwxaqrcode)).body.length > 9 * 1024 * 1024)
})

test('pictures arrive under fake timers, delayed ones too, and the clock of the fake goes on', async (t) => {
  const { fake, code } = await start(t, standstill(), { latency: 1 })
  const before = fake.clock.now()
  assert.ok(Math.abs(before - Date.now()) < 60_000)
  for (const scene of ['a=1', 'a=2']) {
    const { headers, body } = await code('getwxacodeunlimit', { scene })
    assert.equal(scan(body).object.scene, scene)
    assert.ok(Date.parse(headers.date) >= before - 1000)
  }
  fake.fail('drip')
  const { body } = await fetch(`${fake.url}${PATHS.getwxacode}`, { method: 'POST', body: '{}' })
  const reader = body.getReader()
  for (const byte of [0xff, 0xd8]) assert.deepEqual([...(await reader.read()).value], [byte])
  await reader.cancel()
  assert.ok(fake.clock.now() > before)
})

/** The globals of this realm as they are at each moment. */
const PRESENT = Object.defineProperties(
  {},
  Object.fromEntries(
    ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'].map(
      (name) => [name, { get: () => globalThis[name], enumerable: true }],
    ),
  ),
)

for (const moment of ['before', 'after']) {
  test(`the fake does not use timers that are mocked ${moment} it is loaded`, async (t) => {
    const enable = () => t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: 0 })
    if (moment === 'before') enable()
    const { fake, code } = await start(t, PRESENT, { latency: 1 })
    if (moment === 'after') enable()
    assert.equal(scan((await code('getwxacodeunlimit', { scene: moment })).body).object.scene, moment)
    t.mock.timers.tick(3 * 7_200_000)
    assert.equal(scan((await code('getwxacodeunlimit', { scene: 'later' })).body).object.scene, 'later')
    assert.ok(fake.clock.now() > 1.7e12)
    fake.clock.advance(7200)
    assert.equal(JSON.parse((await code('getwxacodeunlimit', GOOD.getwxacodeunlimit)).body).errcode, 42001)
  })
}
