'use strict'

const { context, ROOT_CONTEXT, SpanKind, trace } = require('@opentelemetry/api')
const {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_RESEND_COUNT,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_NETWORK_PROTOCOL_NAME,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} = require('@opentelemetry/semantic-conventions')
const { setFailure } = require('./failure')
const { ATTR_ABORTED, ATTR_APPID, ATTR_CONNECTION_REUSED, ATTR_ENDPOINT, ATTR_PURPOSE } = require('./names')
const { hrTimeOf } = require('./time')

/** @typedef {import('wxacode').AttemptMessage} Attempt */

const DEFAULT_PORTS = { http: 80, https: 443 }

/** The spans of requests to WeChat, and their histogram. */
class Attempts {
  #calls
  #tracer
  #instruments

  /**
   * @param {InstanceType<typeof import('./calls')['Calls']>} calls
   * @param {() => import('@opentelemetry/api').Tracer} tracer
   * @param {() => import('./metrics').Instruments} instruments
   */
  constructor(calls, tracer, instruments) {
    this.#calls = calls
    this.#tracer = tracer
    this.#instruments = instruments
  }

  /** @param {Attempt} attempt */
  record(attempt) {
    const { call, startTimeMs, durationMs } = attempt
    const endTimeMs = startTimeMs + durationMs
    // What no call waits for has no parent. A call from before this was enabled has no span, but its caller may have one.
    const parent = call ? (this.#calls.ran(call, startTimeMs, endTimeMs) ?? context.active()) : ROOT_CONTEXT
    const failure = failureOf(attempt)
    // Known at the start, so that a sampler sees them.
    const target = {
      [ATTR_HTTP_REQUEST_METHOD]: attempt.method,
      [ATTR_SERVER_ADDRESS]: attempt.host,
      [ATTR_SERVER_PORT]: attempt.port,
    }
    const span = this.#tracer().startSpan(
      attempt.method,
      {
        kind: SpanKind.CLIENT,
        startTime: hrTimeOf(startTimeMs),
        attributes: {
          ...target,
          [ATTR_URL_FULL]: urlOf(attempt),
          [ATTR_NETWORK_PROTOCOL_NAME]: 'http',
          [ATTR_HTTP_REQUEST_RESEND_COUNT]: attempt.resendCount || undefined,
          [ATTR_APPID]: call?.appid,
          [ATTR_ENDPOINT]: attempt.endpoint,
          [ATTR_PURPOSE]: attempt.purpose,
        },
      },
      parent,
    )
    span.setAttributes({
      [ATTR_HTTP_RESPONSE_STATUS_CODE]: attempt.status,
      // Of the conventions too, but not stable yet: the library has no constant for it.
      'http.response.body.size': attempt.bodyBytes,
      [ATTR_CONNECTION_REUSED]: attempt.connectionReused,
      [ATTR_ABORTED]: attempt.aborted,
    })
    if (failure) setFailure(span, failure)
    span.end(hrTimeOf(endTimeMs))

    const { requestDuration } = this.#instruments()
    requestDuration.record(
      durationMs / 1000,
      { ...target, [ATTR_HTTP_RESPONSE_STATUS_CODE]: attempt.status, [ATTR_ERROR_TYPE]: failure?.type },
      trace.setSpan(parent, span),
    )
  }
}

/**
 * WeChat refuses with status 200 and an errcode, so that says more than the status.
 *
 * @param {Attempt} attempt
 * @returns {import('./failure').Failure | undefined}
 */
function failureOf({ aborted, status = 0, code, errcode, rid, message }) {
  if (aborted || (code === undefined && status < 400)) return undefined
  const type = errcode === undefined ? (status >= 400 ? String(status) : String(code)) : String(errcode)
  return { type, errcode, rid, message }
}

/** Where it went, without the query, which has the token. @param {Attempt} attempt */
function urlOf({ scheme, host, port, path }) {
  const authority = host.includes(':') ? `[${host}]` : host
  return `${scheme}://${authority}${port === DEFAULT_PORTS[scheme] ? '' : `:${port}`}${path}`
}

module.exports = { Attempts }
