'use strict'

const { ATTR_ERROR_TYPE, METRIC_HTTP_CLIENT_REQUEST_DURATION } = require('@opentelemetry/semantic-conventions')
const { failureOf } = require('./failure')
const {
  ATTR_EVENT,
  ATTR_REASON,
  ATTR_TOKEN_SOURCE,
  METRIC_CALL_DURATION,
  METRIC_CALL_WAIT_DURATION,
  METRIC_EVENTS,
  METRIC_TOKEN_REFRESH_DURATION,
} = require('./names')

/** The boundaries that the semantic conventions want for durations of HTTP requests, in seconds. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** @typedef {ReturnType<typeof instrumentsOf>} Instruments */

/** @param {import('@opentelemetry/api').Meter} meter */
function instrumentsOf(meter) {
  const seconds = (/** @type {string} */ name, /** @type {string} */ description) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } })
  return {
    requestDuration: seconds(METRIC_HTTP_CLIENT_REQUEST_DURATION, 'Duration of HTTP client requests.'),
    callDuration: seconds(METRIC_CALL_DURATION, 'Duration of calls of wxacode.'),
    callWaitDuration: seconds(
      METRIC_CALL_WAIT_DURATION,
      'The part of a call during which none of its requests was under way.',
    ),
    tokenRefreshDuration: seconds(METRIC_TOKEN_REFRESH_DURATION, 'Duration of refreshes of the access token.'),
    events: meter.createCounter(METRIC_EVENTS, {
      description: 'Events of wxacode, other than requests and refreshes.',
      unit: '{event}',
    }),
  }
}

/**
 * Whether an event is about a refresh of the token, which is recorded when it ends.
 *
 * @param {Instruments} instruments
 * @param {import('wxacode').TokenEvent} event
 */
function recordRefresh({ tokenRefreshDuration }, event) {
  if (event.event === 'refresh.ok') {
    tokenRefreshDuration.record(event.durationMs / 1000, { [ATTR_TOKEN_SOURCE]: event.source })
  } else if (event.event === 'refresh.error') {
    tokenRefreshDuration.record(event.durationMs / 1000, { [ATTR_ERROR_TYPE]: failureOf(event).type })
  }
  return event.event.startsWith('refresh.')
}

/**
 * @param {Instruments} instruments
 * @param {{ event: string, reason?: string }} event
 */
function countEvent({ events }, { event, reason }) {
  events.add(1, { [ATTR_EVENT]: event, [ATTR_REASON]: reason })
}

module.exports = { countEvent, instrumentsOf, recordRefresh }
