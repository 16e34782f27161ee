'use strict'

const { setImmediate, setInterval } = require('node:timers')
const native = require('../binding.js')

/**
 * What waits for the calls that are under way, by number. The addon wakes this thread when some have ended and gives the
 * outcomes of all that have ended by then.
 *
 * @type {Map<number, (outcome: any) => void>}
 */
const underWay = new Map()

let last = 0

/** What keeps the process alive while calls are under way: the addon itself does not. */
const vigil = setInterval(() => {}, 2 ** 31 - 1).unref()

/** How many outcomes are handed on before other events of the loop have their turn. */
const AT_ONCE = 16

const calls = new native.Calls(handOn)

function handOn() {
  const ended = calls.take(AT_ONCE)
  if (ended.length === 2 * AT_ONCE) setImmediate(handOn)
  for (let at = 0; at < ended.length; at += 2) {
    const call = /** @type {number} */ (ended[at])
    underWay.get(call)?.(ended[at + 1])
    underWay.delete(call)
  }
  if (underWay.size === 0) vigil.unref()
}

/**
 * Starts a call in the addon, under a number.
 *
 * @typedef {(call: number, timeoutMs?: number, cancel?: import('../binding').Cancel) => void} Begin
 */

/**
 * What a call ends with: its value, or an array of what it failed with.
 *
 * @param {Begin} begin
 * @param {number} [timeoutMs]
 * @param {import('../binding').Cancel} [cancel]
 * @returns {Promise<any>}
 */
function outcomeOf(begin, timeoutMs, cancel) {
  return new Promise((resolve) => {
    const call = ++last
    begin(call, timeoutMs, cancel)
    if (underWay.size === 0) vigil.ref()
    underWay.set(call, resolve)
  })
}

module.exports = { calls, outcomeOf }
