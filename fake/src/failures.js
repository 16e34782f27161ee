'use strict'

const { checkScope, inScope } = require('./endpoints.js')
const { mayAnswer } = require('./errcode-places.js')
const { checkFailure, errcodeIn } = require('./failure-modes.js')

/** @import { FailOptions, Failure, FailureHandle, RecordedRequest } from '../index.js' */

/** The failures that are ordered and not used up, first come first served. */
function createFailures() {
  /** @type {{ what: Failure, options: FailOptions, used: number, left: number }[]} */
  let queue = []
  return {
    /**
     * @param {Failure} what
     * @param {FailOptions} [options]
     * @returns {FailureHandle}
     */
    add(what, options = {}) {
      checkFailure(what)
      checkScope(options.endpoint)
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
        ({ what, options: { endpoint, where }, left }) =>
          left > 0 && fits(what, endpoint, record.endpoint) && (where === undefined || where(record)),
      )
      if (entry === undefined) return undefined
      entry.used++
      entry.left--
      if (entry.left <= 0) queue = queue.filter((other) => other !== entry)
      return { what: entry.what, contentType: entry.options.contentType }
    },
  }
}

/**
 * @param {Failure} what
 * @param {FailOptions['endpoint']} scope
 * @param {RecordedRequest['endpoint']} endpoint
 */
function fits(what, scope, endpoint) {
  const errcode = errcodeIn(what)
  if (scope === undefined && errcode !== undefined) return mayAnswer(errcode, endpoint)
  return inScope(endpoint, scope)
}

module.exports = { createFailures }
