'use strict'

const { Buffer } = require('node:buffer')
const native = require('./native')
const { reasonOf, unwatch, watch } = require('./abort')
const { afterLoad } = require('./after-load')
const { publish, warn } = require('./events')
const { beginning, publishAttempt, release, setSource } = require('./tracing')

/** How many outcomes and events one run of `drain` delivers, so that other events of the loop run in between. */
const DRAIN_LIMIT = 16

/**
 * The `resolve` functions of running calls, by number.
 *
 * @type {Map<number, (outcome: any) => void>}
 */
const pending = new Map()

let last = 0

/** For a picture that arrived in several pieces: the addon fills the whole Buffer. */
const allocate = Buffer.allocUnsafeSlow

/**
 * A weak reference, because the addon holds `drain`, and whatever `drain` holds would never be collected, such as a test
 * runner's copy of this package. A waiting caller holds `index.js`, which holds the queue.
 *
 * @type {WeakRef<import('../binding').CompletionQueueHandle>}
 */
let queueRef

/** What else the addon tells, by the negative of its number. @type {Array<(told: any) => void>} */
const TOLD = [publish, warn, publishAttempt, setSource, release]

function drain() {
  const completions = queueRef.deref()?.take(DRAIN_LIMIT, allocate) ?? []
  for (let at = 0; at < completions.length; at += 2) {
    const call = /** @type {number} */ (completions[at])
    if (call > 0) {
      pending.get(call)?.(completions[at + 1])
      pending.delete(call)
    } else {
      TOLD[-call](completions[at + 1])
    }
  }
}

const completionQueue = new native.CompletionQueueHandle()
queueRef = new WeakRef(completionQueue)
afterLoad(() => queueRef.deref()?.attach(drain))

/**
 * Starts a call in the addon, under a number. Returns its value if that is available at once.
 *
 * @typedef {(call: number, timeoutMs?: number, cancel?: import('../binding').AbortHandle) => any} StartCall
 */

/**
 * The outcome of a call: its value, or an array of its failures.
 *
 * @param {StartCall} start
 * @param {number} [timeoutMs]
 * @returns {any} the outcome itself if it is available at once, or a promise, which never rejects
 */
function startCall(start, timeoutMs) {
  const call = ++last
  const immediate = begin(call, start, timeoutMs)
  return immediate === undefined ? new Promise((resolve) => pending.set(call, resolve)) : immediate
}

/**
 * The same under a signal. A call that was aborted has failed with the signal's reason.
 *
 * @param {AbortSignal} signal
 * @param {StartCall} start
 * @param {number} [timeoutMs]
 * @returns {any}
 */
function startCallUnder(signal, start, timeoutMs) {
  const trace = beginning()
  if (signal.aborted) {
    trace?.abort()
    throw reasonOf(signal)
  }
  const cancel = new native.AbortHandle()
  const call = ++last
  const immediate = begin(call, start, timeoutMs, cancel)
  if (immediate !== undefined) return immediate
  watch(signal, cancel)
  return new Promise((resolve) => {
    pending.set(call, (outcome) => {
      unwatch(signal, cancel)
      const isAborted = Array.isArray(outcome) && outcome[0].code === 'ABORTED'
      if (isAborted) trace?.abort()
      resolve(isAborted ? [{ thrown: reasonOf(signal) }] : outcome)
    })
  })
}

/**
 * @param {number} call
 * @param {StartCall} start
 * @param {number} [timeoutMs]
 * @param {import('../binding').AbortHandle} [cancel]
 */
function begin(call, start, timeoutMs, cancel) {
  const trace = beginning()
  if (trace === undefined) return start(call, timeoutMs, cancel) ?? undefined
  queueRef.deref()?.trace(call, trace.traceparent)
  const immediate = start(call, timeoutMs, cancel) ?? undefined
  trace.begun(call, immediate !== undefined)
  return immediate
}

module.exports = { completionQueue, startCall, startCallUnder }
