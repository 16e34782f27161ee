'use strict'

const native = require('./native')
const { publish, warn } = require('./events')

/** How many outcomes and events are handed on before other events of the loop have their turn. */
const DRAIN_LIMIT = 16

/**
 * What waits for the calls that are under way, by number.
 *
 * @type {Map<number, (outcome: any) => void>}
 */
const pending = new Map()

let last = 0

/**
 * Weak, because the addon holds on to `drain`, and whatever that holds on to would never go away: a test runner's copy of
 * this package, for example. A caller that waits holds `index.js`, which holds the queue.
 *
 * @type {WeakRef<import('../binding').CompletionQueueHandle>}
 */
let queueRef

function drain() {
  const completions = queueRef.deref()?.take(DRAIN_LIMIT) ?? []
  for (let at = 0; at < completions.length; at += 2) {
    const call = /** @type {number} */ (completions[at])
    if (call === 0) {
      publish(/** @type {import('../binding').NativeEvent} */ (completions[at + 1]))
    } else if (call === -1) {
      warn(/** @type {string} */ (completions[at + 1]))
    } else {
      pending.get(call)?.(completions[at + 1])
      pending.delete(call)
    }
  }
}

const inbox = new native.CompletionQueueHandle(drain)
queueRef = new WeakRef(inbox)

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
 * @param {import('../binding').AbortHandle} [cancel]
 * @returns {any} the value itself if it is available at once, or a promise
 */
function startCall(start, timeoutMs, cancel) {
  const call = ++last
  const immediate = start(call, timeoutMs, cancel) ?? undefined
  if (immediate !== undefined) return immediate
  return new Promise((resolve) => {
    pending.set(call, resolve)
  })
}

module.exports = { inbox, startCall }
