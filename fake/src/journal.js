'use strict'

const { checkScope, inScope } = require('./endpoints.js')

/** @import { EndpointScope, RecordedRequest } from '../index.js' */

/**
 * @typedef {object} Waiter
 * @property {() => boolean} isOver
 * @property {() => void} resolve
 * @property {(reason: Error) => void} reject
 */

/**
 * What has come in: the latest requests themselves, exact counts of all, and who waits for them.
 * @param {number} keep
 */
function createJournal(keep) {
  /** @type {RecordedRequest[]} */
  const requests = []
  /** @type {Map<RecordedRequest['endpoint'], number>} */
  const counts = new Map()
  /** @type {Waiter[]} */
  let waiters = []
  let open = 0

  /** @param {EndpointScope} [scope] */
  function count(scope) {
    checkScope(scope)
    let sum = 0
    for (const [endpoint, arrivals] of counts) {
      if (scope === undefined || inScope(endpoint, scope)) sum += arrivals
    }
    return sum
  }

  /**
   * @param {() => boolean} isOver
   * @returns {Promise<void>}
   */
  function until(isOver) {
    return new Promise((resolve, reject) => {
      waiters.push({ isOver, resolve, reject })
      wake()
    })
  }

  function wake() {
    if (waiters.length === 0) return
    const over = waiters.filter((waiter) => waiter.isOver())
    waiters = waiters.filter((waiter) => !over.includes(waiter))
    for (const { resolve } of over) resolve()
  }

  return {
    requests,
    count,
    until,
    get open() {
      return open
    },
    opened() {
      open++
    },
    /** @param {RecordedRequest} record */
    arrived(record) {
      counts.set(record.endpoint, (counts.get(record.endpoint) ?? 0) + 1)
      requests.push(record)
      if (requests.length > keep) requests.shift()
      wake()
    },
    completed() {
      open--
      wake()
    },
    close() {
      for (const { reject } of waiters) reject(new Error('the fake WeChat was closed before that happened'))
      waiters = []
    },
  }
}

module.exports = { createJournal }
