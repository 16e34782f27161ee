'use strict'

const { performance } = require('node:perf_hooks')

const MINUTE_MS = 60_000

// As it is when this is loaded: a test with fake timers would stop it.
const monotonic = performance.now.bind(performance)

/** So many permits in any minute. */
class SlidingWindow {
  #now
  /** Those of the last minute, the oldest first. @type {Set<{ at: number }>} */
  #permits = new Set()

  /**
   * @param {number} limit from 1 on; `Infinity` for any number
   * @param {() => number} [now] in milliseconds
   */
  constructor(limit, now = monotonic) {
    this.limit = limit
    this.#now = now
  }

  /** In how many milliseconds there is a permit: 0 where there is one. */
  wait() {
    const passed = this.#now() - MINUTE_MS
    for (const permit of this.#permits) {
      if (permit.at > passed) break
      this.#permits.delete(permit)
    }
    if (this.#permits.size < this.limit) return 0
    const [oldest] = this.#permits
    return oldest.at - passed
  }

  acquire() {
    const permit = { at: this.#now() }
    this.#permits.add(permit)
    return permit
  }

  /** @param {{ at: number }} permit that was not used */
  release(permit) {
    this.#permits.delete(permit)
  }
}

module.exports = { SlidingWindow }
