'use strict'

const native = require('./native')
const { reasonOf, unwatch, watch } = require('./abort')
const { startCall } = require('./calls')

/**
 * Starts a call that the caller's signal aborts.
 *
 * @param {AbortSignal} signal
 * @param {import('./calls').StartCall} start
 * @param {number} [timeoutMs]
 */
async function startCallUnder(signal, start, timeoutMs) {
  if (signal.aborted) throw reasonOf(signal)
  const cancel = new native.AbortHandle()
  watch(signal, cancel)
  try {
    return await startCall(start, timeoutMs, cancel)
  } finally {
    unwatch(signal, cancel)
  }
}

module.exports = { startCallUnder }
