import assert from 'node:assert/strict'
import { start, withoutWarnings } from '../support/child.mjs'
import { decode } from '../support/decode.mjs'
import { startQuickWeChat } from '../support/quick.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { keysOf } from '../support/redis-kinds.mjs'
import { checkText, setup, suite, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

/** Asks all questions, then all of them again, as many at a time as it is told, and prints what came of it. */
const CALLER = `
const { once } = await import('node:events')
const { questionIn } = await import('./__test__/support/quick.mjs')
const { asked } = await import('./__test__/support/decode.mjs')
const { options, questions, rounds, atOnce, isQuick } = given
const wxa = new WxaCode(options)
console.log('ready')
await once(process.stdin, 'data')
const errors = []
let wrong = 0
for (let round = 0; round < rounds; round++) {
  const jobs = Array.from({ length: questions }, (_, n) => ({ kind: 'unlimited', scene: 'n=' + n, width: 280 }))
  for await (const { index, image, error } of wxa.batch(jobs, { concurrency: atOnce })) {
    if (error) errors.push(error.message)
    else if ((isQuick ? questionIn : asked)(image).scene !== 'n=' + index) wrong++
  }
}
console.log(JSON.stringify({ wrong, errors: errors.slice(0, 5), failed: errors.length, stats: wxa.stats() }))
process.exit()
`

/** Processes with one Redis and one cache; they ask the fake, or another WeChat at `baseUrl`. */
async function fleetOf(t, { questions, baseUrl, rounds = 2, atOnce = 32, processes = 4, ...fakeOptions }) {
  const redis = await startRedis(t)
  const options = {
    redis: patient(redis.url),
    timeoutMs: 600_000,
    ratePerMinute: 1e6,
    cache: { redis: true },
    ...(baseUrl && { baseUrl }),
  }
  const here = await setup(t, fakeOptions, options)
  const given = { options: here.options, questions, rounds, atOnce, isQuick: baseUrl !== undefined }
  const children = times(processes, () => start(CALLER, { given }))
  t.after(() => {
    for (const { child } of children) child.kill('SIGKILL')
  })
  await Promise.all(children.map((child) => child.printed('ready\n')))
  return {
    redis,
    ...here,
    children,
    async ask() {
      for (const { child } of children) child.stdin.write('go\n')
      const ended = await Promise.all(children.map(({ done }) => done))
      return ended.map(({ stdout, stderr }) => {
        assert.equal(withoutWarnings(stderr).rest, '')
        return JSON.parse(stdout.split('\n')[1])
      })
    },
  }
}

suite(
  'a fleet with one cache',
  (test) => {
    test('10,000 codes requested twice by 4 processes make 10,000 requests', {
      ...needsRedis,
      timeout: 300_000,
    }, async (t) => {
      const questions = 10_000
      const { url: baseUrl, seen } = await startQuickWeChat(t)
      const { ask } = await fleetOf(t, { questions, baseUrl })
      const begun = performance.now()
      const results = await ask()
      const seconds = ((performance.now() - begun) / 1000).toFixed(0)
      t.diagnostic(`${seen.count} requests for ${results.length * questions * 2} calls, in ${seconds} s`)
      for (const { failed, errors } of results) assert.equal(failed, 0, errors.join('\n'))
      assert.deepEqual([seen.questions.size, seen.tokens], [questions, 1])
      // The lock is a courtesy: where a busy Redis is late, a process asks for itself.
      assert.ok(seen.count >= questions && seen.count <= 1.01 * questions, `${seen.count} requests`)
      for (const { wrong } of results) assert.equal(wrong, 0)
      const sum = (name) => results.reduce((total, { stats }) => total + stats.cache[name], 0)
      assert.equal(sum('misses'), seen.count)
      assert.equal(sum('hits') + sum('redisHits') + sum('coalesced'), 8 * questions - seen.count)
    })

    test('a code in Redis is encrypted, under a hashed key, and expires', needsRedis, async (t) => {
      const { redis, client, secrets } = await fleetOf(t, { questions: 1, processes: 0 })
      const cache = { redis: true, ttlMs: 60_000 }
      const first = await client({ cache }).getUnlimitedQRCode({ scene: 'who=c4nary' })
      const code = () => keysOf(redis).find((key) => key.endsWith(':code'))
      assert.ok(await until(code))
      const rows = await redis.contents()
      const text = rows.map(({ key, value }) => `${key} ${value}`).join('\n')
      checkText(text, secrets())
      assert.ok(!text.includes('c4nary') && !text.includes(first.subarray(0, 20).toString('latin1')))
      const left = Number(redis.cli('PTTL', code()))
      assert.ok(left > 50_000 && left <= 60_000, `${left}`)
      assert.ok(await until(() => !keysOf(redis).some((key) => key.endsWith(':lock'))))
    })

    test('another process reads the code of the first, and a foreign value is no code', needsRedis, async (t) => {
      const { redis, fake, client } = await fleetOf(t, { questions: 1, processes: 0 })
      const fresh = (more) => client({ cache: { redis: true, ...more } })
      const first = await fresh({ maxBytes: 1e6 }).createQRCode({ path: 'a' })
      assert.ok(await until(() => keysOf(redis).some((key) => key.endsWith(':code'))))
      const second = fresh({ maxBytes: 2e6 })
      assert.deepEqual(await second.createQRCode({ path: 'a' }), first)
      assert.deepEqual([fake.count('codes'), second.stats().cache.redisHits], [1, 1])
      const key = keysOf(redis).find((one) => one.endsWith(':code'))
      redis.cli('SET', key, 'forged')
      assert.deepEqual(await fresh({ maxBytes: 3e6 }).createQRCode({ path: 'a' }), first)
      assert.equal(fake.count('codes'), 2)
      assert.ok(await until(() => redis.cli('STRLEN', key) > 1000))
      // Another AppSecret, another keyPrefix: another place.
      await client({
        cache: { redis: true, maxBytes: 4e6 },
        redis: patient({ url: redis.url, keyPrefix: 'b:' }),
      }).createQRCode({ path: 'a' })
      assert.equal(fake.count('codes'), 3)
    })

    test('a picture over maxEntryBytes stays in its process', needsRedis, async (t) => {
      const { redis, fake, client } = await fleetOf(t, { questions: 1, processes: 0 })
      const wxa = client({ cache: { redis: true, maxEntryBytes: 1000 } })
      for (let n = 0; n < 2; n++) assert.ok((await wxa.createQRCode({ path: 'a' })).length > 1000)
      assert.equal(fake.count('codes'), 1)
      assert.ok(await until(() => !keysOf(redis).some((key) => key.includes(':code:') && key.endsWith(':lock'))))
      assert.ok(!keysOf(redis).some((key) => key.endsWith(':code')))
    })

    test('calls succeed after Redis fails: each process makes its own request', needsRedis, async (t) => {
      const { redis, fake, ask } = await fleetOf(t, { questions: 100, atOnce: 8, latency: { code: 5 } })
      const asked = ask()
      await fake.arrived(30, 'codes')
      await redis.stop()
      const results = await asked
      for (const { failed, errors, wrong } of results) assert.deepEqual([failed, wrong], [0, 0], errors.join('\n'))
      assert.ok(fake.count('codes') >= 100 && fake.count('codes') <= 400, `${fake.count('codes')}`)
    })

    test('a process that dies while it fetches a code for all is replaced', needsRedis, async (t) => {
      const { fake, wxa, children } = await fleetOf(t, { questions: 1, rounds: 1, processes: 1 })
      const hold = fake.hold('codes')
      children[0].child.stdin.write('go\n')
      await fake.arrived(1, 'codes')
      const here = wxa.getUnlimitedQRCode({ scene: 'n=0', width: 280 })
      children[0].child.kill('SIGKILL')
      await children[0].done
      const begun = performance.now()
      await fake.arrived(2, 'codes')
      assert.ok(performance.now() - begun < 8000)
      hold.release()
      assert.equal(decode(await here).asked.scene, 'n=0')
    })
  },
  { concurrency: 1 },
)
