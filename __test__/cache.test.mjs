import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { WxaCode } from 'wxacode'
import { workerSource } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { allWaitFor, failure, setup, suite, thrown, times } from './support/suite.mjs'

/** Two ways to ask for the same picture: what is not said, and what WeChat's tables give as its default. */
const DEFAULTS = {
  width: 430,
  autoColor: false,
  lineColor: { r: 0, g: 0, b: 0 },
  isHyaline: false,
  envVersion: 'release',
  checkPath: true,
  showSplashAd: true,
}

const counted = ({ hits, redisHits, coalesced, misses }) => ({ hits, redisHits, coalesced, misses })

suite('cache', (test) => {
  test('the same question is asked once, and everybody gets a Buffer of its own', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const first = await wxa.getUnlimitedQRCode({ scene: 'a' })
    const second = await wxa.getUnlimitedQRCode({ scene: 'a' })
    assert.equal(fake.count('codes'), 1)
    assert.deepEqual(first, second)
    assert.notEqual(first.buffer, second.buffer)
    first.fill(0)
    second.fill(1)
    assert.equal(asked(await wxa.getUnlimitedQRCode({ scene: 'a' })).scene, 'a')
    const { cache, requests, images } = wxa.stats()
    assert.deepEqual(counted(cache), { hits: 2, redisHits: 0, coalesced: 0, misses: 1 })
    assert.deepEqual([cache.entries, requests, images], [1, 1, 1])
    assert.ok(cache.sizeBytes > first.length && cache.sizeBytes < first.length + 1000)
  })

  test('without cache every call asks, and there is nothing to tell of a cache', async (t) => {
    for (const more of [{}, { cache: false }, { cache: undefined }]) {
      const { fake, wxa } = await setup(t, {}, more)
      for (let n = 0; n < 2; n++) await wxa.getUnlimitedQRCode({ scene: 'a' })
      assert.equal(fake.count('codes'), 2)
      assert.equal(wxa.stats().cache, undefined)
    }
  })

  test('a default that is spelt out is the same question, anything else is another', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: {} })
    const params = { scene: 'a', page: 'pages/index/index' }
    await wxa.getUnlimitedQRCode(params)
    await wxa.getUnlimitedQRCode({ ...params, ...DEFAULTS })
    for (const [name, value] of Object.entries(DEFAULTS)) await wxa.getUnlimitedQRCode({ ...params, [name]: value })
    assert.equal(fake.count('codes'), 1)
    const others = [
      { scene: 'b' },
      { page: undefined },
      { page: 'pages/goods/detail' },
      { width: 431 },
      { autoColor: true },
      { lineColor: { r: 1, g: 0, b: 0 } },
      { isHyaline: true },
      { envVersion: 'trial' },
      { checkPath: false },
      { showSplashAd: false },
    ]
    for (const other of others) await wxa.getUnlimitedQRCode({ ...params, ...other })
    assert.equal(fake.count('codes'), 1 + others.length)
  })

  test('the three endpoints have pictures of their own', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    for (let n = 0; n < 2; n++) {
      assert.equal(asked(await wxa.getQRCode({ path: 'a' })).kind, 'limited')
      assert.equal(asked(await wxa.createQRCode({ path: 'a' })).kind, 'qrcode')
      assert.equal(asked(await wxa.getUnlimitedQRCode({ scene: 'a' })).kind, 'unlimited')
    }
    assert.equal(fake.count('codes'), 3)
  })

  test('calls that ask the same at the same time share one request', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const hold = fake.hold('codes')
    const calls = times(50, () => wxa.createQRCode({ path: 'a' }))
    await fake.arrived(1, 'codes')
    hold.release()
    const images = await Promise.all(calls)
    assert.equal(fake.count('codes'), 1)
    assert.equal(new Set(images.map(({ buffer }) => buffer)).size, 50)
    for (const image of images) assert.equal(asked(image).path, 'a')
    assert.deepEqual(counted(wxa.stats().cache), { hits: 0, redisHits: 0, coalesced: 49, misses: 1 })
  })

  for (const [who, aborted] of [
    ['the first', 0],
    ['another', 2],
  ]) {
    test(`a caller that aborts leaves the others alone: ${who}`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { cache: true })
      const hold = fake.hold('codes')
      const controllers = times(4, () => new AbortController())
      const calls = controllers.map(({ signal }) => wxa.createQRCode({ path: 'a' }, { signal }))
      await fake.arrived(1, 'codes')
      await allWaitFor((limit) => wxa.createQRCode({ path: 'a' }, limit))
      const reason = new Error('not any more')
      controllers[aborted].abort(reason)
      assert.equal(await failure(calls[aborted]), reason)
      hold.release()
      const others = calls.filter((_, n) => n !== aborted)
      for (const image of await Promise.all(others)) assert.equal(asked(image).path, 'a')
      assert.equal(fake.count('codes'), 1)
      assert.equal(fake.requests.filter(({ closed }) => closed).length, 0)
    })
  }

  test('when all have aborted, the request is closed and the next call asks again', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const hold = fake.hold('codes')
    const controller = new AbortController()
    const calls = times(3, () => failure(wxa.createQRCode({ path: 'a' }, { signal: controller.signal })))
    await fake.arrived(1, 'codes')
    controller.abort()
    await Promise.all(calls)
    await fake.idle()
    hold.release()
    assert.equal(asked(await wxa.createQRCode({ path: 'a' })).path, 'a')
    assert.equal(fake.count('codes'), 2)
  })

  test('a worker that ends while it asks for all leaves the main thread its picture', async (t) => {
    const { fake, wxa, options } = await setup(t, {}, { cache: true })
    await wxa.getAccessToken()
    const hold = fake.hold('codes')
    const worker = new Worker(workerSource(`new WxaCode(given).createQRCode({ path: 'a' }).catch(() => {})`), {
      eval: true,
      workerData: options,
    })
    await fake.arrived(1, 'codes')
    const here = wxa.createQRCode({ path: 'a' })
    await allWaitFor((limit) => wxa.createQRCode({ path: 'a' }, limit))
    await worker.terminate()
    hold.release()
    assert.equal(asked(await here).path, 'a')
    assert.equal(fake.count('codes'), 1)
  })

  test('clients of one account share what they keep, across workers, and no others do', async (t) => {
    const { fake, client, options } = await setup(t, {}, { cache: { maxBytes: 1e6 } })
    const wxa = client()
    await wxa.createQRCode({ path: 'a' })
    await client().createQRCode({ path: 'a' })
    const worker = new Worker(
      workerSource(`await new WxaCode(given).createQRCode({ path: 'a' }); parentPort.postMessage('done')`),
      { eval: true, workerData: options },
    )
    t.after(() => worker.terminate())
    await once(worker, 'message')
    assert.equal(fake.count('codes'), 1)
    await client({ cache: { maxBytes: 2e6 } }).createQRCode({ path: 'a' })
    await client({ token: 'classic' }).createQRCode({ path: 'a' })
    const { accessToken } = await wxa.getAccessToken()
    await client({ token: () => accessToken, secret: undefined }).createQRCode({ path: 'a' })
    assert.equal(fake.count('codes'), 4)
    assert.deepEqual(counted(wxa.stats().cache), { hits: 0, redisHits: 0, coalesced: 0, misses: 1 })
  })

  test('an error is never kept', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true, retries: 0 })
    for (const what of [45011, 'html', 'truncate', 'reset', -1]) fake.fail(what, { endpoint: 'codes' })
    for (let n = 0; n < 5; n++) await failure(wxa.createQRCode({ path: 'a' }))
    assert.equal(asked(await wxa.createQRCode({ path: 'a' })).path, 'a')
    assert.equal(fake.count('codes'), 6)
    assert.equal(wxa.stats().cache.entries, 1)
  })

  test('those who share a request share its error, and each gets one of its own', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const hold = fake.hold('codes')
    const calls = times(5, () => failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/none' })))
    await fake.arrived(1, 'codes')
    hold.release()
    const errors = await Promise.all(calls)
    assert.equal(fake.count('codes'), 1)
    assert.equal(new Set(errors).size, 5)
    for (const { errcode, rid } of errors) assert.deepEqual([errcode, rid], [41030, errors[0].rid])
    assert.equal(wxa.stats().errors[41030], 5)
  })

  test('no more is kept than maxBytes, and the least recently used goes first', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const size = (await wxa.createQRCode({ path: 'size', width: 280 })).length
    const { client } = { client: (more) => new WxaCode({ ...base, ...more }) }
    const base = { appid: fake.appid, secret: fake.secret, baseUrl: fake.url }
    const small = client({ cache: { maxBytes: Math.floor(size * 3.5) } })
    const ask = (path) => small.createQRCode({ path, width: 280 })
    for (const path of ['a', 'b', 'c', 'a', 'd']) await ask(path)
    assert.ok(small.stats().cache.sizeBytes <= size * 3.5)
    const before = fake.count('codes')
    await ask('a')
    assert.equal(fake.count('codes'), before)
    await ask('b')
    assert.equal(fake.count('codes'), before + 1)
  })

  test('nothing is kept for longer than ttlMs', async (t) => {
    const { fake, client } = await setup(t)
    const [short, long] = [client({ cache: { ttlMs: 1 } }), client({ cache: { ttlMs: Number.POSITIVE_INFINITY } })]
    for (const wxa of [short, long]) {
      await wxa.createQRCode({ path: 'a' })
      await new Promise((resolve) => setTimeout(resolve, 5))
      await wxa.createQRCode({ path: 'a' })
    }
    assert.equal(fake.count('codes'), 3)
  })

  test('a kept picture is given without a token, a turn of the minute, or WeChat', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true, ratePerMinute: 1 })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    await fake.close()
    for (let n = 0; n < 10; n++) assert.equal(asked(await wxa.getUnlimitedQRCode({ scene: 'a' })).scene, 'a')
  })

  test('a kept picture does not pass over a wrong parameter, an aborted signal, or close()', async (t) => {
    const { wxa } = await setup(t, {}, { cache: true })
    await wxa.createQRCode({ path: 'a' })
    assert.equal((await failure(wxa.createQRCode({ path: 'a', width: 10 }))).param, 'width')
    assert.equal((await failure(wxa.createQRCode({ path: 'a' }, { timeoutMs: -1 }))).param, 'timeoutMs')
    const reason = new Error('aborted')
    assert.equal(await failure(wxa.createQRCode({ path: 'a' }, { signal: AbortSignal.abort(reason) })), reason)
    await wxa.close()
    assert.equal((await failure(wxa.createQRCode({ path: 'a' }))).code, 'ERR_WXA_CLOSED')
  })

  test('one with more time goes on where the first ran out of it', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    await wxa.getAccessToken()
    fake.fail('hang', { endpoint: 'codes' })
    const hasty = failure(wxa.createQRCode({ path: 'a' }, { timeoutMs: 2000 }))
    await fake.arrived(1, 'codes')
    const patient = wxa.createQRCode({ path: 'a' })
    assert.equal((await hasty).code, 'ERR_WXA_TIMEOUT')
    assert.equal(asked(await patient).path, 'a')
    assert.equal(fake.count('codes'), 2)
  })

  test('options that make no cache name the one at fault', async (t) => {
    const { client } = await setup(t)
    for (const [cache, param] of [
      [{ maxBytes: 0 }, 'cache.maxBytes'],
      [{ maxBytes: 1.5 }, 'cache.maxBytes'],
      [{ maxBytes: Number.POSITIVE_INFINITY }, 'cache.maxBytes'],
      [{ maxEntryBytes: -1 }, 'cache.maxEntryBytes'],
      [{ ttlMs: 0 }, 'cache.ttlMs'],
      [{ ttlMs: Number.NaN }, 'cache.ttlMs'],
      [{ redis: true }, 'cache.redis'],
      [{ max_bytes: 1 }, 'cache.max_bytes'],
      [{ ttlMs: '1' }, 'cache.ttlMs'],
      ['yes', 'cache'],
      [null, 'cache'],
    ]) {
      assert.equal(thrown(() => client({ cache })).param, param)
    }
    assert.match(thrown(() => client({ cache: { redis: true } })).message, /redis: 'redis:/)
    assert.match(thrown(() => client({ cache: { max_bytes: 1 } })).message, /cache\.maxBytes/)
  })

  test('whatever is asked in whatever order, each question reaches WeChat once and gets its own picture', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const known = new Set()
    const question = fc.record({
      path: fc.constantFrom('a', 'b', 'c'),
      width: fc.constantFrom(280, 281, 430, undefined),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(question, { minLength: 1, maxLength: 30 }), async (questions) => {
        const images = await Promise.all(questions.map((one) => wxa.createQRCode(one)))
        for (const [n, { path, width = 430 }] of questions.entries()) {
          known.add(`${path} ${width}`)
          assert.equal(asked(images[n]).path, path)
        }
        assert.equal(fake.count('codes'), known.size)
      }),
      { numRuns: 30 },
    )
  })
})
