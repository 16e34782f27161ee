import assert from 'node:assert/strict'
import { explain, WeChatAPIError, WxaCodeError } from 'wxacode'
import { batch as batchOf, withRateLimitWait } from '../lib/batch.js'
import { toError } from '../lib/errors.js'
import { asked } from './support/decode.mjs'
import { deferred, failure, setup, suite, times } from './support/suite.mjs'

const job = (n) => ({ kind: 'unlimited', scene: `n=${n}`, width: 280 })
const jobs = (count) => times(count, job)

async function collect(batch) {
  const results = []
  for await (const result of batch) results.push(result)
  return results
}

/** What came before it ended, and what it ended with, if it did not come to its own end. */
async function upToTheEnd(batch) {
  const results = []
  const ended = (async () => {
    for await (const result of batch) results.push(result)
  })()
  const error = await ended.then(
    () => undefined,
    () => failure(ended),
  )
  return { results, error }
}

/** The error of a call that WeChat refuses. */
function refusal(errcode, endpoint) {
  const { scope } = explain(errcode, endpoint)
  return toError([{ code: 'ERR_WXA_API', message: 'refused', endpoint, retryable: true, errcode, scope }])
}

/** The error of a call that has to wait for the next minute. */
const waits = (retryAfterMs) =>
  toError([{ code: 'ERR_WXA_RATE_LIMIT', message: 'the minute is full', retryable: true, retryAfterMs }])

/** A call that is refused by each of the errors, and then succeeds. */
function refusing(errors) {
  const rest = errors[Symbol.iterator]()
  const call = async () => {
    call.count += 1
    const { done, value } = rest.next()
    if (!done) throw value
    return 'a picture'
  }
  call.count = 0
  return call
}

const NEVER = new AbortController().signal

/** Jobs, how many of them were taken, and by how many they were ahead of the consumer's requests at most. */
function counted(count) {
  const state = { taken: 0, requested: 0, ahead: 0 }
  const source = (function* () {
    while (state.taken < count) {
      state.taken += 1
      state.ahead = Math.max(state.ahead, state.taken - state.requested)
      yield job(state.taken)
    }
  })()
  const next = (batch) => {
    state.requested += 1
    return batch.next()
  }
  return { source, state, next }
}

suite('batch', (test) => {
  test('gives each job its own picture, of all kinds, from any iterable', async (t) => {
    const { wxa } = await setup(t)
    const list = [
      { kind: 'unlimited', scene: 'a', page: 'pages/index/index', isHyaline: true },
      { kind: 'limited', path: 'pages/index/index?b=1', envVersion: 'trial' },
      { kind: 'qrcode', path: 'c', width: 300 },
    ]
    for (const iterable of [
      list,
      new Set(list),
      list.values(),
      (function* () {
        yield* list
      })(),
      (async function* () {
        yield* list
      })(),
      new ReadableStream({
        start(controller) {
          for (const one of list) controller.enqueue(one)
          controller.close()
        },
      }),
    ]) {
      const results = await collect(wxa.batch(iterable))
      results.sort((a, b) => a.index - b.index)
      assert.deepEqual(
        results.map(({ index, job }) => [index, job]),
        list.map((one, n) => [n, one]),
      )
      assert.deepEqual(
        results.map(({ image }) => asked(image).kind),
        ['unlimited', 'limited', 'qrcode'],
      )
      assert.ok(results.every(({ error, job }) => error === undefined && list.includes(job)))
    }
  })

  test('nothing to do is done at once', async (t) => {
    const { fake, wxa } = await setup(t)
    assert.deepEqual(await collect(wxa.batch([])), [])
    assert.equal(fake.count(), 0)
  })

  test('results come in the order in which they are done', async (t) => {
    const { fake, wxa } = await setup(t)
    const slow = fake.hold('createwxaqrcode')
    const batch = wxa.batch([
      { kind: 'qrcode', path: 'slow' },
      { kind: 'limited', path: 'quick' },
    ])
    const { index, image } = (await batch.next()).value
    assert.equal(index, 1)
    assert.equal(asked(image).path, 'quick')
    slow.release()
    const [last, ...none] = await collect(batch)
    assert.equal(last.index, 0)
    assert.equal(asked(last.image).path, 'slow')
    assert.deepEqual(none, [])
  })

  test('no more than concurrency are in flight, and no fewer', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    const hold = fake.hold('codes')
    const { source, state, next } = counted(20)
    const batch = wxa.batch(source, { concurrency: 3 })
    const first = next(batch)
    await fake.arrived(3, 'codes')
    // Between the third job and its arrival there was time for a fourth: taking one needs no I/O.
    assert.equal(state.taken, 3)
    hold.release()
    for (let result = await first; !result.done; result = await next(batch)) assert.ok(result.value.image)
    assert.ok(state.ahead <= 3, `${state.ahead} ahead`)
    assert.deepEqual([state.taken, fake.count('codes')], [20, 20])
  })

  test('jobs are taken only as fast as results are', async (t) => {
    const { fake, wxa } = await setup(t)
    const { source, state, next } = counted(1000)
    const batch = wxa.batch(source, { concurrency: 4 })
    for (let n = 0; n < 10; n++) await next(batch)
    // All that were begun are answered, so only the consumer keeps further jobs from being taken.
    await fake.idle()
    assert.equal(state.taken, 10 + 4)
    assert.ok(state.ahead <= 4, `${state.ahead} ahead`)
    await batch.return()
  })

  test('a job that fails does not stop the others, and its error is its own', async (t) => {
    const { fake, wxa } = await setup(t)
    const list = [
      job(0),
      { kind: 'unlimited', scene: '中' },
      { kind: 'unlimited', scene: 'a', page: 'pages/none' },
      { kind: 'unlimited', secne: 'a' },
      { kind: 'round', scene: 'a' },
      { scene: 'a' },
      null,
      'a',
      job(8),
    ]
    const results = await collect(wxa.batch(list))
    results.sort((a, b) => a.index - b.index)
    assert.deepEqual(
      results.map(({ error }) => error && (error.param ?? error.errcode)),
      [undefined, 'scene', 41030, 'secne', 'kind', 'kind', 'kind', 'kind', undefined],
    )
    assert.equal(fake.count('codes'), 3)
    assert.match(results[4].error.message, /"round".*unlimited, limited, qrcode.*\|.*qrcode/)
  })

  test('meta comes back and is not looked at', async (t) => {
    const { wxa } = await setup(t)
    const meta = { row: 7 }
    const [{ job: back, image }] = await collect(wxa.batch([{ ...job(1), meta }]))
    assert.equal(back.meta, meta)
    assert.equal(asked(image).scene, 'n=1')
  })

  test('a batch waits for a full minute, and no job fails by it', async (t) => {
    const { fake, wxa } = await setup(t, {}, { ratePerMinute: 5, timeoutMs: 20_000 })
    const controller = new AbortController()
    const batch = wxa.batch(jobs(6), { concurrency: 6, signal: controller.signal })
    for (let n = 0; n < 5; n++) assert.ok((await batch.next()).value.image)
    const last = batch.next()
    // It comes after the sixth job and is refused, so that one was too.
    assert.equal((await failure(wxa.getUnlimitedQRCode({ scene: 'b' }))).code, 'ERR_WXA_RATE_LIMIT')
    assert.equal(fake.count('codes'), 5)
    // A caller that does not want to wait aborts: the next minute is too long for a test.
    const reason = new Error('too long')
    controller.abort(reason)
    assert.equal(await failure(last), reason)
  })

  test('a budget error says when there is a turn again', async (t) => {
    const { wxa } = await setup(t, {}, { ratePerMinute: 1, timeoutMs: 20_000 })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    const { code, retryAfterMs } = await failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
    assert.equal(code, 'ERR_WXA_RATE_LIMIT')
    assert.ok(retryAfterMs > 20_000 && retryAfterMs <= 60_000, `${retryAfterMs}`)
  })

  for (const [what, options, more, spoil, errcode] of [
    ['a wrong AppSecret', {}, { secret: 'wrong' }, () => {}, 40125],
    ['an address that is not listed', { ipWhitelist: [] }, {}, () => {}, 40164],
    ['100,000 codes for life', { limits: { codesForLife: 3 } }, {}, () => {}, 45029],
    ['a daily quota', { limits: { limitedPerDay: 3 } }, {}, () => {}, 45009],
    ['no permission', {}, {}, (fake) => fake.fail(48001, { endpoint: 'codes', times: Infinity }), 48001],
  ]) {
    test(`stops when the account is refused: ${what}`, async (t) => {
      const { fake, client } = await setup(t, options)
      const wxa = client(more)
      spoil(fake)
      let taken = 0
      const source = (function* () {
        for (; taken < 100; taken++) yield { kind: 'limited', path: `a?b=${taken}`, width: 280 }
      })()
      const { results, error } = await upToTheEnd(wxa.batch(source, { concurrency: 2 }))
      assert.ok(error instanceof WeChatAPIError)
      assert.equal(error.errcode, errcode)
      assert.ok(results.some((result) => result.error === error))
      assert.ok(taken <= 3 + 2 + 1, `${taken} were taken`)
      // Whatever was begun has come to its end and was told.
      assert.deepEqual(
        results.map(({ index }) => index).sort((a, b) => a - b),
        times(results.length, (n) => n),
      )
      assert.equal(results.filter(({ image }) => image).length, ['45029', '45009'].includes(`${errcode}`) ? 3 : 0)
    })
  }

  test("WeChat's busy answer stops nothing", async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    fake.fail(-1, { endpoint: 'codes', times: 3 })
    const results = await collect(wxa.batch(jobs(10)))
    assert.equal(results.filter(({ error }) => error?.errcode === -1).length, 3)
    assert.equal(results.filter(({ image }) => image).length, 7)
  })

  for (const errcode of [45009, 45011]) {
    test(`a minute that WeChat calls full (${errcode}) is tried again three times`, async () => {
      const error = refusal(errcode, 'getUnlimitedQRCode')
      const call = refusing(times(3, () => error))
      assert.equal(await withRateLimitWait(call, NEVER), 'a picture')
      assert.equal(call.count, 4)
      const always = refusing(times(100, () => error))
      assert.equal(await failure(withRateLimitWait(always, NEVER)), error)
      assert.equal(always.count, 4)
    })
  }

  test('a call that has to wait for its minute is repeated after that, however often', async () => {
    const call = refusing(times(10, () => waits(5)))
    const start = performance.now()
    assert.equal(await withRateLimitWait(call, NEVER), 'a picture')
    assert.equal(call.count, 11)
    assert.ok(performance.now() - start >= 10 * 4)
  })

  for (const [what, error] of [
    ['a daily quota', refusal(45009, 'getQRCode')],
    ['a refused page', refusal(41030, 'getUnlimitedQRCode')],
    ['a token endpoint', refusal(45011, 'stable_token')],
    ['anything else', new Error('else')],
  ]) {
    test(`nothing waits for ${what}`, async () => {
      const call = refusing([error])
      assert.equal(await failure(withRateLimitWait(call, NEVER)), error)
      assert.equal(call.count, 1)
    })
  }

  test('abort ends the wait for a minute', async () => {
    const controller = new AbortController()
    const call = refusing([waits(3_600_000)])
    const waiting = failure(withRateLimitWait(call, controller.signal))
    const reason = new Error('enough')
    controller.abort(reason)
    assert.equal(await waiting, reason)
    assert.equal(call.count, 1)
  })

  for (const [errcode, begun] of [
    [45009, 1],
    [45011, 20],
  ]) {
    test(`what WeChat calls full for minutes on end ${begun === 1 ? 'is the day, and stops it' : 'stops nothing'}: ${errcode}`, async () => {
      const client = {
        getUnlimitedQRCode: async () => {
          throw refusal(errcode, 'getUnlimitedQRCode')
        },
      }
      const { results, error } = await upToTheEnd(batchOf(client, jobs(20), { concurrency: 1 }))
      assert.equal(results.length, begun)
      assert.ok(results.every((result) => result.error instanceof WxaCodeError && result.error.errcode === errcode))
      assert.equal(error?.errcode, begun === 1 ? errcode : undefined)
    })
  }

  test('a closed client ends it', async (t) => {
    const { wxa } = await setup(t)
    const batch = wxa.batch(jobs(100), { concurrency: 2 })
    await batch.next()
    const closed = wxa.close()
    const { results, error } = await upToTheEnd(batch)
    await closed
    assert.equal(error.code, 'ERR_WXA_CLOSED')
    assert.ok(results.length < 10)
  })

  test('abort ends it with the reason, and closes what is under way', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    fake.hold('codes')
    const controller = new AbortController()
    const ended = upToTheEnd(wxa.batch(jobs(100), { signal: controller.signal, concurrency: 5 }))
    await fake.arrived(5, 'codes')
    const reason = new Error('enough')
    controller.abort(reason)
    const { results, error } = await ended
    assert.equal(error, reason)
    assert.deepEqual(results, [])
    await fake.idle()
    assert.equal(fake.requests.filter(({ closed }) => closed).length, 5)
  })

  test('an aborted signal asks for nothing', async (t) => {
    const { fake, wxa } = await setup(t)
    const reason = new Error('before')
    assert.equal(await failure(wxa.batch(jobs(3), { signal: AbortSignal.abort(reason) }).next()), reason)
    assert.equal(fake.count(), 0)
  })

  test('a consumer that stops aborts the pending jobs, and the source cleans up', async (t) => {
    const { fake, wxa } = await setup(t)
    let isAway = false
    let taken = 0
    const source = (async function* () {
      try {
        for (; ; taken++) yield job(taken)
      } finally {
        isAway = true
      }
    })()
    for await (const _ of wxa.batch(source, { concurrency: 5 })) break
    assert.ok(isAway)
    assert.ok(taken <= 6, `${taken} were taken`)
    await fake.idle()
  })

  test('a source that never yields its next job delays no other', async (t) => {
    const { wxa } = await setup(t)
    const never = deferred()
    const source = (async function* () {
      yield job(0)
      await never.promise
    })()
    const batch = wxa.batch(source)
    assert.ok((await batch.next()).value.image)
    assert.deepEqual(await batch.return(), { done: true, value: undefined })
  })

  test('what the source throws ends it, after what was begun', async (t) => {
    const { wxa } = await setup(t)
    const broken = new Error('the list is broken')
    for (const source of [
      (function* () {
        yield job(0)
        yield job(1)
        throw broken
      })(),
      (async function* () {
        yield job(0)
        yield job(1)
        throw broken
      })(),
    ]) {
      const { results, error } = await upToTheEnd(wxa.batch(source))
      assert.equal(error, broken)
      assert.equal(results.filter(({ image }) => image).length, 2)
    }
  })

  test('wrong options and jobs that cannot be iterated are told at the first step', async (t) => {
    const { wxa } = await setup(t)
    for (const [list, options, param] of [
      [[], { concurrency: 0 }, 'concurrency'],
      [[], { concurrency: 1.5 }, 'concurrency'],
      [[], { concurrency: 1001 }, 'concurrency'],
      [[], { timeout: 1 }, 'timeout'],
      [[], { signal: {} }, 'signal'],
      [{}, {}, 'jobs'],
      [undefined, {}, 'jobs'],
      ['abc', {}, 'jobs'],
    ]) {
      assert.equal((await failure(wxa.batch(list, options).next())).param, param)
    }
  })

  test('a batch of cached codes sends no request', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const list = times(50, (n) => job(n % 10))
    assert.equal((await collect(wxa.batch(list))).length, 50)
    assert.equal(fake.count('codes'), 10)
  })

  test('a long batch of kept codes lets the event loop have its turns', async (t) => {
    const { wxa } = await setup(t, {}, { cache: true })
    await wxa.getUnlimitedQRCode({ scene: 'n=0', width: 280 })
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    })
    t.after(() => clearInterval(timer))
    await collect(wxa.batch(times(5000, () => job(0))))
    assert.ok(turns > 3, `${turns} turns`)
  })
})
