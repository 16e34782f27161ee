import assert from 'node:assert/strict'
import { startFaultProxy } from './support/faults.mjs'
import { freePort } from './support/ports.mjs'
import { needsRedis, startRedis } from './support/redis.mjs'
import { failure, newSecret, setup, suite, times } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** How many turns Redis has counted in minutes. */
const USED = `
local used = 0
for _, key in ipairs(redis.call('KEYS', '*:minute')) do
  for _, count in ipairs(redis.call('HVALS', key)) do used = used + tonumber(count) end
end
return used`

const CALLS = 20
const RATE = 30

const code = (wxa, n = 0, call = undefined) => wxa.getUnlimitedQRCode({ scene: `n=${n}`, checkPath: false }, call)

const succeed = async (calls) => {
  const outcomes = await Promise.allSettled(calls)
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

/** A proxy that lets no request through: it refuses, or accepts everything and sends nothing. */
async function deadProxy(t, mode) {
  const proxy = await startFaultProxy(t, await freePort())
  await proxy.set(mode)
  return { ...proxy, url: proxy.url('http') }
}

suite('isolation', (test) => {
  for (const mode of ['drop', 'refuse', 'reset']) {
    for (const cache of [false, true]) {
      test(`a dead proxy (${mode}) does not delay a client without a proxy, ${cache ? 'with' : 'without'} a cache`, async (t) => {
        const { fake, client } = await setup(t, {}, { cache })
        const proxy = await deadProxy(t, mode)
        const [dead, well] = [client({ proxy: proxy.url }), client()]
        const { signal, abort } = abortable()
        const given = { scene: 'the-same-for-both', checkPath: false, width: 280 }
        let lostSoFar = 0
        const lost = times(CALLS, () => dead.getUnlimitedQRCode(given, { signal, timeoutMs: 60_000 }))
        for (const call of lost) call.catch(() => lostSoFar++)
        await until(() => mode !== 'drop' || proxy.seen.connections > 0)
        // Few, because the call that fetches the token on the dead route gives up after some seconds, and a busy machine draws slowly.
        await Promise.all(times(4, () => well.getUnlimitedQRCode(given)))
        if (mode === 'drop') assert.equal(lostSoFar, 0, 'no call waited until the dead route was given up')
        assert.equal(fake.count('tokens'), 1)
        abort()
        assert.equal(await succeed(lost), 0)
        const { message, cause } = await failure(code(dead, 1, { timeoutMs: 1000 }))
        if (mode !== 'drop') assert.match(`${message} ${cause?.message}`, new RegExp(`:${proxy.port}`))
        // What has failed on the one way is told on no other.
        await code(well, 1)
      })
    }
  }

  test('a client with a wrong secret, a bad token or another host uses none of the rate limit of the appid', async (t) => {
    const { fake, client, secret } = await setup(t, {}, { ratePerMinute: RATE })
    const other = await setup(t)
    const strangers = [
      client({ secret: newSecret() }),
      client({ secret: undefined, token: () => 'NO_TOKEN_OF_WECHATS' }),
      client({ baseUrl: other.fake.url }),
      client({ secret: undefined, token: 'none' }),
    ]
    for (const stranger of strangers) {
      const errors = await Promise.all(times(2 * RATE, (n) => failure(code(stranger, n, { timeoutMs: 20_000 }))))
      assert.ok(errors.every(({ code }) => ['ERR_WXA_API', 'ERR_WXA_RATE_LIMIT'].includes(code)))
    }
    assert.equal(await succeed(times(RATE, (n) => code(client(), n))), RATE)
    assert.equal(fake.count('codes') >= RATE, true)
    assert.equal((await failure(code(client({ secret }), RATE, { timeoutMs: 1000 }))).code, 'ERR_WXA_RATE_LIMIT')
  })

  test('a token provider with a valid token shares the rate limit of the appid', async (t) => {
    const { wxa, client } = await setup(t, {}, { ratePerMinute: RATE })
    const { accessToken } = await wxa.getAccessToken()
    const provided = client({ secret: undefined, token: () => accessToken })
    await code(provided)
    assert.equal(await succeed(times(RATE - 1, (n) => code(wxa, n))), RATE - 1)
    assert.equal((await failure(code(provided, 1, { timeoutMs: 1000 }))).code, 'ERR_WXA_RATE_LIMIT')
  })

  for (const shared of [false, true]) {
    test(
      `calls that never reach WeChat use none of the rate limit${shared ? ' of a fleet' : ''}`,
      shared ? needsRedis : {},
      async (t) => {
        const redis = shared ? await startRedis(t) : undefined
        const meeting = redis && { redis: { url: redis.url, timeoutMs: 5000 } }
        const { fake, client } = await setup(t, {}, { ratePerMinute: RATE, retries: 0, ...meeting })
        const way = await startFaultProxy(t, Number(new URL(fake.url).port))
        const baseUrl = way.url('http')
        const wxa = client({ baseUrl })
        await wxa.getAccessToken()
        await way.set('refuse')
        // The connection that the token came by is dead, and the first call on it does send something.
        await failure(wxa.createQRCode({ path: 'a' }))
        for (const round of times(3, (n) => n)) {
          const errors = await Promise.all(times(RATE, (n) => failure(code(wxa, `${round}.${n}`))))
          assert.deepEqual(new Set(errors.map(({ code }) => code)), new Set(['ERR_WXA_NETWORK']))
        }
        await way.set('pass')
        if (redis) await until(async () => (await redis.ask('EVAL', USED, 0)) === '0')
        // Another process of the fleet, as far as Redis can see.
        assert.equal(await succeed(times(RATE, (n) => code(client({ baseUrl }), n))), RATE)
        assert.equal(fake.count('codes'), RATE)
      },
    )
  }
})
