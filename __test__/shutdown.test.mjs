import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InvalidParamsError, WxaCodeError } from 'wxacode'
import { run, start } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { allWell, setupPlatforms } from './support/platforms.mjs'
import { checkMessage, deferred, failure, setup, suite, times } from './support/suite.mjs'
import { until } from './support/until.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
/** Milliseconds. For what is over as soon as nothing runs. */
const LONG = 60_000
/** Milliseconds. For what never ends by itself. */
const SHORT = 50

function* jobs(count) {
  for (let n = 0; n < count; n++) yield { kind: 'unlimited', scene: `id=${n}`, width: 280 }
}

/** The scenes that were asked for: on a busy machine a request may be sent again. */
const scenesAsked = (fake) =>
  new Set(
    fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit').map(({ body }) => JSON.parse(body).scene),
  )

/** Takes all results, and the error with which the batch ends. */
async function taken(batch) {
  const results = []
  try {
    for await (const result of batch) results.push(result)
    return { results }
  } catch (error) {
    return { results, error }
  }
}

/** What a server does: takes a batch's results and, on SIGTERM, closes its client. */
const SERVER = `
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
const wxa = new WxaCode(given.options)
process.once('SIGTERM', () => wxa.close({ timeoutMs: 60_000 }).then(() => console.log('closed')))
function* jobs() {
  for (let n = 0; ; n++) yield { kind: 'unlimited', scene: 'id=' + n, width: 280 }
}
let written = 0
try {
  for await (const { job, image, error } of wxa.batch(jobs(), { concurrency: 8 })) {
    if (error) throw error
    const file = join(given.folder, job.scene + '.jpg')
    // In two steps, between which a process that did not wait would end.
    await writeFile(file, image.subarray(0, 100))
    await writeFile(file, image)
    written += 1
  }
} catch (error) {
  console.log(error.code, written)
}
`

suite('close({ timeoutMs })', (test) => {
  test('waits for a call that ends in time, and no longer', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('codes')
    const call = draw(wxa)
    await fake.arrived(1, 'codes')
    const closing = wxa.close({ timeoutMs: LONG })
    hold.release()
    assert.equal(asked(await call).path, 'a')
    const begun = performance.now()
    await closing
    assert.ok(performance.now() - begun < LONG / 2)
  })

  test('ends calls that take longer, closes their requests, and says so in both languages', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    fake.hold()
    const calls = [
      draw(wxa),
      wxa.getQuota('/wxa/getwxacode'),
      wxa.request('/wxa/getwxacode', { body: { path: 'a' } }),
    ].map(failure)
    await fake.arrived(4)
    await wxa.close({ timeoutMs: SHORT })
    for (const error of await Promise.all(calls)) {
      assert.ok(error instanceof WxaCodeError)
      assert.deepEqual([error.code, error.retryable, error.stopsBatch], ['ERR_WXA_CLOSED', false, true])
      assert.match(error.explanation.cause.en, /timeoutMs/)
      checkMessage(error)
    }
    await fake.idle()
    assert.equal(fake.requests.filter(({ closed }) => closed).length, 3)
  })

  test('ends a call that waits for a token, and leaves the token to the other clients', async (t) => {
    const { fake, wxa, client } = await setup(t)
    const other = client()
    const hold = fake.hold('tokens')
    const [call, waiting] = [failure(draw(wxa)), draw(other)]
    await fake.arrived(1, 'tokens')
    await wxa.close({ timeoutMs: SHORT })
    assert.equal((await call).code, 'ERR_WXA_CLOSED')
    hold.release()
    assert.equal(asked(await waiting).path, 'a')
  })

  test('ends a call that waits for a token function that never answers', async (t) => {
    const asking = deferred()
    const token = () => {
      asking.resolve()
      return new Promise(() => {})
    }
    const { wxa } = await setup(t, {}, { secret: undefined, token })
    const call = failure(draw(wxa))
    await asking.promise
    await wxa.close({ timeoutMs: SHORT })
    assert.equal((await call).code, 'ERR_WXA_CLOSED')
  })

  test('limits a close() without a limit that is under way', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    const call = failure(draw(wxa))
    await fake.arrived(1, 'codes')
    const closing = wxa.close()
    await wxa.close({ timeoutMs: SHORT })
    await closing
    assert.equal((await call).code, 'ERR_WXA_CLOSED')
    await wxa.close({ timeoutMs: SHORT })
  })

  test('refuses an invalid limit and closes nothing then', async (t) => {
    const { wxa } = await setup(t)
    for (const timeoutMs of [0, -1, Number.NaN, 86_400_001, '5']) {
      const error = await failure(wxa.close({ timeoutMs }))
      assert.ok(error instanceof InvalidParamsError)
      assert.equal(error.param, 'timeoutMs')
    }
    assert.equal((await failure(wxa.close({ timeout: 5 }))).param, 'timeout')
    assert.equal(asked(await draw(wxa)).path, 'a')
  })

  test('keeps the process for as long as a call takes, and not for the whole limit', async (t) => {
    const { options } = await setup(t)
    const script = `
      const wxa = new WxaCode(given)
      const call = wxa.createQRCode({ path: 'a' })
      await wxa.close({ timeoutMs: 600_000 })
      console.log((await call).length > 1000)`
    assert.deepEqual(await run(script, { given: options }), { code: 0, signal: null, stdout: 'true\n', stderr: '' })
  })
})

suite('a batch when its client is closed', (test) => {
  test('yields what is in flight, starts nothing more, and ends with ERR_WXA_CLOSED', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    const hold = fake.hold('codes')
    const taking = taken(wxa.batch(jobs(100), { concurrency: 5 }))
    await fake.arrived(5, 'codes')
    const closing = wxa.close()
    hold.release()
    const { results, error } = await taking
    await closing
    assert.equal(error.code, 'ERR_WXA_CLOSED')
    assert.deepEqual(
      results.map(({ image, job }) => [asked(image).scene, job.scene]).sort(),
      times(5, (n) => [`id=${n}`, `id=${n}`]),
    )
    assert.equal(scenesAsked(fake).size, 5)
  })

  test('with a limit: what had not ended is reported with its job', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    fake.fail('hang', { endpoint: 'codes', times: Number.POSITIVE_INFINITY, where: () => fake.count('codes') > 3 })
    const taking = taken(wxa.batch(jobs(100), { concurrency: 3 }))
    await fake.arrived(6, 'codes')
    await wxa.close({ timeoutMs: SHORT })
    const { results, error } = await taking
    assert.equal(error.code, 'ERR_WXA_CLOSED')
    const failed = results.filter((result) => result.error)
    assert.ok(failed.length > 0)
    assert.equal(results.length, scenesAsked(fake).size)
    for (const one of failed) assert.deepEqual([one.error.code, one.job.kind], ['ERR_WXA_CLOSED', 'unlimited'])
  })

  test('with a limit: close() waits until the loop has done with the last result', async (t) => {
    const { fake, wxa } = await setup(t)
    const done = []
    const writing = deferred()
    const loop = (async () => {
      for await (const { index } of wxa.batch(jobs(100), { concurrency: 2 })) {
        await writing.promise
        done.push(index)
      }
    })().catch((error) => done.push(error.code))
    await fake.arrived(2, 'codes')
    // The first result has left its place to a third job.
    await until(() => wxa.stats().images === 3)
    let isClosed = false
    const closing = wxa.close({ timeoutMs: LONG }).then(() => {
      isClosed = true
    })
    await wxa.close()
    for (const _ of times(20, Number)) await nextTurn()
    assert.equal(isClosed, false)
    writing.resolve()
    await closing
    assert.deepEqual(done.toSorted(), [0, 1, 2, 'ERR_WXA_CLOSED'])
    await loop
  })

  test('its own loop can close the client', async (t) => {
    const { wxa } = await setup(t)
    const { error } = await taken(
      (async function* () {
        for await (const result of wxa.batch(jobs(100), { concurrency: 2 })) {
          await wxa.close()
          yield result
        }
      })(),
    )
    assert.equal(error.code, 'ERR_WXA_CLOSED')
  })

  test('does not wait for the next minute', async (t) => {
    // Less than a minute, or the calls would wait for the next one.
    const { wxa } = await setup(t, {}, { ratePerMinute: 2, timeoutMs: 50_000 })
    const batch = wxa.batch(jobs(10), { concurrency: 2 })
    for (const _ of times(2, Number)) assert.ok((await batch.next()).value.image)
    const rest = taken(batch)
    const begun = performance.now()
    await until(() => wxa.stats().errors.ERR_WXA_RATE_LIMIT >= 2)
    await wxa.close({ timeoutMs: LONG })
    const { results, error } = await rest
    assert.equal(error.code, 'ERR_WXA_CLOSED')
    assert.deepEqual(
      results.map((result) => result.error?.code),
      times(results.length, () => 'ERR_WXA_CLOSED'),
    )
    assert.ok(performance.now() - begun < 30_000)
  })

  test('does not wait for a source that has no job yet', async (t) => {
    const { wxa } = await setup(t)
    const asking = deferred()
    async function* queue() {
      yield* jobs(1)
      asking.resolve()
      await new Promise(() => {})
    }
    const taking = taken(wxa.batch(queue()))
    await asking.promise
    await wxa.close({ timeoutMs: LONG })
    const { results, error } = await taking
    assert.deepEqual([results.length, error.code], [1, 'ERR_WXA_CLOSED'])
  })

  test('a process that gets SIGTERM ends by itself with every file whole, and has written what was paid for', async (t) => {
    const { fake, options } = await setup(t)
    const folder = mkdtempSync(join(tmpdir(), 'wxacode-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const { child, done } = start(SERVER, { given: { options, folder } })
    await fake.arrived(20, 'codes')
    child.kill('SIGTERM')
    const { code, signal, stdout, stderr } = await done
    assert.deepEqual([code, signal, stderr], [0, null, ''])
    const files = readdirSync(folder)
    assert.equal(stdout, `ERR_WXA_CLOSED ${files.length}\nclosed\n`)
    assert.equal(files.length, scenesAsked(fake).size)
    for (const file of files) assert.equal(`${asked(readFileSync(join(folder, file))).scene}.jpg`, file)
  })
})

suite('close({ timeoutMs }) of a platform', (test) => {
  test('ends the calls and batches of merchants, and frees its file', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: place.file })
    const [appid] = await place.merchants(1, platform)
    const client = platform.client(appid)
    await client.ready()
    place.fake.hold('codes')
    const before = place.fake.count('codes')
    const call = failure(client.getQRCode({ path: 'a' }))
    const taking = taken(client.batch(jobs(100), { concurrency: 2 }))
    await place.fake.arrived(before + 3, 'codes')
    await platform.close({ timeoutMs: SHORT })
    assert.equal((await call).code, 'ERR_WXA_CLOSED')
    const { results, error } = await taking
    assert.deepEqual([results.length, results[0].error.code, error.code], [2, 'ERR_WXA_CLOSED', 'ERR_WXA_CLOSED'])
    const [next] = await place.enter(1, { store: place.file })
    allWell(await next.ask({ way: 'token', appid }))
  })

  test('ends a batch of a merchant that waits for its source', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: 'memory' })
    const [appid] = await place.merchants(1, platform)
    const asking = deferred()
    async function* queue() {
      asking.resolve()
      await new Promise(() => {})
    }
    const taking = taken(platform.client(appid).batch(queue()))
    await asking.promise
    await platform.close()
    assert.equal((await taking).error.code, 'ERR_WXA_CLOSED')
  })

  test('of one merchant leaves the others alone', async (t) => {
    const place = await setupPlatforms(t)
    const platform = place.open({ store: 'memory' })
    const clients = (await place.merchants(2, platform)).map((appid) => platform.client(appid))
    await Promise.all(clients.map((client) => client.ready()))
    const hold = place.fake.hold('codes')
    const [closed, other] = [failure(draw(clients[0])), draw(clients[1])]
    await place.fake.arrived(2, 'codes')
    await clients[0].close({ timeoutMs: SHORT })
    assert.equal((await closed).code, 'ERR_WXA_CLOSED')
    hold.release()
    assert.ok((await other).length > 0)
    assert.ok((await draw(clients[1])).length > 0)
  })
})
