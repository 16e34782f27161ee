import assert from 'node:assert/strict'
import { start } from './support/child.mjs'
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
const fake = await startFakeWeChat({ keepRequests: 10 })
console.log(JSON.stringify({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url }) + ';')
process.stdin.on('end', () => fake.close()).resume()
`

/** The same over TLS, behind a proxy. */
const FAKE_BEHIND_PROXY = `
import { startFakeWeChat } from 'wxacode-fake'
import { certificates } from './__test__/support/certificates.mjs'
import { startProxy } from './__test__/support/proxy.mjs'
const { ca, ...tls } = await certificates()
const fake = await startFakeWeChat({ keepRequests: 10, tls })
const proxy = await startProxy({ after: (stop) => process.stdin.on('end', stop) })
setInterval(() => proxy.seen.splice(0), 1000).unref()
console.log(JSON.stringify({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url, ca, proxy: proxy.port }) + ';')
process.stdin.on('end', () => fake.close()).resume()
`

/** How many clients with settings of their own come and go, and how long their connections may stay: idle ones stay 30 s. */
const CLIENTS = 150
const CLOSES_WITHIN = 20_000

/** Rounds of clients that nobody shares settings with: each is used once and closed. Memory and descriptors after each. */
const LIVES = `
import { readdirSync } from 'node:fs'
const { proxy, ...options } = given
const descriptors = () => process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
let number = 0
let wrong = 0
async function live() {
  number += 1
  const own = number % 2 === 0 ? { ca: '# ' + number + '\\n' + options.ca } : { proxy: 'http://user' + number + '@127.0.0.1:' + proxy }
  const wxa = new WxaCode({ ...options, ...own, timeoutMs: 60_000 })
  const image = await wxa.createQRCode({ path: 'a', width: 280 }).catch(() => '')
  if (image.length < 1000) wrong += 1
  await wxa.close()
}
async function round() {
  let left = ${CLIENTS}
  await Promise.all(Array.from({ length: 8 }, async () => { while (left-- > 0) await live() }))
}
const keeper = new WxaCode(options)
await keeper.createQRCode({ path: 'a', width: 280 })
await live()
const base = descriptors()
const memory = []
for (let n = 0; n < ${ROUNDS}; n++) {
  await round()
  const end = performance.now() + ${CLOSES_WITHIN}
  while (descriptors() > base + 8 && performance.now() < end) await pause()
  const open = descriptors() - base
  for (let n = 0; n < 5; n++) { gc(); await pause() }
  const { rss, heapUsed, external } = process.memoryUsage()
  memory.push({ rss, heap: heapUsed + external, open })
}
console.log(JSON.stringify({ memory, wrong }))
process.exit()
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

/** A million jobs through `batch`, each with a picture of its own by a stub, and the memory after every 100,000. */
const MILLION = `
const wxa = new WxaCode({ appid: 'wx0123456789abcdef', secret: 's' })
const image = Buffer.alloc(5000)
wxa.getUnlimitedQRCode = async () => Buffer.from(image)
function* jobs() {
  for (let n = 0; n < 1_000_000; n++) yield { kind: 'unlimited', scene: 'n=' + n, meta: { n } }
}
const memory = []
let done = 0
for await (const { image } of wxa.batch(jobs())) {
  if (image.length === 5000 && ++done % 100_000 === 0) {
    for (let n = 0; n < 5; n++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)) }
    const { rss, heapUsed, external } = process.memoryUsage()
    memory.push({ rss, heap: heapUsed + external })
  }
}
console.log(JSON.stringify({ memory, done }))
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
        `() => wxa.createQRCode({ path: '品'.repeat(128) }).then(() => false, (error) => error.errcode === 40159)`,
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

    test('does not grow by clients with settings of their own', { timeout: 240_000 }, async (t) => {
      const fake = start(FAKE_BEHIND_PROXY, { preamble: '' })
      t.after(() => fake.child.stdin.end())
      await fake.printed(';')
      const given = JSON.parse(fake.output.stdout.split(';')[0])
      const { code, stdout, stderr } = await start(LIVES, { given, env: STEADY, flags: ['--expose-gc', YOUNG] }).done
      assert.equal(code, 0, stderr)
      const { memory, wrong } = JSON.parse(stdout)
      assert.equal(wrong, 0)
      const shown = memory.map(({ rss, heap, open }) => `${inMiB(rss)} (${inMiB(heap)}, ${open} open)`).join(', ')
      t.diagnostic(`MiB (of JavaScript, descriptors): ${shown}`)
      isFlat(memory, 1, shown)
      for (const { open } of memory) assert.ok(open <= 8, shown)
    })

    test('does not grow by a batch of a million jobs', { timeout: 180_000 }, async (t) => {
      const { code, stdout, stderr } = await start(MILLION, { env: STEADY, flags: ['--expose-gc', YOUNG] }).done
      assert.equal(code, 0, stderr)
      const { memory, done } = JSON.parse(stdout)
      assert.equal(done, 1_000_000)
      const shown = memory.map(({ rss, heap }) => `${inMiB(rss)} (${inMiB(heap)})`).join(', ')
      t.diagnostic(`MiB (of JavaScript): ${shown}`)
      isFlat(memory, 2, shown)
    })
  },
  { concurrency: 1 },
)
