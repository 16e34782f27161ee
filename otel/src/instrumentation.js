'use strict'

const { subscribe, unsubscribe } = require('node:diagnostics_channel')
const { InstrumentationBase } = require('@opentelemetry/instrumentation')
const { Attempts } = require('./attempts')
const { Calls } = require('./calls')
const { countEvent, instrumentsOf, recordRefresh } = require('./metrics')
const { name, version } = require('../package.json')

/** @typedef {import('@opentelemetry/instrumentation').InstrumentationConfig} Config */
/** @typedef {(message: any) => void} Handler */

/** @extends {InstrumentationBase<Config>} */
class WxaCodeInstrumentation extends InstrumentationBase {
  /** What is subscribed to while it is enabled, by channel. @type {Map<string, Handler>} */
  #subscriptions = new Map()

  /** @param {Config} [config] */
  constructor(config = {}) {
    // The base class would enable it before it has its own fields.
    super(name, version, { ...config, enabled: false })
    this.setConfig(config)
    if (this.getConfig().enabled) this.enable()
  }

  /** There is no module to patch: wxacode publishes what it does. */
  init() {
    return undefined
  }

  enable() {
    super.enable()
    if (this.#subscriptions.size > 0) return
    const tracer = () => this.tracer
    const instruments = () => /** @type {import('./metrics').Instruments} */ (this._instruments)
    const calls = new Calls(tracer, instruments)
    const attempts = new Attempts(calls, tracer, instruments)
    this.#subscribe('tracing:wxacode:call:start', (call) => calls.start(call))
    this.#subscribe('tracing:wxacode:call:end', (call) => calls.endOfSynchronousPart(call))
    this.#subscribe('tracing:wxacode:call:asyncEnd', (call) => calls.end(call))
    this.#subscribe('wxacode:attempt', (attempt) => attempts.record(attempt))
    this.#subscribe('wxacode:token', (event) => {
      if (!recordRefresh(instruments(), event)) countEvent(instruments(), event)
    })
    this.#subscribe('wxacode:request', (event) => {
      // `wxacode:attempt` has the requests.
      if (event.event === 'rate_limit.exceeded') countEvent(instruments(), event)
    })
    this.#subscribe('wxacode:redis', (event) => countEvent(instruments(), event))
    this.#subscribe('wxacode:cache', (event) => countEvent(instruments(), event))
    this.#subscribe('wxacode:platform', (event) => countEvent(instruments(), event))
  }

  disable() {
    super.disable()
    for (const [channel, handler] of this.#subscriptions) unsubscribe(channel, handler)
    this.#subscriptions.clear()
  }

  /** By the base class, in its constructor too, and whenever the meter is another one. */
  _updateMetricInstruments() {
    this._instruments = instrumentsOf(this.meter)
  }

  /**
   * @param {string} channel
   * @param {Handler} handle
   */
  #subscribe(channel, handle) {
    /** @type {Handler} */
    const handler = (message) => {
      try {
        handle(message)
      } catch (error) {
        // Thrown from here it would be an uncaught exception of the process.
        this._diag.error(`a message of ${channel} was not recorded`, error)
      }
    }
    subscribe(channel, handler)
    this.#subscriptions.set(channel, handler)
  }
}

module.exports = { WxaCodeInstrumentation }
