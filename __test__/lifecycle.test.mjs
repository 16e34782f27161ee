import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { WxaCode, WxaCodeError } from 'wxacode'
import { message, run, start, startWorker, workerSource } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { failure, setup, suite, times } from './support/suite.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
/** Milliseconds. A request for a token would keep a process for 4 s, an idle connection for longer. */
const AT_ONCE = 3000
const CLEAN = { code: 0, signal: null, stderr: '' }

/** What a child says at its end: how long it stayed after its last line. */
const CLOCK = `
let last
const lastLine = () => { last = performance.now() }
process.on('exit', () => console.log(Math.round(performance.now() - last)))
`

/** A worker's calls that no code awaits. */
const CALLS = `
const wxa = new WxaCode(given.options)
for (let n = 0; n < given.calls; n++) wxa.createQRCode({ path: 'a', width: 280 }).catch(() => {})
parentPort.postMessage('calling')
parentPort.on('message', () => {})
`

/** A worker that is handed pictures without end, copied ones and ones that keep their own memory, and keeps some. */
const PICTURES = `
const wxa = new WxaCode(given.options)
const kept = []
async function caller(width) {
  for (;;) {
    kept.push(await wxa.createQRCode({ path: 'a'.repeat(120), width }))
    if (kept.length === 10) parentPort.postMessage('handed over')
    if (kept.length > 40) kept.length = 0
  }
}
for (const width of [280, 430, 1280, 1280]) caller(width).catch(() => {})
`

/** The beginning of a child that can load the package into a context of its own, as test runners do. */
const CONTEXTS = `
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { createContext, runInContext } from 'node:vm'
const outside = createRequire(process.cwd() + '/x.js')
function load() {
  const context = createContext({ process })
  const loaded = new Map()
  const inside = (file) => {
    if (file.endsWith('.node')) return outside(file)
    if (!loaded.has(file)) {
      const module = { exports: {} }
      loaded.set(file, module)
      const { resolve } = createRequire(file)
      const require = (name) => (name.startsWith('.') ? inside(resolve(name)) : outside(name))
      const text = readFileSync(file, 'utf8')
      if (file.endsWith('.json')) {
        module.exports = runInContext('(' + text + ')', context)
      } else {
        const source = '(function (module, exports, require, __filename, __dirname) {' + text + '})'
        runInContext(source, context)(module, module.exports, require, file, dirname(file))
      }
    }
    return loaded.get(file).exports
  }
  return { context: new WeakRef(context), ...inside(outside.resolve('wxacode')) }
}
async function collect() {
  await new Promise((resolve) => setTimeout(resolve, 10))
  gc()
}
`

/** The beginning of a child that loads the package itself. */
const BEFORE_LOADING = `
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
const given = JSON.parse(process.env.TEST_GIVEN)
`

/** The beginning of a child that has the addon in workers only. They inherit no flag for modules. */
const ONLY_WORKERS = `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const given = JSON.parse(process.env.TEST_GIVEN)
const startWorker = () => new Worker(given.worker, { eval: true, workerData: given, execArgv: [] })
`

suite('processes', (test) => {
  for (const idle of ['that never called', 'that called', 'that was closed']) {
    test(`a client ${idle} keeps no process alive`, async (t) => {
      const { options } = await setup(t)
      const script = `${CLOCK}
        const wxa = new WxaCode(given)
        if (${idle !== 'that never called'}) await wxa.createQRCode({ path: 'a' })
        if (${idle === 'that was closed'}) await wxa.close()
        lastLine()`
      const { stdout, ...ended } = await run(script, { given: options })
      assert.deepEqual(ended, CLEAN)
      assert.ok(Number(stdout) < AT_ONCE, `${stdout} ms`)
    })
  }

  test('a call keeps the process alive until it is done', async (t) => {
    const { fake, options } = await setup(t)
    const hold = fake.hold('codes')
    const child = start(
      `new WxaCode(given).createQRCode({ path: 'a' }).then((image) => console.log(image.length > 1000))`,
      {
        given: options,
      },
    )
    await fake.arrived(1, 'codes')
    hold.release()
    assert.deepEqual(await child.done, { ...CLEAN, stdout: 'true\n' })
  })

  test('a call in the same breath as `require` keeps the process alive, with its own token function and events', async (t) => {
    const { fake, options } = await setup(t)
    const { secret, ...account } = options
    const hold = fake.hold('codes')
    const script = `
      const events = []
      channel('wxacode:request').subscribe(({ event }) => events.push(event))
      const { WxaCode } = createRequire(process.cwd() + '/x.js')('wxacode')
      const token = () => given.token
      const call = new WxaCode({ ...given.account, token }).createQRCode({ path: 'a' })
      call.then((image) => console.log(image.length > 1000, ...events))`
    const { accessToken: token } = await new WxaCode(options).getAccessToken()
    const child = start(script, { given: { account, token }, preamble: BEFORE_LOADING })
    await fake.arrived(1, 'codes')
    hold.release()
    assert.deepEqual(await child.done, { ...CLEAN, stdout: 'true request.ok\n' })
  })

  test('a call that has ended before the code that loads the package lets go is heard of', async (t) => {
    const { options } = await setup(t)
    const script = `
      const { WxaCode } = createRequire(process.cwd() + '/x.js')('wxacode')
      const wxa = new WxaCode(given)
      wxa.close()
      wxa.createQRCode({ path: 'a' }).catch((error) => console.log(error.code))
      // The runtime's thread ends the call meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)`
    const child = start(script, { given: options, preamble: BEFORE_LOADING })
    t.after(() => child.child.kill())
    assert.deepEqual(await child.done, { ...CLEAN, stdout: 'ERR_WXA_CLOSED\n' })
  })

  test('a token request without a waiting caller does not keep the process alive', async (t) => {
    const { fake, options } = await setup(t)
    const hold = fake.hold('tokens')
    const script = `${CLOCK}
      const { code } = await new WxaCode(given).createQRCode({ path: 'a' }, { timeoutMs: 300 }).catch((error) => error)
      if (code !== 'ERR_WXA_TIMEOUT') console.log(code)
      lastLine()`
    const { stdout, ...ended } = await run(script, { given: options })
    assert.deepEqual(ended, CLEAN)
    assert.ok(Number(stdout) < AT_ONCE, `${stdout} ms`)
    hold.release()
  })

  test('process.exit(3) with 20 calls under way exits with 3', async (t) => {
    const { fake, options } = await setup(t)
    fake.hold('codes')
    const script = `
      const wxa = new WxaCode(given)
      for (let n = 0; n < 20; n++) wxa.createQRCode({ path: 'a' }).catch(() => {})
      process.stdin.once('data', () => process.exit(3))`
    const { child, done } = start(script, { given: options })
    await fake.arrived(20, 'codes')
    child.stdin.write('now')
    assert.deepEqual(await done, { code: 3, signal: null, stdout: '', stderr: '' })
    await fake.idle()
  })

  test('an uncaught exception with calls under way stops the process like any other', async (t) => {
    const { fake, options } = await setup(t)
    fake.hold()
    const script = `
      const wxa = new WxaCode(given)
      for (let n = 0; n < 20; n++) wxa.createQRCode({ path: 'a' }).catch(() => {})
      process.stdin.once('data', () => { throw new Error('on purpose') })`
    const { child, done } = start(script, { given: options })
    await fake.arrived(1)
    child.stdin.write('now')
    const { code, stderr } = await done
    assert.equal(code, 1)
    assert.match(stderr, /on purpose/)
  })

  test('an unhandled rejection prints the error with its fields and without a secret', async (t) => {
    const { options, secret } = await setup(t)
    const { code, stderr } = await run(`new WxaCode(given).getUnlimitedQRCode({ scene: 'a', page: 'pages/unknown' })`, {
      given: options,
    })
    assert.equal(code, 1)
    assert.match(stderr, /WeChatAPIError: getUnlimitedQRCode: 41030/)
    assert.ok(!stderr.includes(secret))
  })

  test('a client that is collected during its calls still answers', async (t) => {
    const { fake, options } = await setup(t)
    const hold = fake.hold('codes')
    const script = `
      const calls = Array.from({ length: 10 }, () => new WxaCode(given).createQRCode({ path: 'a' }))
      process.stdin.once('data', async () => {
        for (let n = 0; n < 10; n++) { gc(); await new Promise(setImmediate) }
        console.log('collected')
        console.log((await Promise.all(calls)).every((image) => image.length > 1000))
        process.stdin.destroy()
      })`
    const { child, done, printed } = start(script, { given: options, flags: ['--expose-gc'] })
    await fake.arrived(10, 'codes')
    child.stdin.write('now')
    await printed('collected')
    hold.release()
    assert.deepEqual(await done, { ...CLEAN, stdout: 'collected\ntrue\n' })
    assert.equal(fake.count('tokens'), 1)
  })

  test('100 workers are terminated during their calls in a process whose main thread has not loaded the addon', async (t) => {
    const { fake, options } = await setup(t)
    fake.hold('codes')
    const worker = workerSource(CALLS)
    const script = `
      for (let round = 0; round < 10; round++) {
        const workers = Array.from({ length: 10 }, startWorker)
        await Promise.all(workers.map((worker) => once(worker, 'message')))
        await Promise.all(workers.map((worker) => worker.terminate()))
      }
      console.log('done')`
    const ended = await run(script, { given: { worker, options, calls: 3 }, preamble: ONLY_WORKERS })
    assert.deepEqual(ended, { ...CLEAN, stdout: 'done\n' })
    await fake.idle()
  })

  test('workers are terminated while they receive pictures, small and large', async (t) => {
    const { fake, options } = await setup(t)
    const worker = workerSource(PICTURES)
    const script = `
      for (let round = 0; round < 6; round++) {
        const workers = Array.from({ length: 5 }, startWorker)
        await Promise.all(workers.map((worker) => once(worker, 'message')))
        // Each at another moment of its work.
        await Promise.all(workers.map(async (worker, n) => {
          await new Promise((resolve) => setTimeout(resolve, 3 * n))
          await worker.terminate()
        }))
      }
      console.log('done')`
    const ended = await run(script, { given: { worker, options }, preamble: ONLY_WORKERS })
    assert.deepEqual(ended, { ...CLEAN, stdout: 'done\n' })
    await fake.idle()
  })

  test('workers exit in a process whose main thread has not loaded the addon', async (t) => {
    const { fake, options } = await setup(t)
    const worker = workerSource(
      `const image = await new WxaCode(given.options).createQRCode({ path: 'a' })
       parentPort.postMessage(image.length > 1000)`,
    )
    const script = `
      for (let round = 0; round < 5; round++) {
        const worker = startWorker()
        const [[fine], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
        console.log(fine, code)
      }`
    const ended = await run(script, { given: { worker, options }, preamble: ONLY_WORKERS })
    assert.deepEqual(ended, { ...CLEAN, stdout: 'true 0\n'.repeat(5) })
    assert.equal(fake.count('codes'), 5)
  })
})

suite('copies', (test) => {
  test('two copies of the package in one process, as test runners load them, work independently', async (t) => {
    const { options } = await setup(t)
    const require = createRequire(import.meta.url)
    const load = () => {
      for (const file of Object.keys(require.cache)) if (!file.endsWith('.node')) delete require.cache[file]
      return require('wxacode').WxaCode
    }
    const copies = [load(), load()]
    assert.notEqual(copies[0], copies[1])
    const clients = copies.map((Copy) => new Copy(options))
    const paths = times(40, (n) => `copy ${n}`)
    const images = await Promise.all(paths.map((path, n) => clients[n % 2].createQRCode({ path, width: 280 })))
    assert.deepEqual(
      images.map((image) => asked(image).path),
      paths,
    )
  })

  test('a copy without references is collected', async () => {
    const script = `
      const contexts = Array.from({ length: 10 }, () => load().context)
      const alive = () => contexts.filter((context) => context.deref() !== undefined).length
      for (let turn = 0; alive() > 0 && turn < 100; turn++) await collect()
      console.log(alive())`
    const ended = await run(script, { preamble: CONTEXTS, flags: ['--expose-gc'] })
    assert.deepEqual(ended, { ...CLEAN, stdout: '0\n' })
  })

  test('a copy without references completes its call', async (t) => {
    const { fake, options } = await setup(t)
    const hold = fake.hold('codes')
    const script = `
      const begin = ({ WxaCode }) => new WxaCode(JSON.parse(process.env.TEST_GIVEN)).createQRCode({ path: 'a' })
      const call = begin(load())
      for (let turn = 0; turn < 20; turn++) await collect()
      console.log('collected')
      console.log((await call).length > 1000)`
    const child = start(script, { given: options, preamble: CONTEXTS, flags: ['--expose-gc'] })
    await child.printed('collected')
    await fake.arrived(1, 'codes')
    hold.release()
    assert.deepEqual(await child.done, { ...CLEAN, stdout: 'collected\ntrue\n' })
  })

  test('timers that are mocked while the package is loaded delay no call', async (t) => {
    const { options } = await setup(t)
    const script = `
      import { mock } from 'node:test'
      import { createRequire } from 'node:module'
      mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
      const { WxaCode } = createRequire(process.cwd() + '/x.js')('wxacode')
      const given = JSON.parse(process.env.TEST_GIVEN)
      const wxa = new WxaCode(given)
      const calls = Array.from({ length: 100 }, () => wxa.createQRCode({ path: 'a', width: 280 }))
      console.log((await Promise.all(calls)).length)`
    // Node warns that its mocks are experimental.
    const { stderr, ...ended } = await run(script, { given: options, preamble: '' })
    assert.deepEqual({ ...ended, stderr: '' }, { ...CLEAN, stdout: '100\n' }, stderr)
  })
})

suite('workers', (test) => {
  test('a terminated worker closes its own requests and no others', async (t) => {
    const { fake, wxa, options } = await setup(t)
    await wxa.getAccessToken()
    const hold = fake.hold('codes')
    const worker = startWorker(CALLS, { options, calls: 10 })
    await fake.arrived(10, 'codes')
    const own = draw(wxa)
    await fake.arrived(11, 'codes')
    await worker.terminate()
    while (hold.waiting > 1) await new Promise((resolve) => setTimeout(resolve, 5))
    hold.release()
    assert.equal(asked(await own).path, 'a')
    await fake.idle()
    const closed = fake.requests.filter((request) => request.closed)
    assert.equal(closed.length, 10)
    await draw(wxa)
    assert.equal(fake.count('tokens'), 1)
  })

  test('a worker that exits while it fetches the shared token fails no call of another thread', async (t) => {
    const { fake, wxa, options } = await setup(t)
    const hold = fake.hold('tokens')
    const worker = startWorker(CALLS, { options, calls: 1 })
    await fake.arrived(1, 'tokens')
    const waiting = Promise.all(times(10, () => draw(wxa)))
    await worker.terminate()
    hold.release()
    for (const image of await waiting) assert.equal(asked(image).path, 'a')
    assert.equal(fake.count('tokens'), 1)
    assert.equal(fake.count('codes'), 10)
  })

  test('a worker that exits leaves its token to the other threads', async (t) => {
    const { fake, options, wxa } = await setup(t)
    const worker = startWorker(`parentPort.postMessage(await new WxaCode(given).createQRCode({ path: 'a' }))`, options)
    const [image] = await Promise.all([message(worker), once(worker, 'exit')])
    assert.equal(asked(image).path, 'a')
    await draw(wxa)
    assert.equal(fake.count('tokens'), 1)
  })

  test('errors in a worker are of the classes of the worker', async (t) => {
    const { options } = await setup(t)
    const worker = startWorker(
      `const { WeChatAPIError } = require(given.package)
       const error = await new WxaCode(given.options).getQRCode({ path: '品'.repeat(1024) }).catch((error) => error)
       parentPort.postMessage([error instanceof WeChatAPIError, error.errcode])`,
      { options, package: new URL('../index.js', import.meta.url).pathname },
    )
    assert.deepEqual(await message(worker), [true, 40159])
  })
})

suite('closing', (test) => {
  test('close() waits for the calls under way, which succeed', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold()
    const events = []
    const calls = times(5, () => draw(wxa).then(() => events.push('image')))
    await fake.arrived(1)
    const closing = wxa.close().then(() => events.push('closed'))
    hold.release()
    await Promise.all([...calls, closing])
    assert.deepEqual(events, [...times(5, () => 'image'), 'closed'])
  })

  test('close() waits for a call that began just before it', async (t) => {
    const { client } = await setup(t)
    for (const _ of times(100, Number)) {
      const wxa = client()
      const call = draw(wxa)
      const closing = wxa.close()
      assert.equal(asked(await call).path, 'a')
      await closing
    }
  })

  test('close() waits for calls that fail', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    const hold = fake.hold('codes')
    fake.fail('reset', { endpoint: 'codes' })
    const call = failure(draw(wxa))
    await fake.arrived(1, 'codes')
    const closing = wxa.close()
    hold.release()
    assert.equal((await call).code, 'ERR_WXA_NETWORK')
    assert.equal(await closing, undefined)
  })

  test('calls after close() reject with ERR_WXA_CLOSED and send nothing', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.close()
    for (const call of [
      wxa.getUnlimitedQRCode({ scene: 'a' }),
      wxa.getQRCode({ path: 'a' }),
      draw(wxa),
      wxa.getAccessToken(),
      wxa.getAccessToken({ forceRefresh: true }),
    ]) {
      const error = await failure(call)
      assert.ok(error instanceof WxaCodeError)
      assert.equal(error.code, 'ERR_WXA_CLOSED')
      assert.equal(error.retryable, false)
      assert.ok(error.explanation.fix.zh.length > 0)
    }
    assert.equal(fake.count(), 0)
  })

  test('a call during close() rejects, while earlier calls go on', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('codes')
    const call = draw(wxa)
    await fake.arrived(1, 'codes')
    const closing = wxa.close()
    assert.equal((await failure(draw(wxa))).code, 'ERR_WXA_CLOSED')
    hold.release()
    await Promise.all([call, closing])
    assert.equal(fake.count('codes'), 1)
  })

  test('close() may be called again, at once and later', async (t) => {
    const { wxa } = await setup(t)
    await Promise.all([wxa.close(), wxa.close()])
    await wxa.close()
    assert.equal(wxa.stats().requests, 0)
    wxa.invalidateAccessToken('any')
  })

  test('close() of one client leaves the others of the account alone', async (t) => {
    const { fake, wxa, client } = await setup(t)
    const other = client()
    const hold = fake.hold('tokens')
    const [one, two] = [draw(wxa), draw(other)]
    await fake.arrived(1, 'tokens')
    const closing = wxa.close()
    hold.release()
    await Promise.all([one, two, closing])
    await draw(other)
    await draw(client())
    assert.equal(fake.count('tokens'), 1)
  })

  test('a client can be disposed of', async (t) => {
    const { wxa } = await setup(t)
    await draw(wxa)
    await wxa[Symbol.asyncDispose]()
    assert.equal((await failure(draw(wxa))).code, 'ERR_WXA_CLOSED')
  })
})

suite('stats', (test) => {
  test('a new client has counted nothing', async (t) => {
    const { wxa } = await setup(t)
    const { tokenAgeMs, ...stats } = wxa.stats()
    assert.deepEqual(stats, { requests: 0, images: 0, imageBytes: 0, replays: 0, refreshes: 0, errors: {} })
    assert.equal(tokenAgeMs, undefined)
  })

  test('requests, pictures, bytes, replays, refreshes and errors are counted', async (t) => {
    const { fake, wxa } = await setup(t)
    const images = await Promise.all(times(3, () => draw(wxa)))
    fake.revokeTokens()
    images.push(await draw(wxa))
    fake.fail(-1, { endpoint: 'codes' })
    images.push(await draw(wxa))
    for (const errcode of [41030, 41030, 45009]) {
      fake.fail(errcode, { endpoint: 'codes' })
      await failure(draw(wxa))
    }
    fake.fail('html', { endpoint: 'codes' })
    await failure(draw(wxa))
    const { tokenAgeMs, lifetimeQuota, ...stats } = wxa.stats()
    // The kind that is drawn here counts for ever.
    assert.equal(lifetimeQuota.used, 1)
    assert.deepEqual(stats, {
      requests: 3 + 2 + 2 + 3 + 1,
      images: 5,
      imageBytes: images.reduce((sum, { length }) => sum + length, 0),
      replays: 1,
      refreshes: 2,
      errors: { 41030: 2, 45009: 1, ERR_WXA_RESPONSE: 1 },
    })
    assert.equal(fake.count('codes'), stats.requests)
    assert.ok(tokenAgeMs >= 0 && tokenAgeMs < 60_000)
  })

  test('each client counts its own calls, and the refreshes of the cache they share', async (t) => {
    const { wxa, client } = await setup(t)
    const other = client()
    await draw(wxa)
    assert.equal(other.stats().requests, 0)
    assert.equal(other.stats().refreshes, 1)
  })

  test('a result of stats() does not change later', async (t) => {
    const { wxa } = await setup(t)
    const before = wxa.stats()
    await draw(wxa)
    assert.equal(before.images, 0)
  })
})
