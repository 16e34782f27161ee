'use strict'

const native = require('./native')
const { publish, warn } = require('./events')

/** How many outcomes and events are handed on before other events of the loop have their turn. */
const AT_ONCE = 16

/**
 * What waits for the calls that are under way, by number.
 *
 * @type {Map<number, (outcome: any) => void>}
 */
const underWay = new Map()

let last = 0

/**
 * Weak, because the addon holds on to `handOn`, and whatever that holds on to would never go away: a test runner's copy of
 * this package, for example. Whoever waits for a call holds on to `index.js`, which holds on to the inbox.
 *
 * @type {WeakRef<import('../binding').CompletionQueueHandle>}
 */
let ours

function handOn() {
  const news = ours.deref()?.take(AT_ONCE) ?? []
  for (let at = 0; at < news.length; at += 2) {
    const call = /** @type {number} */ (news[at])
    if (call === 0) {
      publish(/** @type {import('../binding').NativeEvent} */ (news[at + 1]))
    } else if (call === -1) {
      warn(/** @type {string} */ (news[at + 1]))
    } else {
      underWay.get(call)?.(news[at + 1])
      underWay.delete(call)
    }
  }
}

const inbox = new native.CompletionQueueHandle(handOn)
ours = new WeakRef(inbox)

/**
 * Starts a call in the addon, under a number. Gives its value where that is at hand.
 *
 * @typedef {(call: number, timeoutMs?: number, cancel?: import('../binding').AbortHandle) => any} Begin
 */

/**
 * What a call ends with: its value, or an array of what it failed with.
 *
 * @param {Begin} begin
 * @param {number} [timeoutMs]
 * @param {import('../binding').AbortHandle} [cancel]
 * @returns {any} the value itself where it is at hand, or a promise
 */
function outcomeOf(begin, timeoutMs, cancel) {
  const call = ++last
  const atHand = begin(call, timeoutMs, cancel) ?? undefined
  if (atHand !== undefined) return atHand
  return new Promise((resolve) => {
    underWay.set(call, resolve)
  })
}

module.exports = { inbox, outcomeOf }
