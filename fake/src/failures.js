import { inScope } from './endpoints.js'

/** @import { FailOptions, Failure, FailureHandle, RecordedRequest } from '../index.js' */

/** The failures that are ordered and not used up, first come first served. */
export function createFailures() {
  /** @type {{ what: Failure, options: FailOptions, used: number, left: number }[]} */
  let queue = []
  return {
    /**
     * @param {Failure} what
     * @param {FailOptions} [options]
     * @returns {FailureHandle}
     */
    add(what, options = {}) {
      const entry = { what, options, used: 0, left: options.times ?? 1 }
      queue.push(entry)
      return {
        get used() {
          return entry.used
        },
        stop() {
          queue = queue.filter((other) => other !== entry)
        },
      }
    },
    /** @param {RecordedRequest} record */
    take(record) {
      const entry = queue.find(
        ({ options: { endpoint, where }, left }) =>
          left > 0 && inScope(record.endpoint, endpoint) && (where === undefined || where(record)),
      )
      if (entry === undefined) return undefined
      entry.used++
      entry.left--
      if (entry.left <= 0) queue = queue.filter((other) => other !== entry)
      return { what: entry.what, contentType: entry.options.contentType }
    },
  }
}
