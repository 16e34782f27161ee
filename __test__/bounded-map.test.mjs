import assert from 'node:assert/strict'
import { setImmediate as macrotask } from 'node:timers/promises'
import { boundedMap } from '../lib/bounded-map.js'
import { deferred, suite, times } from './support/suite.mjs'

/** Lets everything happen that waits for no I/O and no time: each step of the map takes a few microtasks. */
async function settled() {
  for (let n = 0; n < 3; n++) await macrotask()
}

/** A worker whose items finish when the test says so. */
function manualWorker() {
  const started = []
  const worker = (item, task) => {
    const { promise, resolve, reject } = deferred()
    started.push({ item, task, resolve, reject })
    return promise
  }
  return { started, worker }
}

/** The results, and the error after them. */
async function drain(map) {
  const results = []
  try {
    for await (const result of map) results.push(result)
    return { results }
  } catch (error) {
    return { results, error }
  }
}

/** Yields numbers and counts how many were pulled. */
function counting(end = Number.POSITIVE_INFINITY) {
  const state = { pulled: 0, isClosed: false }
  const source = (function* () {
    try {
      for (; state.pulled < end; ) yield state.pulled++
    } finally {
      state.isClosed = true
    }
  })()
  return { source, state }
}

suite('boundedMap', (test) => {
  test('yields every result, in the order in which workers finish', async () => {
    const { started, worker } = manualWorker()
    const drained = drain(boundedMap(['a', 'b', 'c'].values(), worker, { concurrency: 3 }))
    await settled()
    assert.deepEqual(
      started.map(({ item, task }) => [item, task.index]),
      [
        ['a', 0],
        ['b', 1],
        ['c', 2],
      ],
    )
    for (const at of [2, 0, 1]) {
      started[at].resolve(started[at].item)
      await settled()
    }
    assert.deepEqual(await drained, { results: ['c', 'a', 'b'] })
  })

  test('a source without items ends at once', async () => {
    assert.deepEqual(await drain(boundedMap([].values(), assert.fail, { concurrency: 1 })), { results: [] })
  })

  test('starts as many items as there is capacity for, and another one for each result that is taken', async () => {
    const { started, worker } = manualWorker()
    const { source, state } = counting()
    const map = boundedMap(source, worker, { concurrency: 3 })
    const first = map.next()
    await settled()
    assert.deepEqual([started.length, state.pulled], [3, 3])
    for (const { item, resolve } of started) resolve(item)
    await settled()
    // One result was taken by `next`. The other two are finished, and count until they are taken.
    assert.deepEqual([started.length, state.pulled], [4, 4])
    assert.deepEqual(await first, { done: false, value: 0 })
    assert.deepEqual(await map.next(), { done: false, value: 1 })
    await settled()
    assert.deepEqual([started.length, state.pulled], [5, 5])
    await map.return()
  })

  test('an asynchronous source is pulled one item at a time', async () => {
    let pulls = 0
    let most = 0
    const source = {
      next: async () => {
        pulls += 1
        most = Math.max(most, pulls)
        await macrotask()
        pulls -= 1
        return { done: false, value: 1 }
      },
    }
    const map = boundedMap(source, async (item) => item, { concurrency: 8 })
    for (let n = 0; n < 20; n++) assert.equal((await map.next()).value, 1)
    await map.return()
    assert.equal(most, 1)
  })

  test('a worker that stops the map starts no further item, and the results of all that were started come first', async () => {
    const { started, worker } = manualWorker()
    const { source, state } = counting()
    const drained = drain(boundedMap(source, worker, { concurrency: 3 }))
    await settled()
    const [reason, second] = [new Error('stop'), new Error('too late')]
    started[1].task.stop(reason)
    started[1].resolve('one')
    started[0].resolve('zero')
    await settled()
    started[2].task.stop(second)
    started[2].resolve('two')
    const { results, error } = await drained
    assert.deepEqual([results, state.pulled], [['one', 'zero', 'two'], 3])
    assert.equal(error, reason)
    assert.ok(state.isClosed)
    assert.ok(
      started.every(({ task }) => task.signal.aborted),
      'the signal says that nothing is wanted any more',
    )
  })

  test('a map that was stopped with undefined throws undefined', async () => {
    const map = boundedMap([1].values(), async (_, { stop }) => stop(undefined), { concurrency: 1 })
    assert.deepEqual(await drain(map), { results: [undefined], error: undefined })
  })

  test('what a worker rejects with is thrown after the results of the others', async () => {
    const { started, worker } = manualWorker()
    const { source, state } = counting()
    const drained = drain(boundedMap(source, worker, { concurrency: 2 }))
    await settled()
    const broken = new Error('broken')
    started[0].reject(broken)
    await settled()
    started[1].resolve('whole')
    assert.deepEqual(await drained, { results: ['whole'], error: broken })
    assert.equal(state.pulled, 2)
  })

  test('a worker that throws at once is one that rejects', async () => {
    const broken = new Error('broken')
    const worker = () => {
      throw broken
    }
    assert.deepEqual(await drain(boundedMap([1].values(), worker, { concurrency: 1 })), { results: [], error: broken })
  })

  for (const [kind, source] of [
    [
      'an iterator',
      (broken) =>
        (function* () {
          yield 1
          throw broken
        })(),
    ],
    [
      'an asynchronous iterator',
      (broken) =>
        (async function* () {
          yield 1
          throw broken
        })(),
    ],
  ]) {
    test(`what ${kind} throws is thrown after the results`, async () => {
      const broken = new Error('the list is broken')
      const { started, worker } = manualWorker()
      const drained = drain(boundedMap(source(broken), worker, { concurrency: 4 }))
      await settled()
      started[0].resolve('one')
      assert.deepEqual(await drained, { results: ['one'], error: broken })
    })
  }

  test('an aborted signal drops results, aborts the workers and closes the source', async () => {
    const { started, worker } = manualWorker()
    const { source, state } = counting()
    const controller = new AbortController()
    const drained = drain(boundedMap(source, worker, { concurrency: 2, signal: controller.signal }))
    await settled()
    const reason = new Error('enough')
    started[0].resolve('zero')
    controller.abort(reason)
    assert.deepEqual(await drained, { results: [], error: reason })
    assert.ok(started.every(({ task }) => task.signal.aborted && task.signal.reason === reason))
    assert.deepEqual([state.pulled, state.isClosed], [2, true])
  })

  test('a signal that was aborted before starts nothing', async () => {
    const { source, state } = counting()
    const reason = new Error('before')
    const options = { concurrency: 2, signal: AbortSignal.abort(reason) }
    assert.deepEqual(await drain(boundedMap(source, assert.fail, options)), { results: [], error: reason })
    assert.equal(state.pulled, 0)
  })

  test('a consumer that returns aborts the workers and closes the source', async () => {
    const { started, worker } = manualWorker()
    const { source, state } = counting()
    const map = boundedMap(source, worker, { concurrency: 2 })
    const first = map.next()
    await settled()
    started[0].resolve('zero')
    assert.deepEqual(await first, { done: false, value: 'zero' })
    await map.return()
    assert.ok(started.every(({ task }) => task.signal.aborted))
    assert.ok(state.isClosed)
  })

  test('a source that never gives its next item does not hold up the consumer', async () => {
    const never = deferred()
    const source = (async function* () {
      yield 0
      await never.promise
    })()
    const map = boundedMap(source, async (item) => item, { concurrency: 2 })
    assert.deepEqual(await map.next(), { done: false, value: 0 })
    assert.deepEqual(await map.return(), { done: true, value: undefined })
  })

  test('a source that cannot clean up is heard of', async () => {
    const broken = new Error('cannot close')
    const source = { next: () => ({ done: true }), return: () => Promise.reject(broken) }
    assert.equal((await drain(boundedMap(source, assert.fail, { concurrency: 1 }))).error, broken)
  })

  test('the event loop has its turns between many results that need no I/O', async () => {
    let turns = 0
    const tick = () => {
      turns += 1
      immediate = setImmediate(tick)
    }
    let immediate = setImmediate(tick)
    const { results } = await drain(boundedMap(times(640, (n) => n).values(), async (item) => item, { concurrency: 4 }))
    clearImmediate(immediate)
    assert.equal(results.length, 640)
    assert.ok(turns >= 9, `${turns} turns`)
  })
})
