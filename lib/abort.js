'use strict'

const { clearTimeout, setTimeout } = require('node:timers')
const { safeGet } = require('./safe-object')

/**
 * @typedef {object} Watched
 * @property {Set<{ cancel(): void }>} calls
 * @property {() => void} onAbort
 */

/** @type {WeakMap<AbortSignal, Watched>} */
const watched = new WeakMap()

/**
 * Cancels a call when its signal is aborted, until `unwatch`. All calls under one signal share one listener: from the
 * eleventh on Node would warn of a leak.
 *
 * @param {AbortSignal} signal
 * @param {{ cancel(): void }} call
 */
function watch(signal, call) {
  let here = watched.get(signal)
  if (here === undefined) {
    const calls = new Set()
    const onAbort = () => {
      for (const one of calls) one.cancel()
    }
    here = { calls, onAbort }
    watched.set(signal, here)
    // Without options: what is not in them would be looked up behind them.
    signal.addEventListener('abort', onAbort)
  }
  here.calls.add(call)
}

/**
 * @param {AbortSignal} signal
 * @param {{ cancel(): void }} call
 */
function unwatch(signal, call) {
  const here = watched.get(signal)
  if (here === undefined) return
  here.calls.delete(call)
  if (here.calls.size > 0) return
  signal.removeEventListener('abort', here.onAbort)
  watched.delete(signal)
}

/**
 * What a call rejects with whose signal is aborted. Signals of before Node.js 17 and their polyfills have no reason.
 *
 * @param {AbortSignal} signal
 * @returns {unknown}
 */
function reasonOf(signal) {
  const reason = safeGet(signal, 'reason')
  return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason
}

/**
 * What is used of an AbortController: the global one is a test environment's where tests have a document.
 *
 * @implements {AbortController}
 */
class Aborter {
  /** @type {Set<() => void>} */
  #listeners = new Set()
  /** @type {any} */
  signal = {
    aborted: false,
    reason: undefined,
    addEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) => this.#listeners.add(listener),
    removeEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) =>
      this.#listeners.delete(listener),
  }

  /** @param {unknown} reason */
  abort(reason) {
    if (this.signal.aborted) return
    this.signal.aborted = true
    this.signal.reason = reason
    for (const listener of [...this.#listeners]) listener()
  }
}

/**
 * Resolves after so long, or when one of the signals is aborted.
 *
 * @param {number} ms
 * @param {...AbortSignal} signals
 * @returns {Promise<void>}
 */
function sleepUnder(ms, ...signals) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    for (const signal of signals) signal.addEventListener('abort', wake)
    if (signals.some(({ aborted }) => aborted)) wake()
  })
}

module.exports = { Aborter, reasonOf, sleepUnder, unwatch, watch }
