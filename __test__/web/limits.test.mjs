import assert from 'node:assert/strict'
import fc from 'fast-check'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import limits from '../../lib/web/answer/limits.js'
import slidingWindow from '../../lib/web/answer/sliding-window.js'
import { startQuickWeChat } from '../support/quick.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { seed } from '../support/shuffle.mjs'
import { allWaitFor, newAppid, newSecret, suite, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { frameworks } from './frameworks.mjs'
import { site } from './site.mjs'

const cached = { cache: true }

for (const name of Object.keys(frameworks)) {
  suite(`what a public route costs: ${name}`, (test) => {
    test('20 GETs and 20 HEADs of one code make one request with a cache', async (t) => {
      const { ask, codes } = await site(t, name, { client: cached })
      const asked = (method) => times(20, () => ask('/code?scene=a', { method }))
      const answers = await Promise.all([...asked('HEAD'), ...asked('GET')])
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      assert.equal(codes(), 1)
      await Promise.all([...asked('GET'), ...asked('HEAD')])
      assert.equal(codes(), 1)
    })

    test('a HEAD makes no request to WeChat, and has the known headers of a code that is not cached', async (t) => {
      const { ask, fake } = await site(t, name)
      const { status, headers, body } = await ask('/code', { method: 'HEAD' })
      assert.deepEqual([status, body.length], [200, 0])
      assert.match(headers.etag, /^"[\w-]{27}"$/)
      assert.equal(headers['cache-control'], 'private, max-age=3600')
      assert.deepEqual([headers['content-type'], headers['content-length']], [undefined, undefined])
      assert.equal(fake.count(), 0)
      assert.equal((await ask()).headers.etag, headers.etag)
    })

    test('a handler over its rate answers 429, and still answers cached codes', async (t) => {
      const { ask, codes, failures, thrown } = await site(t, name, { client: cached, options: { ratePerMinute: 2 } })
      const [first] = await Promise.all([ask('/code?scene=a'), ask('/code?scene=b')])
      const { status, headers, problem } = await ask('/code?scene=c', { headers: { 'accept-language': 'zh' } })
      assert.equal(status, 429)
      assert.ok(headers['retry-after'] > 0 && headers['retry-after'] <= 60, headers['retry-after'])
      assert.equal(headers['cache-control'], 'no-store')
      assert.deepEqual([problem.title, problem.code], ['请求过多', undefined])
      const [{ error, ...note }, ...others] = failures
      assert.deepEqual(others, [])
      assert.deepEqual([error.code, error.endpoint, error.retryable], ['ERR_WXA_RATE_LIMIT', 'codeHandler', true])
      assert.match(error.message, /ratePerMinute.*ratePerMinute/)
      assert.deepEqual([note.status, note.instance], [429, problem.instance])
      assert.equal((await ask('/code?scene=a')).status, 200)
      assert.equal((await ask('/code?scene=c', { method: 'HEAD' })).status, 200)
      const known = { headers: { 'if-none-match': first.headers.etag } }
      assert.equal((await ask('/code?scene=a', known)).status, 304)
      assert.equal(codes(), 2)
      assert.deepEqual(thrown, [])
    })

    test('a handler over its concurrency answers 429 until a request is done', async (t) => {
      const { ask, codes, fake, failures } = await site(t, name, { client: cached, options: { concurrency: 2 } })
      const hold = fake.hold('codes')
      const two = ['a', 'b'].map((scene) => ask(`/code?scene=${scene}`))
      await fake.arrived(2, 'codes')
      const { status, headers } = await ask('/code?scene=c')
      assert.deepEqual([status, headers['retry-after']], [429, '1'])
      assert.match(failures[0].error.message, /concurrency.*concurrency/)
      hold.release()
      for (const { status } of await Promise.all(two)) assert.equal(status, 200)
      assert.equal((await ask('/code?scene=c')).status, 200)
      assert.equal(codes(), 3)
    })
  })
}

/** A handler for `?scene=` or `?path=` and how many codes of which status it gives. */
function handlerOf(wxa, options) {
  const failures = []
  const toCode = (request) => Object.fromEntries(new URL(request.url).searchParams)
  const onError = (error) => failures.push(error)
  const handler = codeHandler(wxa, toCode, { onError, ...options })
  const ask = (query) => handler(new Request(`http://here/?${query}`))
  const statuses = async (queries) => (await Promise.all(queries.map(ask))).map(({ status }) => status)
  return { ask, statuses, failures }
}

async function quick(t, options) {
  const { url, seen } = await startQuickWeChat(t)
  const wxa = new WxaCode({ appid: newAppid(), secret: newSecret(), baseUrl: url, timeoutMs: 600_000, ...options })
  return { wxa, seen }
}

suite('the limits of a handler', (test) => {
  test('count one request, however many visitors wait for the same code', async (t) => {
    let asked = 0
    const toCode = (query) => {
      asked += 1
      return { scene: query.get('scene') }
    }
    const options = { ratePerMinute: 1, concurrency: 1 }
    const { ask, codes, fake, wxa } = await site(t, 'Express 5', { client: cached, options, toCode })
    const hold = fake.hold('codes')
    const same = times(10, () => ask('/code?scene=a'))
    assert.ok(await until(() => asked === 10))
    await allWaitFor((limit) => wxa.getUnlimitedQRCode({ scene: 'a' }, limit))
    hold.release()
    for (const { status } of await Promise.all(same)) assert.equal(status, 200)
    assert.equal(codes(), 1)
    assert.equal((await ask('/code?scene=b')).status, 429)
  })

  test('count every request without a cache', async (t) => {
    const { wxa, seen } = await quick(t)
    const { statuses } = handlerOf(wxa, { ratePerMinute: 3 })
    const all = await statuses(times(5, () => 'scene=a'))
    assert.deepEqual(all.sort(), [200, 200, 200, 429, 429])
    assert.equal(seen.count, 3)
  })

  test('do not count refused parameters and calls that did not reach WeChat', async (t) => {
    let calls = 0
    const token = () => {
      calls += 1
      if (calls > 3) return 'token'
      throw new Error('the token service is down')
    }
    const { wxa, seen } = await quick(t, { token, secret: undefined })
    const { statuses } = handlerOf(wxa, { ratePerMinute: 1 })
    const before = []
    const isUp = async () => {
      before.push(...(await statuses(['scene=%20', 'scene=a'])))
      return before.at(-1) === 200
    }
    assert.ok(await until(isUp))
    assert.deepEqual(new Set(before), new Set([400, 503, 200]))
    assert.equal(seen.count, 1)
    assert.deepEqual(await statuses(['scene=b']), [429])
  })

  test('count what WeChat refuses', async (t) => {
    const { ask, codes } = await site(t, 'Fastify', {
      client: cached,
      options: { ratePerMinute: 1 },
      toCode: (query) => ({ scene: 'a', page: query.get('page') }),
    })
    assert.equal((await ask('/code?page=nowhere')).status, 502)
    assert.equal((await ask('/code?page=nowhere')).status, 429)
    assert.equal(codes(), 1)
  })

  test('do not count codes from Redis', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { url: baseUrl, seen } = await startQuickWeChat(t)
    const account = { appid: newAppid(), secret: newSecret(), baseUrl, timeoutMs: 600_000, redis: patient(redis.url) }
    // Clients of one process share what they keep unless their limits differ.
    const [other, here] = times(2, (n) => new WxaCode({ ...account, cache: { redis: true, maxBytes: 1e6 + n } }))
    for (const scene of ['a', 'b', 'c']) await other.getUnlimitedQRCode({ scene })
    assert.ok(await until(async () => (await redis.ask('KEYS', '*:code')).split('\n').length === 3))
    const { ask, statuses } = handlerOf(here, { ratePerMinute: 1 })
    for (const scene of ['a', 'b', 'c']) assert.equal((await ask(`scene=${scene}`)).status, 200)
    assert.equal(here.stats().cache.redisHits, 3)
    assert.equal(seen.count, 3)
    assert.deepEqual(await statuses(['scene=d', 'scene=e']), [200, 429])
  })

  test('count codes of every kind together under a configured number', async (t) => {
    const { wxa } = await quick(t)
    const { statuses } = handlerOf(wxa, { ratePerMinute: 3 })
    const all = await statuses([
      'scene=a',
      'kind=limited&path=a',
      'kind=qrcode&path=a',
      'scene=b',
      'kind=qrcode&path=b',
    ])
    assert.deepEqual(all, [200, 200, 200, 429, 429])
  })

  test('are by default 60 a minute for the codes limited to 100,000, and 3000 for the others', async (t) => {
    const { wxa, seen } = await quick(t, { ratePerMinute: Number.POSITIVE_INFINITY })
    const { statuses } = handlerOf(wxa)
    const scarce = []
    for (let n = 0; n < 35; n++) scarce.push(...(await statuses([`kind=limited&path=${n}`, `kind=qrcode&path=${n}`])))
    assert.deepEqual(scarce, [...times(60, () => 200), ...times(10, () => 429)])
    const others = []
    for (let n = 0; n < 3010; n += 10) others.push(...(await statuses(times(10, (m) => `scene=${n + m}`))))
    assert.equal(others.filter((status) => status === 200).length, 3000)
    assert.equal(seen.count, 3060)
  })

  test('count in one handler only', async (t) => {
    const { wxa } = await quick(t)
    const [one, other] = times(2, () => handlerOf(wxa, { ratePerMinute: 1 }))
    assert.deepEqual(await one.statuses(['scene=a', 'scene=b']), [200, 429])
    assert.deepEqual(await other.statuses(['scene=a', 'scene=b']), [200, 429])
  })

  test('are off with Infinity', async (t) => {
    const { wxa } = await quick(t)
    const unlimited = { ratePerMinute: Number.POSITIVE_INFINITY, concurrency: Number.POSITIVE_INFINITY }
    const { statuses } = handlerOf(wxa, unlimited)
    const all = await statuses(times(300, (n) => `kind=limited&path=${n}`))
    assert.deepEqual(new Set(all), new Set([200]))
  })

  test('work with a stand-in for a client that does not count', async () => {
    const image = Buffer.from([0xff, 0xd8, 0xff, 0xd9])
    const { statuses } = handlerOf({ appid: 'wx', getUnlimitedQRCode: async () => image }, { ratePerMinute: 1 })
    assert.deepEqual(await statuses(['scene=a', 'scene=b']), [200, 429])
  })

  test('count a kind without a quota by the minute in the window of the scarce kinds', async () => {
    const handler = new limits.Limits({})
    const call = (kind) => handler.run({ wxa: {}, kind, etag: kind }, async () => kind)
    assert.equal(await call('a fourth kind'), 'a fourth kind')
    for (let n = 1; n < 60; n++) await call(n % 2 ? 'limited' : 'qrcode')
    await assert.rejects(call('a fourth kind'), { code: 'ERR_WXA_RATE_LIMIT' })
    assert.equal(await call('unlimited'), 'unlimited')
  })
})

suite('a sliding window', (test) => {
  test('allows the configured number of calls in any minute, and says when the next is possible', () => {
    const steps = fc.array(fc.record({ pause: fc.nat(40_000), isGivenBack: fc.boolean() }), { maxLength: 60 })
    const property = fc.property(fc.integer({ min: 1, max: 4 }), steps, (limit, steps) => {
      let now = 1000
      const window = new slidingWindow.SlidingWindow(limit, () => now)
      const taken = []
      for (const { pause, isGivenBack } of steps) {
        now += pause
        const inThisMinute = taken.filter((at) => at > now - 60_000)
        const wait = window.wait()
        assert.equal(wait, inThisMinute.length < limit ? 0 : inThisMinute.at(-limit) + 60_000 - now)
        if (wait > 0) continue
        const permit = window.acquire()
        if (isGivenBack) window.release(permit)
        else taken.push(now)
      }
    })
    fc.assert(property, { numRuns: 500, seed })
  })
})
