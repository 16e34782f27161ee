import assert from 'node:assert/strict'
import { certificates } from './support/certificates.mjs'
import { start } from './support/child.mjs'
import { newDirectory } from './support/code-files.mjs'
import { startProxy } from './support/proxy.mjs'
import { startQuickWeChat } from './support/quick.mjs'
import { needsRedis, startRedis } from './support/redis.mjs'
import { suite } from './support/suite.mjs'

const ROUNDS = 8
const CALLS = 5000
const AT_ONCE = 64
/** By how much the memory of the last rounds may exceed that of the second, and what an allocator may keep besides. */
const SHARE = 1.15
const BESIDES = 10 * 2 ** 20
/** glibc keeps freed memory for itself; with these the memory of a process is what it uses. Elsewhere they mean nothing. */
const STEADY = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '16384', MALLOC_TRIM_THRESHOLD_: '131072' }
/** V8 doubles its young generation now and then while objects pass through: here it may not. Megabytes. */
const YOUNG = '--max-semi-space-size=2'
/** By how much what JavaScript holds may grow, which is exact: 70 bytes a call are too many. */
const HEAP = 2 * 2 ** 20

/** A fake in a process of its own, so that its memory is not measured. */
const FAKE = `
import { startFakeWeChat } from 'wxacode-fake'
const fake = await startFakeWeChat({ keepRequests: 10, limits: { limitedPerDay: 1e9 } })
console.log(JSON.stringify({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url }) + ';')
process.stdin.on('end', () => fake.close()).resume()
`

/** Rounds of calls, and the memory after each. \`CALL\` makes one and says whether it went as it had to. */
const rounds = (call) => `
const wxa = new WxaCode(given)
const { signal } = new AbortController()
const call = ${call}
const wrong = []
async function round() {
  let left = ${CALLS}
  await Promise.all(Array.from({ length: ${AT_ONCE} }, async () => {
    while (left-- > 0) if (!(await call())) wrong.push(left)
  }))
  for (let n = 0; n < 5; n++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}
const memory = []
for (let n = 0; n < ${ROUNDS}; n++) memory.push(await round())
console.log(JSON.stringify({ memory, wrong: wrong.length }))
`

/**
 * Jobs through `batch`, and the memory after every tenth of them. Of SCENES different codes each is fetched once and comes from the
 * cache after that, as a picture of its own.
 */
const JOBS = Number(process.env.JOBS ?? 1_000_000)
const SCENES = 100
const MANY_JOBS = `
const wxa = new WxaCode({ ...given, cache: true })
function* jobs() {
  for (let n = 0; n < ${JOBS}; n++) yield { kind: 'unlimited', scene: 'n=' + n % ${SCENES}, meta: { n } }
}
const memory = []
let done = 0
for await (const { image } of wxa.batch(jobs())) {
  if (image.length > 0 && ++done % ${JOBS / 10} === 0) {
    for (let n = 0; n < 5; n++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    const { rss, heapUsed, external } = process.memoryUsage()
    memory.push({ rss, heap: heapUsed + external })
  }
}
console.log(JSON.stringify({ memory, done, cache: wxa.stats().cache }))
`

/** Clients of different accounts, ways, caches and stores, each opened, used once and closed, and what is left after each round. */
const CLIENTS = Number(process.env.CLIENTS ?? 400)
const clients = `
import { readdirSync } from 'node:fs'
const { secret, ...shared } = given
async function client(n) {
  const wxa = new WxaCode({
    appid: 'wx' + String(n).padStart(16, '0'),
    secret: secret + n,
    baseUrl: shared.baseUrl,
    ratePerMinute: 100 + n,
    cache: {
      maxBytes: 1e6 + n,
      redis: n % 4 === 0,
      ...(n % 4 === 2 && { store: new Map() }),
      ...(n % 5 === 3 && { directory: shared.directory }),
    },
    ...(n % 2 === 1 && { proxy: shared.proxy.replace('//', '//user' + n + ':p@') }),
    ...(n % 3 === 1 && { ca: shared.ca + '#'.repeat(1 + n % 5000) }),
    ...(n % 4 === 0 && { redis: { url: shared.redis, timeoutMs: 5000 + n % 1000 } }),
  })
  const image = await wxa.getUnlimitedQRCode({ scene: 'n=' + n })
  await wxa.close()
  return image.length > 0
}
let next = 0
const memory = []
for (let round = 0; round < ${ROUNDS}; round++) {
  const last = next + ${CLIENTS}
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < last) if (!(await client(next++))) throw new Error('no picture')
  }))
  for (let n = 0; n < 5; n++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
  const { rss, heapUsed, external } = process.memoryUsage()
  memory.push({ rss, heap: heapUsed + external, descriptors: descriptors() })
}
console.log(JSON.stringify({ memory }))
function descriptors() {
  try { return readdirSync('/proc/self/fd').length } catch { return 0 }
}
`

/** Whether memory grows no more once `warm` rounds are behind it. */
function isFlat(memory, warm, shown) {
  // The least of several: an allocator keeps now more, now less, and what has leaked is always there.
  const least = (of) => Math.min(...memory.slice(-3).map((round) => round[of]))
  assert.ok(least('rss') <= memory[warm].rss * SHARE + BESIDES, shown)
  assert.ok(least('heap') <= memory[warm].heap + HEAP, shown)
}

const inMiB = (bytes) => (bytes / 2 ** 20).toFixed(1)

suite(
  'memory',
  (test) => {
    for (const [what, call] of [
      ['pictures', `async () => (await wxa.createQRCode({ path: 'a', width: 280 })).length > 1000`],
      [
        'large pictures',
        `async () => (await wxa.createQRCode({ path: 'a'.repeat(120), width: 1280 })).length > 192 * 1024`,
      ],
      [
        'pictures under one AbortSignal',
        `async () => (await wxa.createQRCode({ path: 'a', width: 280 }, { signal })).length > 1000`,
      ],
      [
        'refusals',
        `() => wxa.getQRCode({ path: '品'.repeat(342) }).then(() => false, (error) => error.errcode === 40159)`,
      ],
      ['wrong parameters', `() => wxa.createQRCode({ path: '' }).then(() => false, (error) => error.param === 'path')`],
    ]) {
      test(`does not grow by ${what}`, { timeout: 180_000 }, async (t) => {
        const fake = start(FAKE, { preamble: '' })
        t.after(() => fake.child.stdin.end())
        await fake.printed(';')
        const given = JSON.parse(fake.output.stdout.split(';')[0])
        const { code, stdout, stderr } = await start(rounds(call), {
          given,
          env: STEADY,
          flags: ['--expose-gc', YOUNG],
        }).done
        assert.equal(code, 0, stderr)
        const { memory, wrong } = JSON.parse(stdout)
        assert.equal(wrong, 0)
        const shown = memory.map(({ rss, heap }) => `${inMiB(rss)} (${inMiB(heap)})`).join(', ')
        t.diagnostic(`MiB (of JavaScript): ${shown}`)
        isFlat(memory, 1, shown)
      })
    }

    test('does not grow by clients that come and go', { timeout: 600_000, ...needsRedis }, async (t) => {
      const [wechat, proxy, redis, { ca }] = await Promise.all([
        startQuickWeChat(t),
        startProxy(t),
        startRedis(t),
        certificates(),
      ])
      const directory = newDirectory(t)
      const given = { secret: 's3cret', baseUrl: wechat.url, proxy: proxy.url, redis: redis.url, ca, directory }
      const flags = ['--expose-gc', YOUNG]
      const { code, stdout, stderr } = await start(clients, { given, env: STEADY, flags }).done
      assert.equal(code, 0, stderr)
      const { memory } = JSON.parse(stdout)
      const shown = memory
        .map(({ rss, heap, descriptors }) => `${inMiB(rss)} (${inMiB(heap)}), ${descriptors}`)
        .join('; ')
      t.diagnostic(`MiB (of JavaScript), descriptors: ${shown}`)
      isFlat(memory, 2, shown)
      const descriptors = memory.map((round) => round.descriptors)
      assert.ok(Math.min(...descriptors.slice(-3)) <= descriptors[2] + 20, shown)
    })

    test(`does not grow by a batch of ${JOBS} jobs`, { timeout: 300_000 }, async (t) => {
      const wechat = await startQuickWeChat(t)
      const given = { appid: 'wx0123456789abcdef', secret: 's3cret', baseUrl: wechat.url }
      const flags = ['--expose-gc', YOUNG]
      const { code, stdout, stderr } = await start(MANY_JOBS, { given, env: STEADY, flags }).done
      assert.equal(code, 0, stderr)
      const { memory, done, cache } = JSON.parse(stdout)
      assert.equal(done, JOBS)
      assert.deepEqual([cache.misses, cache.hits + cache.coalesced], [SCENES, JOBS - SCENES])
      const shown = memory.map(({ rss, heap }) => `${inMiB(rss)} (${inMiB(heap)})`).join(', ')
      t.diagnostic(`MiB (of JavaScript): ${shown}`)
      isFlat(memory, 2, shown)
    })
  },
  { concurrency: 1 },
)
