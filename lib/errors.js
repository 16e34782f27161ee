'use strict'

const { types } = require('node:util')
const { docsOf } = require('./docs')
const { inLanguage, messageOf } = require('./language')
const { nullProtoCopy, omitUndefined, safeGet } = require('./safe-object')

/** @typedef {import('../index').Explanation} Explanation */
/** @typedef {import('./language').Language} Language */
/** @typedef {import('./language').Message} Message */

/**
 * @typedef {object} Failure an error as the addon gives it, or as a check in JavaScript makes it
 * @property {string} code
 * @property {Message} message
 * @property {string} [endpoint]
 * @property {boolean} retryable
 * @property {Explanation} [explanation]
 * @property {number} [errcode]
 * @property {boolean} [isListed] whether the documents have a section about the errcode
 * @property {string} [errmsg]
 * @property {string} [scope]
 * @property {string} [rid]
 * @property {string} [hint]
 * @property {string} [param]
 * @property {string} [reason]
 * @property {number} [retryAfterMs]
 */

/** Of refusals that the next call gets too, whatever its parameters. */
const STOPPING = new Set(['account', 'configuration', 'ip', 'quota'])

/** What an error has of a failure, where it is known. */
const FIELDS = /** @type {const} */ ([
  'endpoint',
  'errcode',
  'errmsg',
  'scope',
  'rid',
  'hint',
  'param',
  'reason',
  'retryAfterMs',
])

class WxaCodeError extends Error {
  /**
   * @param {Failure} given
   * @param {Language} [lang] of the client
   * @param {Error} [cause]
   */
  constructor(given, lang, cause) {
    const failure = nullProtoCopy(given)
    super(inLanguage(failure.message, lang), cause && { cause })
    this.code = failure.code
    this.retryable = failure.retryable
    // What is not known is not there, so that a logged error shows no row of undefined.
    for (const field of FIELDS) {
      if (failure[field] !== undefined) Object.assign(this, { [field]: failure[field] })
    }
    const { explanation, errcode, isListed } = failure
    if (explanation === undefined) return
    const docs = isListed && errcode !== undefined ? { docs: docsOf(errcode) } : undefined
    // Not enumerable: the message says the same, and a logged error would say it again in both languages.
    const value = { ...explanation, ...docs }
    Object.defineProperty(this, 'explanation', nullProtoCopy({ value, configurable: true, writable: true }))
  }

  /** What JSON.stringify writes: the message and the explanation too, and a cause that is an error of this package. */
  toJSON() {
    const { name, message } = this
    const fields = /** @type {object} */ ({ ...this })
    const [explanation, cause] = [safeGet(this, 'explanation'), safeGet(this, 'cause')]
    return omitUndefined({ name, message, ...fields, explanation, cause: isOurs(cause) ? cause : undefined })
  }

  /** Computed, so that a logged error shows the scope alone. */
  get stopsBatch() {
    return this.code === 'ERR_WXA_CLOSED' || STOPPING.has(safeGet(this, 'scope'))
  }
}

class WeChatAPIError extends WxaCodeError {}

class InvalidParamsError extends WxaCodeError {}

class InvalidPushError extends WxaCodeError {}

/** @param {unknown} error */
const isOurs = (error) => error instanceof WxaCodeError

// On the prototype, as in built-in errors, so that a logged error does not show the name as a field.
for (const type of [WxaCodeError, WeChatAPIError, InvalidParamsError, InvalidPushError]) {
  Object.defineProperty(type.prototype, 'name', nullProtoCopy({ value: type.name, configurable: true, writable: true }))
}

/** @type {Record<string, typeof WxaCodeError>} */
const CLASSES = nullProtoCopy({
  ERR_WXA_API: WeChatAPIError,
  ERR_WXA_PARAMS: InvalidParamsError,
  ERR_WXA_PUSH: InvalidPushError,
})

/**
 * Converts a failure of the addon, with its causes, into an error with `cause`.
 *
 * @param {Array<Failure | { thrown: any }>} failures the failure, then what caused it, and so on; or what the caller's
 *   own token provider threw
 * @param {Language} [lang] of the client
 * @returns {Error}
 */
function toError([failure, ...causes], lang) {
  if (isThrown(failure)) return failure.thrown
  const Class = CLASSES[failure.code] ?? WxaCodeError
  return new Class(failure, lang, causes.length > 0 ? toError(causes, lang) : undefined)
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
 * @param {object} refusal
 * @param {string} [refusal.endpoint]
 * @param {string} refusal.param
 * @param {number} [refusal.errcode]
 * @param {boolean} [refusal.isListed] false for an errcode that is not of the catalogue
 * @param {Explanation} refusal.explanation
 * @param {Language} [lang] of the client
 */
function invalid(refusal, lang) {
  const { endpoint, param, errcode, isListed = true, explanation } = nullProtoCopy(refusal)
  const failure = { code: 'ERR_WXA_PARAMS', endpoint, retryable: false, explanation, errcode, isListed, param }
  return new InvalidParamsError({ ...failure, message: messageOf(endpoint, explanation) }, lang)
}

/**
 * A refusal of a push that needs no addon.
 *
 * @param {{ reason: string, explanation: Explanation }} refusal
 * @param {Language} [lang] of the platform
 */
function refusedPush(refusal, lang) {
  const message = messageOf(undefined, refusal.explanation)
  return new InvalidPushError({ code: 'ERR_WXA_PUSH', retryable: false, message, ...refusal }, lang)
}

/**
 * A call over a limit that JavaScript counts.
 *
 * @param {{ endpoint: string, retryAfterMs: number, explanation: Explanation }} refusal
 * @param {Language} [lang] of the client
 */
function rateLimited(refusal, lang) {
  const message = messageOf(refusal.endpoint, refusal.explanation)
  return new WxaCodeError({ code: 'ERR_WXA_RATE_LIMIT', retryable: true, message, ...refusal }, lang)
}

/**
 * A refusal of an argument that is something else than it has to be.
 *
 * @param {string} param
 * @param {{ zh: string, en: string }} wants
 * @param {string} [endpoint]
 * @param {Language} [lang] of the client
 */
const wrongArgument = (param, wants, endpoint, lang) =>
  misuse(
    invalid(
      {
        endpoint,
        param,
        explanation: {
          cause: { zh: `${param} 不是${wants.zh}`, en: `${param} is not ${wants.en}` },
          fix: { zh: `传入${wants.zh}`, en: `Pass ${wants.en}` },
        },
      },
      lang,
    ),
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
  InvalidPushError,
  WeChatAPIError,
  WxaCodeError,
  invalid,
  isError,
  isMisuse,
  misuse,
  rateLimited,
  refusedPush,
  toError,
  wrongArgument,
}
