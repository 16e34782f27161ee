'use strict'

/** @import { Clock } from '../index.js' */

const SECOND = 1
const MINUTE = 60
const DAY = 86_400
const MONTH = 30 * DAY
const FOR_EVER = Number.POSITIVE_INFINITY

/**
 * So many calls in so many seconds. A window opens with its first call, not with the calendar's minute or day, so that
 * a test never fails because midnight passed under it. Refused calls do not count.
 * @param {Clock} clock
 * @param {number} limit
 * @param {number} seconds
 * @param {number} errcode what WeChat answers when it is spent
 */
function createQuota(clock, limit, seconds, errcode) {
  /** @type {number | undefined} */
  let opened
  let used = 0
  const isOver = () => opened === undefined || clock.now() >= opened + seconds * 1000
  return {
    limit,
    seconds,
    get used() {
      return isOver() ? 0 : used
    },
    /** @returns {number} 0 for a call that is still inside the quota, else the errcode */
    take() {
      if (isOver()) {
        opened = clock.now()
        used = 0
      }
      if (used >= limit) return errcode
      used++
      return 0
    },
    reset() {
      used = 0
    },
  }
}

module.exports = { SECOND, MINUTE, DAY, MONTH, FOR_EVER, createQuota }
