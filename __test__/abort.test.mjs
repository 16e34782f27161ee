import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { asked } from './support/decode.mjs'
import { failure, setup, suite, times } from './support/suite.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
const listeners = (signal) => getEventListeners(signal, 'abort').length
const REASONS = [new Error('my own'), 'text', 0, null, false, Symbol('mine'), { of: 'mine' }]

suite('aborting', (test) => {
  for (const method of ['getUnlimitedQRCode', 'getQRCode', 'createQRCode', 'getAccessToken']) {
    test(`${method} with a signal that is aborted already sends nothing`, async (t) => {
      const { fake, wxa } = await setup(t)
      const given = { getUnlimitedQRCode: [{ scene: 'a' }], getAccessToken: [] }[method] ?? [{ path: 'a' }]
      for (const reason of REASONS) {
        assert.equal(await failure(wxa[method](...given, { signal: AbortSignal.abort(reason) })), reason)
      }
      assert.equal(fake.count(), 0)
    })
  }

  test('an abort without a reason rejects with an AbortError', async (t) => {
    const { wxa } = await setup(t)
    const error = await failure(draw(wxa, { signal: AbortSignal.abort() }))
    assert.equal(error.name, 'AbortError')
    assert.ok(error instanceof DOMException)
  })

  test('an abort of a call that waits for the token lets the refresh go on, for other and later calls', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('tokens')
    const controller = new AbortController()
    const first = failure(draw(wxa, { signal: controller.signal }))
    await fake.arrived(1, 'tokens')
    const others = Promise.all(times(5, () => draw(wxa)))
    const reason = new Error('my own')
    controller.abort(reason)
    assert.equal(await first, reason)
    assert.equal(hold.waiting, 1)
    hold.release()
    for (const image of await others) assert.equal(asked(image).path, 'a')
    assert.equal(fake.count('tokens'), 1)
    assert.equal(fake.count('codes'), 5)
  })

  test('an abort of all calls that wait for the token leaves the token to the next call', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('tokens')
    const controller = new AbortController()
    const calls = times(5, () => failure(draw(wxa, { signal: controller.signal })))
    await fake.arrived(1, 'tokens')
    controller.abort()
    for (const error of await Promise.all(calls)) assert.equal(error.name, 'AbortError')
    hold.release()
    await draw(wxa)
    assert.equal(fake.count('tokens'), 1)
    assert.equal(fake.count('codes'), 1)
  })

  for (const reason of REASONS) {
    test(`an abort during the request rejects with the reason of the signal, ${String(reason)}, and closes the request`, async (t) => {
      const { fake, wxa } = await setup(t)
      fake.hold('codes')
      const controller = new AbortController()
      const call = failure(draw(wxa, { signal: controller.signal }))
      await fake.arrived(1, 'codes')
      controller.abort(reason)
      assert.equal(await call, reason)
      await fake.idle()
      assert.equal(fake.requests.at(-1).closed, true)
    })
  }

  test('an abort stops its own call and no other', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('codes')
    const controllers = times(6, () => new AbortController())
    const calls = controllers.map(({ signal }) => draw(wxa, { signal }))
    await fake.arrived(6, 'codes')
    const outcomes = Promise.allSettled(calls)
    for (const controller of controllers.slice(0, 3)) controller.abort()
    await Promise.allSettled(calls.slice(0, 3))
    hold.release()
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      [...times(3, () => 'rejected'), ...times(3, () => 'fulfilled')],
    )
  })

  test('an abort between two retries rejects at once', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 10, timeoutMs: 60_000 })
    fake.fail(-1, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    const controller = new AbortController()
    const call = failure(draw(wxa, { signal: controller.signal }))
    await fake.arrived(3, 'codes')
    controller.abort('enough')
    assert.equal(await call, 'enough')
  })

  test('an abort while a call waits for the rate limit rejects at once', async (t) => {
    const { fake, wxa } = await setup(t, {}, { ratePerMinute: 1, timeoutMs: 120_000 })
    await wxa.getUnlimitedQRCode({ scene: 'a', width: 280 })
    const controller = new AbortController()
    const call = failure(wxa.getUnlimitedQRCode({ scene: 'a' }, { signal: controller.signal }))
    controller.abort('enough')
    assert.equal(await call, 'enough')
    assert.equal(fake.count('codes'), 1)
  })

  test('an abort after the call has no effect', async (t) => {
    const { wxa } = await setup(t)
    const controller = new AbortController()
    const image = await draw(wxa, { signal: controller.signal })
    controller.abort()
    assert.equal(asked(image).path, 'a')
    await draw(wxa)
  })

  test('a call leaves no listener on the signal, whether it succeeds or fails', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    const { signal } = new AbortController()
    await draw(wxa, { signal })
    await wxa.getAccessToken({ signal })
    assert.equal(listeners(signal), 0)
    for (const what of [41030, 'html', 'reset']) {
      fake.fail(what, { endpoint: 'codes' })
      await failure(draw(wxa, { signal }))
    }
    await failure(wxa.createQRCode({ path: '' }, { signal }))
    fake.fail('hang', { endpoint: 'codes' })
    await failure(draw(wxa, { signal, timeoutMs: 100 }))
    assert.equal(listeners(signal), 0)
    const controller = new AbortController()
    fake.hold('codes')
    const call = failure(draw(wxa, { signal: controller.signal }))
    assert.equal(listeners(controller.signal), 1)
    controller.abort()
    await call
    assert.equal(listeners(controller.signal), 0)
  })

  test("the caller's own listeners and onabort stay as they are", async (t) => {
    const { wxa } = await setup(t)
    const controller = new AbortController()
    const heard = []
    controller.signal.onabort = () => heard.push('onabort')
    controller.signal.addEventListener('abort', () => heard.push('listener'))
    await draw(wxa, { signal: controller.signal })
    controller.abort()
    assert.deepEqual(heard, ['onabort', 'listener'])
  })

  test('AbortSignal.timeout rejects with its TimeoutError', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    const signal = AbortSignal.timeout(200)
    const error = await failure(draw(wxa, { signal }))
    assert.equal(error.name, 'TimeoutError')
    assert.equal(error, signal.reason)
  })

  test('AbortSignal.any works', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    const controller = new AbortController()
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)])
    const call = failure(draw(wxa, { signal }))
    await fake.arrived(1, 'codes')
    controller.abort('any')
    assert.equal(await call, 'any')
  })

  test('1000 calls at once on one signal resolve, without a warning, and leave no listener', async (t) => {
    const { wxa } = await setup(t)
    const { signal } = new AbortController()
    const warnings = []
    const onWarning = (warning) => {
      if (warning.target === signal) warnings.push(warning.message)
    }
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    const images = await Promise.all(times(1000, () => draw(wxa, { signal })))
    assert.equal(new Set(images.map((image) => image.length)).size, 1)
    assert.equal(listeners(signal), 0)
    assert.deepEqual(warnings, [])
  })

  test('one abort ends 1000 calls', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('tokens')
    const controller = new AbortController()
    const calls = times(1000, () => failure(draw(wxa, { signal: controller.signal })))
    await fake.arrived(1, 'tokens')
    controller.abort('enough')
    assert.deepEqual([...new Set(await Promise.all(calls))], ['enough'])
    assert.equal(listeners(controller.signal), 0)
  })

  test('an aborted call counts as no error of WeChat and closes nothing', async (t) => {
    const { fake, wxa } = await setup(t)
    await failure(draw(wxa, { signal: AbortSignal.abort() }))
    await draw(wxa)
    assert.equal(fake.count('codes'), 1)
    assert.equal(wxa.stats().images, 1)
  })
})
