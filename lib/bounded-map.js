'use strict'

const { setImmediate: yieldToEventLoop } = require('node:timers/promises')
const { Aborter, reasonOf } = require('./abort')
const { safeGet } = require('./safe-object')

/** The event loop runs after so many results: results without I/O would block it otherwise. */
const YIELD_EVERY = 64

/**
 * What a worker gets beside its item.
 *
 * @typedef {object} Task
 * @property {number} index of the item, from 0
 * @property {AbortSignal} signal aborted when the result is not wanted any more
 * @property {(reason: unknown) => void} stop starts no further item; the map throws `reason` after the results of all items
 *   that were started. The first reason counts
 */

/**
 * Runs a worker for each item of a source, and yields the results in the order in which the workers finish.
 *
 * Items are pulled while fewer than `concurrency` are in flight; a result counts until the consumer has taken it. When the
 * source throws or a worker rejects, no further item is started, and the error is thrown after the results of those in flight.
 * When `closing` is aborted, the same happens with its reason, and a source that was asked for an item is not waited for.
 * When `signal` is aborted, or the consumer returns early, the workers' signal is aborted and their results are dropped. The
 * source's `return()` is called at the end in each case.
 *
 * @template T, R
 * @param {Iterator<T> | AsyncIterator<T>} source
 * @param {(item: T, task: Task) => Promise<R>} worker
 * @param {{ concurrency: number, signal?: AbortSignal, closing?: AbortSignal }} options
 * @returns {AsyncGenerator<R, void, undefined>}
 */
async function* boundedMap(source, worker, { concurrency, signal, closing }) {
  /** @type {BoundedQueue<T, R>} */
  const queue = new BoundedQueue(concurrency)
  const onAbort = () => queue.abort(reasonOf(/** @type {AbortSignal} */ (signal)))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort)
  const onClosing = () => queue.leave(/** @type {AbortSignal} */ (closing).reason)
  closing?.addEventListener('abort', onClosing)
  pump(queue, source, worker)
  try {
    for (let taken = await queue.take(); taken; taken = await queue.take()) yield taken.result
  } finally {
    signal?.removeEventListener('abort', onAbort)
    closing?.removeEventListener('abort', onClosing)
    queue.abort(new Error('the consumer takes no more results'))
    await queue.release(source)
  }
}

/**
 * Starts items while there is capacity.
 *
 * @template T, R
 * @param {BoundedQueue<T, R>} queue
 * @param {Iterator<T> | AsyncIterator<T>} source
 * @param {(item: T, task: Task) => Promise<R>} worker
 */
async function pump(queue, source, worker) {
  try {
    for (let index = 0; await queue.hasCapacity(); index += 1) {
      const pulled = await queue.pull(source)
      if (pulled === undefined) break
      queue.start(worker(pulled.item, { index, signal: queue.signal, stop: (reason) => queue.stop(reason) }))
    }
  } catch (error) {
    queue.stop(error)
  }
  queue.sourceEnded()
}

/**
 * Items in flight, and results that the consumer has not taken yet.
 *
 * @template T, R
 */
class BoundedQueue {
  #concurrency
  #inFlight = 0
  /** @type {Array<{ result: R }>} */
  #results = []
  #yielded = 0
  #hasSourceEnded = false
  #isPulling = false
  /** Whether a source that was asked for an item is not waited for. */
  #hasLeftSource = false
  /** Why no further item is started. @type {{ reason: unknown } | undefined} */
  #stopped
  #aborter = new Aborter()
  #changed = createSignal()

  /** @param {number} concurrency */
  constructor(concurrency) {
    this.#concurrency = concurrency
  }

  /** @returns {AbortSignal} */
  get signal() {
    return this.#aborter.signal
  }

  /**
   * The next result, or `undefined` after the last one. Throws the reason for which the queue was stopped.
   *
   * @returns {Promise<{ result: R } | undefined>}
   */
  async take() {
    for (;;) {
      if (this.signal.aborted) throw this.signal.reason
      const taken = this.#results.shift()
      if (taken) {
        this.#runNative()
        this.#yielded += 1
        if (this.#yielded % YIELD_EVERY === 0) await yieldToEventLoop()
        return taken
      }
      if ((this.#hasSourceEnded || (this.#hasLeftSource && this.#isPulling)) && this.#inFlight === 0) {
        if (this.#stopped) throw this.#stopped.reason
        return undefined
      }
      await this.#changed.wait()
    }
  }

  /** Waits until another item may be started. False if none may be started any more. */
  async hasCapacity() {
    while (this.#inFlight === this.#concurrency && !this.#stopped) await this.#changed.wait()
    return !this.#stopped
  }

  /**
   * The next item, if there is one and it may still be started.
   *
   * @param {Iterator<T> | AsyncIterator<T>} source
   * @returns {Promise<{ item: T } | undefined>}
   */
  async pull(source) {
    this.#isPulling = true
    const pulled = await source.next()
    this.#isPulling = false
    return safeGet(pulled, 'done') || this.#stopped ? undefined : { item: safeGet(pulled, 'value') }
  }

  /** @param {Promise<R>} work */
  start(work) {
    this.#inFlight += 1
    work.then(
      (result) => {
        this.#results.push({ result })
        this.#changed.notify()
      },
      (error) => {
        this.stop(error)
        this.#runNative()
      },
    )
  }

  /** @param {unknown} reason */
  stop(reason) {
    this.#stopped ??= { reason }
    this.#changed.notify()
  }

  /** @param {unknown} reason */
  leave(reason) {
    this.#hasLeftSource = true
    this.stop(reason)
  }

  /** @param {unknown} reason */
  abort(reason) {
    this.#aborter.abort(reason)
    this.stop(reason)
  }

  /** No further item will be started. */
  sourceEnded() {
    this.#hasSourceEnded = true
    this.#changed.notify()
  }

  /**
   * Lets the source clean up. A source that was asked for an item that may never come is not waited for.
   *
   * @param {Iterator<T> | AsyncIterator<T>} source
   */
  async release(source) {
    const returned = safeGet(source, 'return')?.call(source)
    if (this.#isPulling) Promise.resolve(returned).catch(() => {})
    else await returned
  }

  #runNative() {
    this.#inFlight -= 1
    this.#changed.notify()
  }
}

/** Wakes all that wait, each time. */
function createSignal() {
  let { promise, resolve } = deferred()
  return {
    notify() {
      resolve()
      ;({ promise, resolve } = deferred())
    },
    wait: () => promise,
  }
}

/** @returns {{ promise: Promise<void>, resolve: () => void }} */
function deferred() {
  /** @type {() => void} */
  let resolve = () => {}
  const promise = new Promise((settle) => {
    resolve = () => settle(undefined)
  })
  return { promise: /** @type {Promise<void>} */ (promise), resolve }
}

module.exports = { boundedMap }
