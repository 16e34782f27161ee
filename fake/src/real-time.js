'use strict'

const { Socket } = require('node:net')
const { runInNewContext } = require('node:vm')

// Fake timers replace the global functions, those of `node:timers`, `Date` and `performance`, and may have done so before
// this file is loaded. They know nothing of a socket's time-out and of the `Date` of another realm.

/**
 * Milliseconds since 1970.
 * @type {() => number}
 */
const now = runInNewContext('Date.now')

/**
 * Calls once so many milliseconds have passed. It does not keep the process alive.
 * @param {number} ms
 * @param {() => void} act
 * @returns {() => void} calls it off
 */
function after(ms, act) {
  const socket = new Socket()
  // 0 would be no time-out at all.
  socket.setTimeout(Math.max(ms, 1), act)
  return () => socket.setTimeout(0)
}

module.exports = { now, after }
