'use strict'

const { SpanStatusCode } = require('@opentelemetry/api')
const { ATTR_ERROR_TYPE, ERROR_TYPE_VALUE_OTHER } = require('@opentelemetry/semantic-conventions')
const { ATTR_ERRCODE, ATTR_RID } = require('./names')

/**
 * What failed, as attributes and status have it.
 *
 * @typedef {{ type: string, errcode?: number, rid?: string, message?: string }} Failure
 */

/**
 * Of what a call was rejected with. Not only errors of wxacode: a token function throws what it likes, and what its message
 * tells is not known.
 *
 * @param {unknown} error
 * @returns {Failure}
 */
function failureOf(error) {
  const { code, errcode, rid, message, name } = Object(error)
  if (code === 'ERR_WXA_API') return { type: String(errcode), errcode, rid, message }
  if (typeof code === 'string' && code.startsWith('ERR_WXA_')) return { type: code, message }
  return { type: typeof name === 'string' && name !== '' ? name : ERROR_TYPE_VALUE_OTHER }
}

/** @param {Failure} failure */
function attributesOf({ type, errcode, rid }) {
  return { [ATTR_ERROR_TYPE]: type, [ATTR_ERRCODE]: errcode, [ATTR_RID]: rid }
}

/**
 * @param {import('@opentelemetry/api').Span} span
 * @param {Failure} failure
 */
function setFailure(span, failure) {
  span.setAttributes(attributesOf(failure))
  span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message })
}

module.exports = { failureOf, setFailure }
