'use strict'

const { types } = require('node:util')
const { bare, own } = require('./own')

/** @typedef {import('../index').Explanation} Explanation */

/**
 * @typedef {object} Failure an error as the addon gives it, or as a check in JavaScript makes it
 * @property {string} code
 * @property {string} message
 * @property {string} [endpoint]
 * @property {boolean} retryable
 * @property {Explanation} [explanation]
 * @property {number} [errcode]
 * @property {string} [errmsg]
 * @property {string} [scope]
 * @property {string} [rid]
 * @property {string} [hint]
 * @property {string} [param]
 * @property {number} [retryAfterMs]
 */

/** Of refusals that the next call gets too, whatever its parameters. */
const STOPPING = new Set(['account', 'configuration', 'ip', 'quota'])

class WxaCodeError extends Error {
  /**
   * @param {Failure} given
   * @param {Error} [cause]
   */
  constructor(given, cause) {
    const failure = bare(given)
    super(failure.message, cause && { cause })
    this.code = failure.code
    this.retryable = failure.retryable
    // What is not known is not there, so that a logged error shows no row of undefined.
    for (const field of /** @type {const} */ ([
      'endpoint',
      'errcode',
      'errmsg',
      'scope',
      'rid',
      'hint',
      'param',
      'retryAfterMs',
      'explanation',
    ])) {
      if (failure[field] !== undefined) Object.assign(this, { [field]: failure[field] })
    }
  }

  /** Computed, so that a logged error shows the scope alone. */
  get stopsBatch() {
    return this.code === 'ERR_WXA_CLOSED' || STOPPING.has(own(this, 'scope'))
  }
}

class WeChatAPIError extends WxaCodeError {}

class InvalidParamsError extends WxaCodeError {}

// On the prototype, as in built-in errors, so that a logged error does not show the name as a field.
for (const type of [WxaCodeError, WeChatAPIError, InvalidParamsError]) {
  Object.defineProperty(type.prototype, 'name', bare({ value: type.name, configurable: true, writable: true }))
}

/** @type {Record<string, typeof WxaCodeError>} */
const CLASSES = bare({ ERR_WXA_API: WeChatAPIError, ERR_WXA_PARAMS: InvalidParamsError })

/**
 * Converts a failure of the addon, with its causes, into an error with `cause`.
 *
 * @param {Array<Failure | { thrown: any }>} failures the failure, then what caused it, and so on; or what the caller's
 *   own token provider threw
 * @returns {Error}
 */
function toError([failure, ...causes]) {
  if (isThrown(failure)) return failure.thrown
  const Class = CLASSES[failure.code] ?? WxaCodeError
  return new Class(failure, causes.length > 0 ? toError(causes) : undefined)
}

/**
 * @param {Failure | { thrown: any }} failure
 * @returns {failure is { thrown: any }}
 */
const isThrown = (failure) => Object.hasOwn(failure, 'thrown')

/**
 * Whether something thrown is an error, of this realm or of another: in a test runner's sandbox Node's own are of another.
 *
 * @param {unknown} value
 * @returns {value is Error}
 */
const isError = (value) => types.isNativeError(value) || value instanceof Error

/**
 * A refusal of parameters or options that needs no addon.
 *
 * @param {{ endpoint?: string, param: string, errcode?: number, explanation: Explanation }} refusal
 */
function invalid(refusal) {
  const { endpoint, param, errcode, explanation } = bare(refusal)
  const { cause, fix } = explanation
  const where = endpoint === undefined ? '' : `${endpoint}: `
  const message = `${where}${cause.en}. ${fix.en}. | ${cause.zh}。${fix.zh}。`
  return new InvalidParamsError({
    code: 'ERR_WXA_PARAMS',
    message,
    endpoint,
    retryable: false,
    explanation,
    errcode,
    param,
  })
}

/**
 * A refusal of an argument that is something else than it has to be.
 *
 * @param {string} param
 * @param {{ zh: string, en: string }} wants
 * @param {string} [endpoint]
 */
const wrongArgument = (param, wants, endpoint) =>
  misuse(
    invalid({
      endpoint,
      param,
      explanation: {
        cause: { zh: `${param} 不是${wants.zh}`, en: `${param} is not ${wants.en}` },
        fix: { zh: `请传入${wants.zh}`, en: `Pass ${wants.en}` },
      },
    }),
  )

/**
 * Errors of the calling code, such as an unknown parameter: other values would not fix them.
 *
 * @type {WeakSet<object>}
 */
const misuses = new WeakSet()

/**
 * Marks an error as one of the code that calls. Beside the error, so that a log does not show it.
 *
 * @template {object} E
 * @param {E} error
 * @returns {E}
 */
function misuse(error) {
  misuses.add(error)
  return error
}

/** @param {object} error */
const isMisuse = (error) => misuses.has(error)

module.exports = {
  InvalidParamsError,
  WeChatAPIError,
  WxaCodeError,
  invalid,
  isError,
  isMisuse,
  misuse,
  toError,
  wrongArgument,
}
