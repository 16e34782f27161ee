import { CommanderError } from 'commander'
import { InvalidParamsError, WeChatAPIError, WxaCodeError } from 'wxacode'
import { Interrupted, UsageError } from './errors.js'
import { EXIT } from './exit-codes.js'
import { inColumns } from './flag-names.js'
import { usageOf } from './usage.js'

/** @import { Spelling } from './flag-names.js' */
/** @import { Language } from './language.js' */

/**
 * An error as it is shown: to people line by line, to programs as it is.
 *
 * @typedef {object} Failure
 * @property {string} code
 * @property {string} [endpoint]
 * @property {number} [errcode]
 * @property {string} [errmsg]
 * @property {string} [rid]
 * @property {string} [param]
 * @property {boolean} [retryable]
 * @property {string} cause
 * @property {string} [fix]
 * @property {string[]} [stack] of a bug of ours, line by line
 */

const OF_THE_NETWORK = new Set(['ERR_WXA_TIMEOUT', 'ERR_WXA_NETWORK', 'ERR_WXA_RESPONSE', 'ERR_WXA_REDIS'])

/** @param {unknown} error */
export const isNetworkFailure = (error) => error instanceof WxaCodeError && OF_THE_NETWORK.has(error.code)

/**
 * @param {unknown} error
 * @returns {number}
 */
export function exitCodeOf(error) {
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof UsageError || error instanceof InvalidParamsError || error instanceof CommanderError)
    return EXIT.usage
  if (error instanceof WeChatAPIError && error.stopsBatch) return EXIT.account
  return isNetworkFailure(error) ? EXIT.network : EXIT.failed
}

/**
 * @param {any} error
 * @param {Language} lang
 * @param {Spelling} [spelling] how its texts call parameters; that of a list unless it is said
 * @returns {Failure}
 */
export function failureOf(error, lang, spelling = inColumns) {
  if (error instanceof CommanderError) return failureOf(usageOf(error), lang)
  const { code, endpoint, errcode, errmsg, rid, param, retryable, explanation } = error
  // Texts of our own are spelt already.
  const known = explanation && error instanceof WxaCodeError ? spelling(explanation, { param }) : explanation
  const cause = known?.cause[lang] ?? errmsg ?? oneLine(error)
  const fix = known?.fix?.[lang] ?? (rid && lookUp(rid)[lang])
  const stack = known || errmsg !== undefined ? undefined : framesOf(error)
  const told = { code: code ?? error.name, endpoint, errcode, errmsg, rid, param, retryable, cause, fix, stack }
  return dropUndefined(told)
}

/** @param {string} rid */
const lookUp = (rid) => ({
  zh: `用 wxacode rid ${rid} 查看微信的记录`,
  en: `See what WeChat recorded about it: wxacode rid ${rid}`,
})

/**
 * What Node says of a file or a socket, or what was thrown.
 *
 * @param {any} error
 */
function oneLine(error) {
  if (!(error instanceof Error)) return String(error)
  return isOfTheSystem(error) ? error.message : `${error.name}: ${error.message}`
}

/**
 * Where a bug of ours is.
 *
 * @param {any} error
 */
function framesOf(error) {
  if (!(error instanceof Error) || isOfTheSystem(error)) return undefined
  return error.stack?.split('\n').filter((line) => /^ {4}at /.test(line))
}

/** @param {Error} error */
const isOfTheSystem = (error) => 'syscall' in error

/**
 * @template {object} T
 * @param {T} value
 * @returns {T}
 */
const dropUndefined = (value) =>
  /** @type {T} */ (Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)))
