'use strict'

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
    signal.addEventListener('abort', onAbort, { once: true })
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

module.exports = { unwatch, watch }
