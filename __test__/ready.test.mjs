import assert from 'node:assert/strict'
import { WxaCode } from 'wxacode'
import { run } from './support/child.mjs'
import { setupPlatforms } from './support/platforms.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { checkMessage, failure, newAppid, newSecret, setup, suite, times } from './support/suite.mjs'

suite('ready()', (test) => {
  test('fetches the token that the next calls use', async (t) => {
    const { fake, wxa } = await setup(t)
    assert.equal(await wxa.ready(), undefined)
    assert.deepEqual([fake.count('tokens'), fake.count()], [1, 1])
    await Promise.all(times(3, () => wxa.getUnlimitedQRCode({ scene: 'a' })))
    assert.equal(fake.count('tokens'), 1)
  })

  test('sends nothing while there is a good token, of another client too', async (t) => {
    const { fake, wxa, client } = await setup(t)
    await wxa.getAccessToken()
    await Promise.all([wxa.ready(), client().ready(), wxa.ready()])
    assert.equal(fake.count(), 1)
  })

  test('fetches another one in place of one that was rejected', async (t) => {
    const { fake, wxa } = await setup(t)
    wxa.invalidateAccessToken((await wxa.getAccessToken()).accessToken)
    await wxa.ready()
    assert.equal(fake.count('tokens'), 2)
  })

  for (const [errcode, remedy] of [
    [40125, /AppSecret/],
    [40013, /AppID/i],
    [40164, /whitelist/],
  ]) {
    test(`rejects with ${errcode}, explained`, async (t) => {
      const { fake, wxa } = await setup(t)
      fake.fail(errcode, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
      const error = await failure(wxa.ready())
      assert.deepEqual([error.errcode, error.endpoint], [errcode, 'stable_token'])
      assert.match(error.explanation.fix.en + error.explanation.cause.en, remedy)
      checkMessage(error)
    })
  }

  test('rejects where WeChat cannot be reached, or does not answer in time', async (t) => {
    const { fake, wxa } = await setup(t)
    const away = new WxaCode({ appid: newAppid(), secret: newSecret(), baseUrl: 'http://127.0.0.1:9', timeoutMs: 500 })
    assert.match((await failure(away.ready())).code, /^ERR_WXA_(NETWORK|TIMEOUT)$/)
    fake.hold('tokens')
    assert.equal((await failure(wxa.ready({ timeoutMs: 100 }))).code, 'ERR_WXA_TIMEOUT')
  })

  test('can be aborted, and refuses options that it does not have', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('tokens')
    const controller = new AbortController()
    const waiting = failure(wxa.ready({ signal: controller.signal }))
    await fake.arrived(1, 'tokens')
    controller.abort(new Error('enough'))
    assert.equal((await waiting).message, 'enough')
    assert.equal((await failure(wxa.ready({ forceRefresh: true }))).param, 'forceRefresh')
    assert.equal((await failure(wxa.ready({ timeoutMs: 0 }))).param, 'timeoutMs')
  })

  test('calls a token function once, and passes on what it throws', async (t) => {
    const { fake, client } = await setup(t)
    let calls = 0
    const own = (token) => client({ secret: undefined, token })
    const good = own(() => `token-${++calls}`)
    await good.ready()
    await good.ready()
    assert.equal(calls, 1)
    const mine = new Error('no token service')
    assert.equal(await failure(own(() => Promise.reject(mine)).ready()), mine)
    assert.equal(fake.count(), 0)
  })

  test("has nothing to do with token 'none'", async (t) => {
    const { fake, client } = await setup(t)
    assert.equal(await client({ secret: undefined, token: 'none' }).ready(), undefined)
    assert.equal(fake.count(), 0)
  })

  test('takes the token of the fleet from Redis', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { fake, options } = await setup(t, {}, { redis: patient(redis.url) })
    const script = 'await new WxaCode(given).ready()'
    for (const _ of times(2, Number)) {
      const { code, stderr } = await run(script, { given: options })
      assert.deepEqual([code, stderr], [0, ''])
    }
    assert.equal(fake.count(), 1)
  })

  test('rejects with ERR_WXA_CLOSED after close()', async (t) => {
    const { fake, client } = await setup(t)
    for (const wxa of [client(), client({ secret: undefined, token: 'none' })]) {
      await wxa.close()
      assert.equal((await failure(wxa.ready())).code, 'ERR_WXA_CLOSED')
    }
    assert.equal(fake.count(), 0)
  })
})

suite('ready() of a platform', (test) => {
  test('fetches the component access token once', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: 'memory' })
    await place.ticket()
    assert.equal(await platform.ready(), undefined)
    const before = place.fake.count()
    await platform.ready()
    assert.equal(place.fake.count(), before)
    assert.ok(platform.stats().tokenAgeMs >= 0)
  })

  test('without a ticket it rejects at its deadline, and resolves when one comes before', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: 'memory' })
    const error = await failure(platform.ready({ timeoutMs: 100 }))
    assert.equal(error.code, 'ERR_WXA_TICKET')
    const waiting = platform.ready()
    await place.ticket()
    await waiting
  })

  test('rejects with what WeChat refuses, and when it is closed', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: 'memory' })
    await place.ticket()
    place.fake.fail(40125, { endpoint: 'api_component_token', times: Number.POSITIVE_INFINITY })
    assert.equal((await failure(platform.ready())).errcode, 40125)
    await platform.close()
    assert.equal((await failure(platform.ready())).code, 'ERR_WXA_CLOSED')
  })
})
