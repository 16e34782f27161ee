'use strict'

/**
 * Calls and their requests on `node:diagnostics_channel`, for those who trace them. A call is traced if somebody subscribes when
 * it begins; of another one nothing is made.
 */

const { AsyncLocalStorage } = require('node:async_hooks')
const { channel } = require('node:diagnostics_channel')
const { afterLoad } = require('./after-load')
const { nullProtoCopy } = require('./safe-object')

/** Those of `tracingChannel('wxacode:call')`. */
const start = channel('tracing:wxacode:call:start')
const end = channel('tracing:wxacode:call:end')
const asyncStart = channel('tracing:wxacode:call:asyncStart')
const asyncEnd = channel('tracing:wxacode:call:asyncEnd')
const error = channel('tracing:wxacode:call:error')
const attempt = channel('wxacode:attempt')

const isTracing = () =>
  start.hasSubscribers ||
  end.hasSubscribers ||
  asyncStart.hasSubscribers ||
  asyncEnd.hasSubscribers ||
  error.hasSubscribers ||
  attempt.hasSubscribers

/** @typedef {import('../index').CallContext} CallContext */

/**
 * What is traced of a method.
 *
 * @typedef {object} Traced
 * @property {string | ((first: unknown) => string | undefined)} [path] at WeChat, or how it follows from the first argument
 * @property {boolean} [isCode] whether the method gives the picture of a code
 * @property {boolean} [hidesResult] whether what the method gives is a secret, or may hold one: there is no `result` then
 */

/** @typedef {{ appid: string, componentAppid?: string }} Account */

/** As W3C's Trace Context has it, of any version. */
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/

/** Runs a function in the context of no call: that in which this package was loaded. @type {Trace['run']} */
let outside
afterLoad(() => {
  outside = AsyncLocalStorage.snapshot()
})

/** The call whose method runs its first, synchronous part. @type {Trace | undefined} */
let current

/** The calls of which the addon may still tell, by number. @type {Map<number, Trace>} */
const traces = new Map()

/** A call that is traced. */
class Trace {
  isAborted = false
  /** Runs a function in the async context of the caller. */
  run = AsyncLocalStorage.snapshot()

  /**
   * @param {CallContext} context
   * @param {boolean} isCode
   */
  constructor(context, isCode) {
    this.context = context
    this.isCode = isCode
  }

  /** What a subscriber of `start` gives the requests of this call as their parent; a tracer's mistake is no reason to fail. */
  get traceparent() {
    const given = Object.hasOwn(this.context, 'traceparent') ? this.context.traceparent : undefined
    return typeof given === 'string' && TRACEPARENT.test(given) ? given : undefined
  }

  /**
   * The addon has the call, and tells of it from now on, unless it had the value at once.
   *
   * @param {number} call
   * @param {boolean} hasEnded
   */
  begun(call, hasEnded) {
    if (!hasEnded) traces.set(call, this)
    else if (this.isCode) this.context.source = 'memory'
  }

  /** The caller's own signal has ended the call. */
  abort() {
    this.isAborted = true
  }
}

/** The trace of the call that begins here, if it is traced. */
const beginning = () => current

/**
 * Traces the methods of a class, each of which returns a promise and begins at most one call, in its first, synchronous part.
 *
 * @param {{ prototype: any }} Class
 * @param {Record<string, Traced>} methods by name
 * @param {(self: any) => Account | undefined} accountOf whose call it is; undefined for a `self` of another class
 */
function traceMethods(Class, methods, accountOf) {
  for (const method of Object.keys(methods)) {
    const untraced = Class.prototype[method]
    const how = { method, ...methods[method] }
    const either = {
      /**
       * @param {unknown} first
       * @param {unknown} second
       */
      [method](first, second) {
        const account = isTracing() && Object(this) === this ? accountOf(this) : undefined
        if (account === undefined) return untraced.call(this, first, second)
        return trace(how, account, () => untraced.call(this, first, second), first)
      },
    }[method]
    Object.defineProperty(either, 'length', { value: untraced.length, configurable: true })
    Object.defineProperty(Class.prototype, method, { value: either, writable: true, configurable: true })
  }
}

/**
 * Runs a call of its own, traced if somebody subscribes.
 *
 * @template T
 * @param {Traced & { method: string }} how
 * @param {Account} account
 * @param {() => Promise<T>} run
 * @returns {Promise<T>}
 */
const traced = (how, account, run) => (isTracing() ? trace(how, account, run) : run())

/**
 * As `TracingChannel.tracePromise` does, save that a call which its caller has aborted is no error.
 *
 * @template T
 * @param {Traced & { method: string }} how
 * @param {Account} account
 * @param {() => Promise<T>} run
 * @param {unknown} [first] argument of the method
 * @returns {Promise<T>}
 */
function trace(how, account, run, first) {
  const { method, path, isCode = false, hidesResult = false } = nullProtoCopy(how)
  /** @type {CallContext} */
  const context = { method, ...account }
  const toPath = typeof path === 'function' ? path(first) : path
  if (toPath !== undefined) context.path = toPath
  return start.runStores(context, () => {
    const own = new Trace(context, isCode)
    const outer = current
    current = own
    const settled = () => {
      asyncStart.publish(context)
      asyncEnd.publish(context)
    }
    try {
      return run().then(
        (result) => {
          if (!hidesResult) context.result = result
          settled()
          return result
        },
        (thrown) => {
          if (own.isAborted) {
            context.aborted = true
          } else {
            context.error = thrown
            error.publish(context)
          }
          settled()
          throw thrown
        },
      )
    } finally {
      current = outer
      end.publish(context)
    }
  })
}

/** @param {import('../binding').NativeAttempt} told */
function publishAttempt({ call, ...message }) {
  const own = traces.get(call)
  if (own === undefined) attempt.publish(message)
  else own.run(() => attempt.publish({ call: own.context, ...message }))
}

/** @param {import('../binding').FoundSource} found */
function setSource({ call, source }) {
  const own = traces.get(call)
  if (own !== undefined) own.context.source = /** @type {CallContext['source']} */ (source)
}

/** @param {number} call of which the addon tells nothing more */
function release(call) {
  traces.delete(call)
}

/**
 * Runs a function in the async context of the traced call with this number, or of no call.
 *
 * @template T
 * @param {number} call 0 for no call
 * @param {() => T} work
 * @returns {T}
 */
const inContextOf = (call, work) => (traces.get(call)?.run ?? outside)(work)

module.exports = { beginning, inContextOf, publishAttempt, release, setSource, traceMethods, traced }
