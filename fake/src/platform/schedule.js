'use strict'

const { after } = require('../real-time.js')
const { pushTicket } = require('./events.js')

/** @import { Clock } from '../../index.js' */
/** @import { ServerState } from '../types.js' */

const PUSH_INTERVAL_MS = 600_000

/**
 * Acts every so many milliseconds of a clock that a test may move. Times that were skipped are not made up for.
 * @param {Clock} clock
 * @param {number} interval
 * @param {() => void} act
 */
function createSchedule(clock, interval, act) {
  let due = clock.now() + interval
  let cancel = () => {}

  function check() {
    cancel()
    const now = clock.now()
    const isDue = now >= due
    // A clock that was set back must not wait for a time that is far away by now.
    if (isDue || due > now + interval) due = now + interval
    cancel = after(due - now, check)
    if (isDue) act()
  }

  check()
  return { check, stop: () => cancel() }
}

/**
 * Pushes the tickets of platforms that are set to that.
 * @param {ServerState} state
 */
function createAutomaticPushes(state) {
  const schedules = state.platforms.map((platform) =>
    createSchedule(state.clock, PUSH_INTERVAL_MS, () => {
      if (!platform.platform.automaticPushes || platform.isStopped) return
      // Its record tells the test of a push without an answer.
      pushTicket(platform, state).catch(() => {})
    }),
  )
  return {
    /** To be called when the clock was moved. */
    check() {
      for (const { check } of schedules) check()
    },
    stop() {
      for (const { stop } of schedules) stop()
    },
  }
}

module.exports = { createAutomaticPushes }
