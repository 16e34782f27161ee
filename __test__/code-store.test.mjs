import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { codeKey, WxaCode } from 'wxacode'
import { run } from './support/child.mjs'
import { codeFiles, newDirectory } from './support/code-files.mjs'
import { asked } from './support/decode.mjs'
import { deferred, failure, newSecret, setup, suite, thrown, times } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** The events of one account from now on. */
function eventsOf(t, appid) {
  const events = []
  const listener = (event) => {
    if (event.appid === appid) events.push(event)
  }
  subscribe('wxacode:cache', listener)
  t.after(() => unsubscribe('wxacode:cache', listener))
  return events
}

/** The events so far, of which there is at least one. */
async function told(events) {
  assert.ok(await until(() => events.length > 0))
  return events.map(({ event, operation, reason }) => [event, operation, reason])
}

const keyOf = (store) => [...store.keys()][0]
const hostKey = /^wx\w{16}\/host-[0-9a-f]{16}\/v1-[0-9a-f]{32}$/

suite('a store of one’s own', (test) => {
  test('memory, then the store, then WeChat; under a key that codeKey gives', async (t) => {
    const store = new Map()
    const { fake, client: open, options } = await setup(t)
    const client = () => open({ cache: { store } })
    const first = client()
    const image = await first.getUnlimitedQRCode({ scene: 'a', width: 430 })
    await first.getUnlimitedQRCode({ scene: 'a' })
    await first.close()
    assert.match(keyOf(store), hostKey)
    assert.ok(keyOf(store).startsWith(`${options.appid}/`) && keyOf(store).endsWith(`/${codeKey({ scene: 'a' })}`))
    assert.ok(Buffer.isBuffer(store.get(keyOf(store))))
    const second = client()
    const again = await second.getUnlimitedQRCode({ scene: 'a' })
    assert.deepEqual(again, image)
    assert.equal(fake.count('codes'), 1)
    const { hits, storeHits, misses } = second.stats().cache
    assert.deepEqual([hits, storeHits, misses], [0, 1, 0])
    again.fill(0)
    assert.equal(asked(store.get(keyOf(store))).scene, 'a')
  })

  test('each endpoint and each parameter has the key of codeKey', async (t) => {
    const store = new Map()
    const { wxa } = await setup(t, {}, { cache: { store } })
    const codes = [
      { kind: 'unlimited', scene: 'a', page: 'pages/index/index', lineColor: { r: 1, g: 2, b: 3 }, isHyaline: true },
      { kind: 'unlimited', scene: 'b', extra: { b: 1, a: { d: 1.5, c: '码', 2: [] } } },
      { kind: 'limited', path: 'a?b=码' },
      { kind: 'qrcode', path: 'a', width: 300 },
    ]
    for await (const { error } of wxa.batch(codes)) assert.equal(error, undefined)
    await wxa.close()
    assert.deepEqual([...store.keys()].map((key) => key.split('/').at(-1)).sort(), codes.map(codeKey).sort())
  })

  test('with a directory: memory, disk, store; and what the store gives is written to the disk', async (t) => {
    const [directory, store] = [newDirectory(t), new Map()]
    const { fake, client } = await setup(t)
    const fetched = client({ cache: { store } })
    await fetched.createQRCode({ path: 'a' })
    await fetched.close()
    const sources = []
    for (let n = 0; n < 2; n++) {
      const wxa = client({ cache: { store, directory } })
      await wxa.createQRCode({ path: 'a' })
      await wxa.close()
      const { diskHits, storeHits } = wxa.stats().cache
      sources.push([diskHits, storeHits])
    }
    assert.deepEqual(sources, [
      [0, 1],
      [1, 0],
    ])
    assert.deepEqual([fake.count('codes'), codeFiles(directory).length], [1, 1])
  })

  test('calls for the same code ask the store once, and clients with the same store share their memory', async (t) => {
    const store = new Map()
    const gets = []
    const slow = {
      get: async (key) => gets.push(key) && store.get(key),
      set: (key, image) => store.set(key, image),
    }
    const { fake, client: open } = await setup(t)
    const client = (more) => open({ cache: { store: slow }, ...more })
    const [first, second] = [client(), client()]
    await Promise.all(times(20, () => first.createQRCode({ path: 'a' })))
    await second.createQRCode({ path: 'a' })
    assert.deepEqual([gets.length, fake.count('codes'), second.stats().cache.hits], [1, 1, 1])
    const other = client({ cache: { store: { ...slow } } })
    await first.close()
    await other.createQRCode({ path: 'a' })
    assert.deepEqual([gets.length, fake.count('codes'), other.stats().cache.storeHits], [2, 1, 1])
  })

  test('accounts, AppSecrets of an account, and hosts: none gets the code of another account', async (t) => {
    const store = new Map()
    const other = { appid: 'wx00000000000000c3', secret: newSecret() }
    const { fake, client: open, options } = await setup(t, { others: [other] })
    const client = (more) => open({ cache: { store }, ...more })
    const { appid, secret } = options
    const elsewhere = await setup(t, { app: { appid, secret } })
    const places = [{}, other, { baseUrl: elsewhere.fake.url }]
    for (const round of [0, 1]) {
      for (const more of places) {
        const wxa = client(more)
        await wxa.createQRCode({ path: 'a' })
        await wxa.close()
        assert.equal(wxa.stats().cache.storeHits, round)
      }
    }
    assert.deepEqual([store.size, fake.count('codes'), elsewhere.fake.count('codes')], [3, 2, 1])
  })

  test('codes of an account of which there is no proof have a place of their own', async (t) => {
    const store = new Map()
    const { fake, client, wxa, options } = await setup(t, {}, { cache: { store } })
    const { accessToken } = await wxa.getAccessToken()
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    const provided = client({ token: () => accessToken, secret: undefined })
    await provided.createQRCode({ path: 'a' })
    await provided.close()
    assert.equal(fake.count('codes'), 2)
    assert.match([...store.keys()][1], new RegExp(`^${options.appid}/unverified/host-[0-9a-f]{16}/v1-`))
  })

  for (const [name, get, reason] of [
    ['throws', () => assert.fail('the bucket is gone'), 'threw'],
    ['rejects', async () => assert.fail('the bucket is gone'), 'threw'],
    ['gives text', () => 'an image', 'threw'],
    ['gives no picture', () => Buffer.from('<html>'), 'invalid'],
    ['gives half a picture', () => Buffer.from('ffd8fffe0004', 'hex'), 'invalid'],
    ['gives an empty Buffer', () => Buffer.alloc(0), 'invalid'],
  ]) {
    test(`a store that ${name} fails no call, emits an event and receives the code`, async (t) => {
      const sets = []
      const store = { get, set: async (_, image) => sets.push(asked(image).path) }
      const { wxa, options } = await setup(t, {}, { cache: { store } })
      const events = eventsOf(t, options.appid)
      assert.equal(asked(await wxa.createQRCode({ path: 'a' })).path, 'a')
      assert.deepEqual(await told(events), [['cache_store.error', 'get', reason]])
      assert.match(events[0].message, /^cache\.store\.get: .* \| cache\.store\.get：/)
      await wxa.close()
      assert.deepEqual(sets, ['a'])
      assert.equal(wxa.stats().cache.misses, 1)
    })
  }

  test('a store that gives nothing, in whichever way, is asked and says nothing', async (t) => {
    for (const nothing of [undefined, null, Promise.resolve(null)]) {
      const { wxa, options } = await setup(t, {}, { cache: { store: { get: () => nothing, set() {} } } })
      const events = eventsOf(t, options.appid)
      await wxa.createQRCode({ path: 'a' })
      await wxa.close()
      assert.deepEqual([events, wxa.stats().cache.misses], [[], 1])
    }
  })

  test('a store that hangs delays one call by a fifth of its timeout and emits an event', async (t) => {
    const signals = []
    const store = { get: (_, { signal }) => signals.push(signal) && new Promise(() => {}), set() {} }
    const { wxa, options } = await setup(t, {}, { cache: { store } })
    const events = eventsOf(t, options.appid)
    await wxa.getAccessToken()
    const begun = performance.now()
    await wxa.createQRCode({ path: 'a' }, { timeoutMs: 30_000 / 6 })
    const took = performance.now() - begun
    assert.ok(took > 900, `${took}`)
    assert.deepEqual(await told(events), [['cache_store.error', 'get', 'timeout']])
    assert.ok(await until(() => signals[0].aborted))
    await wxa.createQRCode({ path: 'b' })
    assert.equal(signals.length, 1)
  })

  test('no call waits for set, and close() does', async (t) => {
    const stored = deferred()
    let isStored = false
    const store = {
      get() {},
      async set() {
        await stored.promise
        isStored = true
      },
    }
    const { wxa } = await setup(t, {}, { cache: { store } })
    await wxa.createQRCode({ path: 'a' })
    let isClosed = false
    const closed = wxa.close().then(() => {
      isClosed = true
    })
    assert.equal((await failure(wxa.createQRCode({ path: 'a' }))).code, 'ERR_WXA_CLOSED')
    assert.equal(await until(() => isClosed, 500), false)
    assert.equal(isStored, false)
    stored.resolve()
    await closed
    assert.ok(isStored)
  })

  test('close() with a time waits no longer for set than that', async (t) => {
    const store = { get() {}, set: () => new Promise(() => {}) }
    const { wxa } = await setup(t, {}, { cache: { store } })
    await wxa.createQRCode({ path: 'a' })
    const begun = performance.now()
    await wxa.close({ timeoutMs: 200 })
    const took = performance.now() - begun
    assert.ok(took >= 190 && took < 9_000, `${took}`)
  })

  test('a set that fails emits an event', async (t) => {
    const store = { get() {}, set: () => Promise.reject(new Error('access_token=abcdefghijklmnop is no good')) }
    const { wxa, options } = await setup(t, {}, { cache: { store } })
    const events = eventsOf(t, options.appid)
    await wxa.createQRCode({ path: 'a' })
    assert.deepEqual(await told(events), [['cache_store.error', 'set', 'threw']])
    assert.ok(!events[0].message.includes('abcdefghijklmnop'))
    await wxa.close()
  })

  test('a process that ends by itself after close() has stored what it fetched', async (t) => {
    const directory = newDirectory(t)
    const { options } = await setup(t)
    const script = `
      import { writeFile } from 'node:fs/promises'
      import { setTimeout as sleep } from 'node:timers/promises'
      const set = async (key, image) => {
        await sleep(100, undefined, { ref: false })
        await writeFile(given.directory + '/' + key.split('/').at(-1), image)
      }
      const wxa = new WxaCode({ ...given.options, cache: { store: { get() {}, set } } })
      for (let n = 0; n < 20; n++) await wxa.createQRCode({ path: 'p' + n, width: 280 })
      await wxa.close()`
    const { code, stderr } = await run(script, { given: { options, directory } })
    assert.deepEqual([code, stderr], [0, ''])
    const { readdirSync } = await import('node:fs')
    assert.equal(readdirSync(directory).length, 20)
  })

  test('its functions run in the context of the call, if that is traced', async (t) => {
    const calls = new AsyncLocalStorage()
    const begun = channel('tracing:wxacode:call:start')
    begun.bindStore(calls)
    t.after(() => begun.unbindStore(calls))
    const seen = []
    const store = {
      get: () => void seen.push(['get', calls.getStore()?.method]),
      set: () => void seen.push(['set', calls.getStore()?.method]),
    }
    const listener = () => {}
    subscribe('tracing:wxacode:call:start', listener)
    t.after(() => unsubscribe('tracing:wxacode:call:start', listener))
    const { wxa } = await setup(t, {}, { cache: { store } })
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    assert.deepEqual(seen, [
      ['get', 'createQRCode'],
      ['set', 'createQRCode'],
    ])
  })

  test('a traced call says that its code came from the store, or from the disk', async (t) => {
    const [directory, store] = [newDirectory(t), new Map()]
    const { client, options } = await setup(t)
    const sources = []
    const listener = ({ appid, method, source }) => {
      if (appid === options.appid && method === 'createQRCode') sources.push(source)
    }
    subscribe('tracing:wxacode:call:asyncEnd', listener)
    t.after(() => unsubscribe('tracing:wxacode:call:asyncEnd', listener))
    for (const cache of [{ store }, { store, maxBytes: 1e6, directory }, { directory }]) {
      const wxa = client({ cache })
      await wxa.createQRCode({ path: 'a' })
      await wxa.close()
    }
    assert.deepEqual(sources, ['wechat', 'store', 'disk'])
  })

  test('its context has the appid, and it may be of a class', async (t) => {
    class Store {
      #images = new Map()
      contexts = []
      get(key, context) {
        this.contexts.push(context)
        return this.#images.get(key)
      }
      set(key, image) {
        this.#images.set(key, image)
      }
    }
    const store = new Store()
    const { wxa, options } = await setup(t, {}, { cache: { store } })
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    const [{ appid, signal }] = store.contexts
    assert.deepEqual([appid, signal.aborted], [options.appid, false])
  })

  test('what is no store is refused, and so is one beside Redis', async (t) => {
    const { client, options } = await setup(t)
    for (const store of [{}, { get() {} }, { get: 1, set: 1 }, null, 'file:x', () => {}, []]) {
      const error = thrown(() => client({ cache: { store } }))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', 'cache.store'])
      assert.match(error.message, /get.*set.*\|.*get.*set/s)
    }
    const both = thrown(() => client({ redis: 'redis://127.0.0.1:1', cache: { store: new Map(), redis: true } }))
    assert.equal(both.param, 'cache.store')
    assert.match(both.message, /together.*不能同时/s)
    Object.assign(Object.prototype, { get() {}, set() {} })
    try {
      assert.equal(thrown(() => new WxaCode({ ...options, cache: { store: {} } })).param, 'cache.store')
    } finally {
      delete Object.prototype.get
      delete Object.prototype.set
    }
  })

  test('an error of WeChat is not stored', async (t) => {
    const store = new Map()
    const { fake, wxa } = await setup(t, {}, { cache: { store }, retries: 0 })
    fake.fail(45009)
    await failure(wxa.createQRCode({ path: 'a' }))
    await wxa.close()
    assert.equal(store.size, 0)
  })
})
