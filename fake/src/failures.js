'use strict'

const { checkScope, inScope } = require('./endpoints.js')
const { mayAnswer } = require('./errcode-places.js')
const { checkFailure, errcodeIn } = require('./failure-modes.js')

/** @import { FailOptions, Failure, FailureHandle, RecordedRequest } from '../index.js' */

/** The queue of injected failures that are not used up, oldest first. */
function createFailures() {
  /** @type {{ failure: Failure, options: FailOptions, used: number, left: number }[]} */
  let queue = []
  return {
    /**
     * @param {Failure} failure
     * @param {FailOptions} [options]
     * @returns {FailureHandle}
     */
    add(failure, options = {}) {
      checkFailure(failure)
      checkScope(options.endpoint)
      const entry = { failure, options, used: 0, left: options.times ?? 1 }
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
        ({ failure, options: { endpoint, where }, left }) =>
          left > 0 && fits(failure, endpoint, record.endpoint) && (where === undefined || where(record)),
      )
      if (entry === undefined) return undefined
      entry.used++
      entry.left--
      if (entry.left <= 0) queue = queue.filter((other) => other !== entry)
      return { failure: entry.failure, contentType: entry.options.contentType }
    },
  }
}

/**
 * @param {Failure} failure
 * @param {FailOptions['endpoint']} scope
 * @param {RecordedRequest['endpoint']} endpoint
 */
function fits(failure, scope, endpoint) {
  const errcode = errcodeIn(failure)
  if (scope === undefined && errcode !== undefined) return mayAnswer(errcode, endpoint)
  return inScope(endpoint, scope)
}

module.exports = { createFailures }
