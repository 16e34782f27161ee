'use strict'

const { performance } = require('node:perf_hooks')

const MINUTE_MS = 60_000

// As it is when this is loaded: a test with fake timers would stop it.
const monotonic = performance.now.bind(performance)

/** So many turns in any minute. */
class SlidingWindow {
  #now
  /** Those of the last minute, the oldest first. @type {Set<{ at: number }>} */
  #turns = new Set()

  /**
   * @param {number} limit from 1 on; `Infinity` for any number
   * @param {() => number} [now] in milliseconds
   */
  constructor(limit, now = monotonic) {
    this.limit = limit
    this.#now = now
  }

  /** In how many milliseconds there is a turn: 0 where there is one. */
  wait() {
    const passed = this.#now() - MINUTE_MS
    for (const turn of this.#turns) {
      if (turn.at > passed) break
      this.#turns.delete(turn)
    }
    if (this.#turns.size < this.limit) return 0
    const [oldest] = this.#turns
    return oldest.at - passed
  }

  take() {
    const turn = { at: this.#now() }
    this.#turns.add(turn)
    return turn
  }

  /** @param {{ at: number }} turn that was not used */
  giveBack(turn) {
    this.#turns.delete(turn)
  }
}

module.exports = { SlidingWindow }
