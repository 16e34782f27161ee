import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { start, withoutWarnings } from '../support/child.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { checkText, failure, setup, suite, times } from '../support/suite.mjs'

/** Says that it is there, waits for the word, then makes its calls and prints what came of them. */
const CALLER = `
const { once } = await import('node:events')
const { options, calls, warm } = given
const wxa = new WxaCode(options)
if (warm) await wxa.getAccessToken()
console.log('ready')
await once(process.stdin, 'data')
const results = await Promise.allSettled(Array.from({ length: calls }, async () => {
  const begun = performance.now()
  const image = await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
  return { bytes: image.length, ms: performance.now() - begun }
}))
console.log(JSON.stringify({
  images: results.filter((one) => one.status === 'fulfilled').length,
  slowest: Math.max(0, ...results.map((one) => one.value?.ms ?? 0)),
  errors: results.flatMap((one) => one.reason?.code === 'ERR_WXA_API' ? [one.reason.errcode] : one.reason ? [one.reason.message] : []),
}))
process.exit()
`

/** Processes that begin together. */
async function fleet(options, { processes = 8, calls = 50, warm = false } = {}) {
  const children = times(processes, () => start(CALLER, { given: { options, calls, warm } }))
  await Promise.all(children.map((child) => child.printed('ready\n')))
  return {
    children,
    async go() {
      for (const { child } of children) child.stdin.write('go\n')
      const ended = await Promise.all(children.map(({ done }) => done))
      return ended.map(({ stdout, stderr, signal }) => {
        if (signal) return { signal, images: 0, errors: [] }
        assert.equal(withoutWarnings(stderr).rest, '')
        return JSON.parse(stdout.split('\n')[1])
      })
    },
  }
}

const images = (results) => results.reduce((sum, { images }) => sum + images, 0)
const errors = (results) => results.flatMap(({ errors }) => errors)

const withRedis = async (t, more = {}, ...args) => {
  const redis = await startRedis(t, ...args)
  const options = { redis: patient(redis.url), timeoutMs: 600_000, ...more }
  return { redis, ...(await setup(t, {}, options)) }
}

suite(
  'a fleet with one Redis',
  (test) => {
    for (const token of ['stable', 'classic']) {
      test(`${token}: 8 new processes with 50 calls each make one token request`, needsRedis, async (t) => {
        const { fake, options } = await withRedis(t, { token })
        const { go } = await fleet(options)
        const results = await go()
        assert.deepEqual(errors(results), [])
        assert.equal(images(results), 400)
        assert.equal(fake.count('tokens'), 1)
      })

      test(`${token}: a token revoked elsewhere costs the fleet one more token request`, needsRedis, async (t) => {
        const { fake, options, wxa } = await withRedis(t, { token })
        await wxa.getAccessToken()
        const { go } = await fleet(options)
        fake.revokeTokens()
        const results = await go()
        assert.deepEqual(errors(results), [])
        assert.equal(images(results), 400)
        assert.equal(fake.count('tokens'), 2)
      })

      test(`${token}: an API that refuses every token costs two token requests`, needsRedis, async (t) => {
        const { fake, options } = await withRedis(t, { token })
        fake.fail(40001, { endpoint: 'codes', times: Infinity })
        const { go } = await fleet(options)
        const results = await go()
        assert.deepEqual(new Set(errors(results)), new Set([40001]))
        assert.equal(errors(results).length, 400)
        assert.ok(fake.count('tokens') <= 2, `${fake.count('tokens')} token requests`)
      })
    }

    test(
      'a process that is killed during its token request is replaced, with one further request',
      needsRedis,
      async (t) => {
        const { fake, options, redis } = await withRedis(t)
        const hold = fake.hold('tokens')
        const leader = await fleet(options, { processes: 1, calls: 1 })
        const led = leader.go()
        await fake.arrived(1, 'tokens')
        const { go } = await fleet(options, { processes: 3, calls: 10 })
        leader.children[0].child.kill('SIGKILL')
        await led
        const followed = go()
        hold.release()
        const results = await followed
        assert.deepEqual(errors(results), [])
        assert.equal(images(results), 30)
        assert.equal(fake.count('tokens'), 2)
        // The lock lives 8 s, an attempt 4 s.
        assert.ok(Math.max(...results.map(({ slowest }) => slowest)) < 12_000)
        assert.deepEqual(
          redis.everything().filter(({ key }) => key.endsWith(':lock')),
          [],
        )
      },
    )

    test(
      'a process that is paused during its token request takes the later token when it continues',
      needsRedis,
      async (t) => {
        const { fake, options, client } = await withRedis(t)
        const hold = fake.hold('tokens')
        const leader = await fleet(options, { processes: 1, calls: 1 })
        const led = leader.go()
        await fake.arrived(1, 'tokens')
        leader.children[0].child.kill('SIGSTOP')
        const other = client()
        const image = other.getUnlimitedQRCode({ scene: 'a', checkPath: false })
        await fake.arrived(2, 'tokens')
        hold.release()
        await image
        const { accessToken } = await other.getAccessToken()
        leader.children[0].child.kill('SIGCONT')
        const results = await led
        assert.deepEqual(errors(results), [])
        assert.equal((await client({ baseUrl: [fake.url] }).getAccessToken()).accessToken, accessToken)
      },
    )

    test(
      'values in Redis show neither secret nor token, and keys name the account by a hash',
      needsRedis,
      async (t) => {
        const { redis, client, appid, secret } = await withRedis(t)
        const wxa = client({ redis: patient({ url: redis.url, keyPrefix: 'shop:' }) })
        await wxa.getAccessToken({ forceRefresh: true })
        const { accessToken } = await wxa.getAccessToken()
        wxa.invalidateAccessToken(accessToken)
        await wxa.getAccessToken()
        const rows = redis.everything()
        assert.ok(rows.length >= 3, JSON.stringify(rows))
        for (const { key, value } of rows) {
          assert.match(key, new RegExp(`^shop:\\{${appid}:stable:[0-9a-f]{16}\\}:[a-z-]+$`))
          checkText(key + value, [secret, accessToken])
        }
      },
    )

    test(
      'without Redis no call fails in stable mode, and only the first call of a process waits for it',
      needsRedis,
      async (t) => {
        const { redis, fake, options } = await withRedis(t)
        await redis.stop()
        const { go } = await fleet(options, { processes: 4, calls: 25 })
        const results = await go()
        assert.deepEqual(errors(results), [])
        assert.equal(images(results), 100)
        assert.ok(fake.count('tokens') <= 4)
      },
    )

    test('a Redis that never replies costs a call one timeout', needsRedis, async (t) => {
      const swallow = createServer(() => {}).listen(0, '127.0.0.1')
      await once(swallow, 'listening')
      t.after(() => swallow.close())
      const redis = { url: `redis://127.0.0.1:${swallow.address().port}`, timeoutMs: 3000 }
      const { fake, wxa } = await setup(t, {}, { redis })
      const begun = performance.now()
      await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
      const first = performance.now() - begun
      assert.ok(first < 2 * redis.timeoutMs, `${first} ms`)
      assert.equal(fake.count('tokens'), 1)
    })

    test(
      'a refused token that WeChat returns again is fetched once, however many calls wait for another',
      needsRedis,
      async (t) => {
        const { fake, options, wxa } = await withRedis(t)
        await wxa.getAccessToken()
        fake.fail(40001, { endpoint: 'codes', times: Infinity })
        const { go } = await fleet(options, { processes: 4, calls: 1, warm: true })
        const hold = fake.hold('tokens')
        const gone = go()
        await fake.arrived(4, 'codes')
        await fake.arrived(2, 'tokens')
        hold.release()
        assert.deepEqual(
          errors(await gone),
          times(4, () => 40001),
        )
        assert.equal(fake.count('tokens'), 2)
      },
    )

    test('a late write changes nothing and returns the stored token', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const script = (name) => readFileSync(new URL(`../../src/token/redis_store/${name}.lua`, import.meta.url), 'utf8')
      const acquire = (owner) =>
        redis.cli(
          'EVAL',
          script('acquire'),
          4,
          'token',
          'lock',
          'fence',
          'cool',
          owner,
          9000,
          '',
          30_000,
          16_000,
          'e',
          0,
          30_000,
          4224,
          '',
          60_000,
        )
      const publish = (owner, epoch, gen, value) =>
        redis.cli(
          'EVAL',
          script('publish'),
          3,
          'token',
          'lock',
          'fence',
          owner,
          epoch,
          gen,
          value,
          value,
          60_000,
          4224,
          60_000,
        )
      assert.equal(acquire('paused'), 'lock\ne\n1')
      assert.equal(acquire('paused'), 'lock\ne\n1', 'a lost reply')
      assert.match(acquire('other'), /^wait/)
      redis.cli('DEL', 'lock')
      assert.equal(acquire('other'), 'lock\ne\n2')
      assert.equal(publish('other', 'e', 2, 'second'), 'written')
      redis.cli('SET', 'lock', 'third')
      assert.match(publish('paused', 'e', 1, 'first'), /^token\nsecond\n/)
      assert.match(publish('paused', 'before', 9, 'first'), /^token\nsecond\n/, 'from before the store was emptied')
      assert.equal(redis.cli('HGET', 'token', 'value'), 'second')
      assert.equal(redis.cli('GET', 'lock'), 'third', 'and the lock of a third stays')
    })

    test('no call waits for a dead Redis again while its circuit is open', needsRedis, async (t) => {
      const swallow = createServer(() => {}).listen(0, '127.0.0.1')
      await once(swallow, 'listening')
      t.after(() => swallow.close())
      const redis = { url: `redis://127.0.0.1:${swallow.address().port}`, timeoutMs: 2000 }
      const setups = await Promise.all(times(3, () => setup(t, {}, { redis })))
      await setups[0].wxa.getAccessToken()
      const begun = performance.now()
      await setups[1].wxa.getAccessToken()
      await setups[2].wxa.getAccessToken()
      const ms = performance.now() - begun
      assert.ok(ms < redis.timeoutMs, `${ms} ms`)
    })

    test('an emptied Redis costs a valid token nothing, and new processes one request', needsRedis, async (t) => {
      const { redis, fake, options, wxa } = await withRedis(t)
      const { accessToken } = await wxa.getAccessToken()
      redis.cli('FLUSHALL')
      assert.equal((await wxa.getAccessToken()).accessToken, accessToken)
      assert.equal(fake.count('tokens'), 1)
      const { go } = await fleet(options, { processes: 3, calls: 10 })
      assert.equal(images(await go()), 30)
      assert.equal(fake.count('tokens'), 2)
    })

    test('a connection that Redis closes is replaced by one new connection', needsRedis, async (t) => {
      const { redis, fake, client } = await withRedis(t)
      const clients = times(20, () => client())
      const draw = () => Promise.all(clients.map((wxa) => wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })))
      const connections = () => Number(/total_connections_received:(\d+)/.exec(redis.cli('INFO', 'stats'))[1])
      await draw()
      for (let round = 1; round <= 3; round++) {
        const before = connections()
        redis.cli('CLIENT', 'KILL', 'TYPE', 'normal')
        await draw()
        // One of them is redis-cli's own, and one is that of the look.
        assert.ok(connections() - before <= 3, `${connections() - before} connections`)
      }
      assert.equal(fake.count('tokens'), 1)
    })

    test('a Redis that comes back is used again', needsRedis, async (t) => {
      const { redis, fake, options } = await withRedis(t)
      await redis.stop()
      const down = await fleet(options, { processes: 2, calls: 5 })
      assert.equal(images(await down.go()), 10)
      const alone = fake.count('tokens')
      await redis.start()
      const up = await fleet(options, { processes: 4, calls: 5 })
      assert.equal(images(await up.go()), 20)
      assert.equal(fake.count('tokens'), alone + 1)
    })

    test('in classic mode a process without Redis requests no token unless it is allowed to', needsRedis, async (t) => {
      const { redis, fake, client } = await withRedis(t, { token: 'classic' })
      await redis.stop()
      const error = await failure(client({ timeoutMs: 3000 }).getUnlimitedQRCode({ scene: 'a', checkPath: false }))
      assert.equal(error.code, 'ERR_WXA_REDIS')
      assert.equal(error.retryable, true)
      assert.match(error.message, /Redis/)
      assert.equal(fake.count('tokens'), 0)
      const alone = client({ redis: { url: redis.url, keyPrefix: 'own:', allowUnsharedRotation: true } })
      await alone.getUnlimitedQRCode({ scene: 'a', checkPath: false })
      assert.equal(fake.count('tokens'), 1)
    })

    test('a wrong password and a replica count as a Redis that is down', needsRedis, async (t) => {
      const { fake, wxa } = await withRedis(t, {}, '--requirepass', 'right')
      await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
      assert.equal(fake.count('tokens'), 1)
      const readonly = await withRedis(t, {}, '--replicaof', '127.0.0.1', '1')
      await readonly.wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
      assert.equal(readonly.fake.count('tokens'), 1)
    })

    test('another secret uses other keys', needsRedis, async (t) => {
      const { redis, client, fake } = await withRedis(t)
      await client().getAccessToken()
      await failure(client({ secret: 'another' }).getAccessToken())
      assert.equal(fake.count('tokens'), 2)
      assert.equal(redis.everything().filter(({ key }) => key.endsWith(':fence')).length, 2)
    })
  },
  { concurrency: 2 },
)
