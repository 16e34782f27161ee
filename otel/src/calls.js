'use strict'

const { performance } = require('node:perf_hooks')
const { context, propagation, SpanKind, trace } = require('@opentelemetry/api')
const { ATTR_ERROR_TYPE } = require('@opentelemetry/semantic-conventions')
const { failureOf, setFailure } = require('./failure')
const { ATTR_ABORTED, ATTR_APPID, ATTR_COMPONENT_APPID, ATTR_METHOD, ATTR_PATH, ATTR_SOURCE } = require('./names')
const { hrTimeOf, lengthOf } = require('./time')

/** @typedef {import('wxacode').CallContext} Call */

/**
 * What is known of a call: its span, the context in which that is active, when it began by the wall clock and by the
 * monotonic one, and from when to when its requests ran.
 *
 * @typedef {{
 *   span: import('@opentelemetry/api').Span,
 *   context: import('@opentelemetry/api').Context,
 *   startMs: number,
 *   begun: number,
 *   requests: [start: number, end: number][],
 * }} Started
 */

/** The span of each call, and the histograms of calls. */
class Calls {
  #tracer
  #instruments
  /** By the object that all messages of a call share. @type {WeakMap<Call, Started>} */
  #started = new WeakMap()

  /**
   * @param {() => import('@opentelemetry/api').Tracer} tracer
   * @param {() => import('./metrics').Instruments} instruments
   */
  constructor(tracer, instruments) {
    this.#tracer = tracer
    this.#instruments = instruments
  }

  /** @param {Call} call */
  start(call) {
    // The message comes in the caller's own context.
    const parent = context.active()
    const startMs = Date.now()
    const span = this.#tracer().startSpan(
      `wxacode ${call.method}`,
      {
        kind: SpanKind.INTERNAL,
        startTime: hrTimeOf(startMs),
        attributes: {
          [ATTR_METHOD]: call.method,
          [ATTR_APPID]: call.appid,
          [ATTR_COMPONENT_APPID]: call.componentAppid,
          [ATTR_PATH]: call.path,
        },
      },
      parent,
    )
    const ofCall = trace.setSpan(parent, span)
    /** @type {{ traceparent?: string }} */
    const headers = {}
    propagation.inject(ofCall, headers)
    // For gateways that the client propagates it to; the addon sends the requests before they have spans of their own.
    if (headers.traceparent !== undefined) call.traceparent = headers.traceparent
    this.#started.set(call, { span, context: ofCall, startMs, begun: performance.now(), requests: [] })
  }

  /** A call that threw at once has no asynchronous part. @param {Call} call */
  endOfSynchronousPart(call) {
    if ('error' in call) this.end(call)
  }

  /** @param {Call} call */
  end(call) {
    const started = this.#started.get(call)
    if (!started) return
    const { span, startMs, begun, requests } = started
    const durationMs = performance.now() - begun
    if (call.source !== undefined) span.setAttribute(ATTR_SOURCE, call.source)
    const failure = 'error' in call ? failureOf(call.error) : undefined
    if (call.aborted) span.setAttribute(ATTR_ABORTED, true)
    if (failure) setFailure(span, failure)
    // The start is in whole milliseconds, rounded down. The span must not end before that of its last request.
    span.end(hrTimeOf(Math.max(startMs + durationMs, ...requests.map(([, end]) => end))))

    const attributes = {
      [ATTR_METHOD]: call.method,
      [ATTR_SOURCE]: call.source,
      [ATTR_ABORTED]: call.aborted,
      [ATTR_ERROR_TYPE]: failure?.type,
    }
    const { callDuration, callWaitDuration } = this.#instruments()
    callDuration.record(durationMs / 1000, attributes, started.context)
    const waitMs = Math.max(0, durationMs - lengthOf(requests))
    callWaitDuration.record(waitMs / 1000, { [ATTR_METHOD]: call.method }, started.context)
  }

  /**
   * That a request of this call ran. Returns the context of the call, unless it began before there was a subscriber.
   *
   * @param {Call} call
   * @param {number} startMs since 1970
   * @param {number} endMs since 1970
   */
  ran(call, startMs, endMs) {
    const started = this.#started.get(call)
    started?.requests.push([startMs, endMs])
    return started?.context
  }
}

module.exports = { Calls }
