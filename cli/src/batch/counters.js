/** @import { Failure } from '../failure.js' */

/** So many failed rows are remembered, for the contact sheet; the report has all. */
const REMEMBERED = 1000

/** @typedef {ReturnType<typeof createCounters>} Counters */

/**
 * How far a batch is.
 *
 * @param {number} total
 * @param {number} [perMinute] codes that may be asked for
 * @param {() => number} [now] milliseconds
 */
export function createCounters(total, perMinute = 5000, now = () => performance.now()) {
  let begun = now()
  let isAsking = false
  /** @type {Map<string, { count: number, failure: Failure }>} */
  const errors = new Map()
  /** @type {{ row: number, label: string, failure: Failure }[]} */
  const failures = []
  const counters = {
    total,
    written: 0,
    /** They were there already. */
    kept: 0,
    failed: 0,
    /** The first rows that failed. */
    failures,
    /** How often each code came, and the first failure that had it. */
    errors,
    get done() {
      return counters.written + counters.kept + counters.failed
    },
    /** Since the first code was asked for: looking at what is there already is quick, and says nothing of WeChat. */
    get seconds() {
      return (now() - begun) / 1000
    },
    ask() {
      if (!isAsking) begun = now()
      isAsking = true
    },
    /** Codes per second. */
    get rate() {
      return counters.seconds === 0 ? 0 : counters.written / counters.seconds
    },
    /**
     * Seconds to go if all goes on as it did, and no less than the minutes that the budget takes. Undefined as long as
     * no process knows.
     */
    get remaining() {
      if (counters.rate === 0) return undefined
      const left = total - counters.done
      const lastMinute = Math.ceil((counters.written + left) / perMinute) - 1
      return Math.max(left / counters.rate, lastMinute * 60 - counters.seconds)
    },
    /**
     * @param {Failure} failure
     * @param {{ row: number, label: string }} of
     */
    fail(failure, { row, label }) {
      counters.failed++
      if (failures.length < REMEMBERED) failures.push({ row, label, failure })
      const code = String(failure.errcode ?? failure.code)
      const known = errors.get(code)
      if (known) known.count++
      else errors.set(code, { count: 1, failure })
    },
  }
  return counters
}
