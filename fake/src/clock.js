'use strict'

const realTime = require('./real-time.js')

/** @import { Clock } from '../index.js' */

/**
 * Real time plus an offset: it runs by itself, and a test moves it instead of waiting. A faked `Date` does not move it: what
 * a client holds is as old as it really is, and tokens of 1970 would all be dead once the timers are real again.
 * @param {() => void} onMoved is called when a test has moved it
 * @returns {Clock}
 */
function createClock(onMoved) {
  let offset = 0
  return {
    now: () => realTime.now() + offset,
    advance(seconds) {
      offset += seconds * 1000
      onMoved()
    },
    set(time) {
      offset = Number(time) - realTime.now()
      onMoved()
    },
  }
}

module.exports = { createClock }
