'use strict'

/** `from` of the error classes: the error of a call without the call, for tests whose client is a mock. */

const native = require('./native')
const { check } = require('./check')
const { endpoints } = require('./endpoints')
const {
  InvalidParamsError,
  InvalidPushError,
  WeChatAPIError,
  WxaCodeError,
  invalid,
  misuse,
  toError,
  wrongArgument,
} = require('./errors')
const { excerpt } = require('./excerpt')
const { endpointLabel } = require('./path')
const { nullProtoCopy, safeGet } = require('./safe-object')
const { mostSimilar } = require('./similar')
const { validate } = require('./validate')

/** @typedef {import('../index').WxaErrorCode} WxaErrorCode */
/** @typedef {{ zh: string, en: string }} Text */

const NO_OPTIONS = Object.freeze(nullProtoCopy({}))

const AN_ERRCODE = { zh: '非 0 的整数，如 41030', en: 'a whole number other than 0, such as 41030' }

/** The codes of errors that have no class of their own. */
const CODES = [
  'ERR_WXA_TIMEOUT',
  'ERR_WXA_NETWORK',
  'ERR_WXA_RESPONSE',
  'ERR_WXA_REDIS',
  'ERR_WXA_RATE_LIMIT',
  'ERR_WXA_TICKET',
  'ERR_WXA_STORE',
  'ERR_WXA_CLOSED',
]

/** How to get the other errors. @type {Record<string, Text>} */
const ELSEWHERE = nullProtoCopy({
  ERR_WXA_API: { zh: '改用 WeChatAPIError.from(errcode)', en: 'Use WeChatAPIError.from(errcode)' },
  ERR_WXA_PARAMS: {
    zh: '改用 InvalidParamsError.from(kind, params)',
    en: 'Use InvalidParamsError.from(kind, params)',
  },
  ERR_WXA_PUSH: {
    zh: '把无效的推送传给 platform.receivePush()',
    en: 'Pass an invalid push to platform.receivePush()',
  },
})

/**
 * @param {number} errcode
 * @param {import('../index').WeChatAPIErrorOptions} [options]
 */
function weChatAPIErrorFrom(errcode, options = NO_OPTIONS) {
  if (!Number.isSafeInteger(errcode) || errcode === 0) throw wrongArgument('errcode', AN_ERRCODE)
  const { lang, ...given } = validate('madeRefusal', options)
  const failure = isPlausible(given.endpoint) && native.makeRefusal(errcode, given)
  if (!failure) throw unknownEndpoint(given.endpoint, lang)
  return toError([failure], lang)
}

/**
 * @param {import('../index').BatchJob['kind']} kind
 * @param {unknown} params
 */
function invalidParamsErrorFrom(kind, params) {
  const error = check(kind, params)
  if (error) return error
  throw misused('params', VALID, {
    zh: "传入无效的参数，如 { scene: '' }",
    en: "Pass invalid ones, such as { scene: '' }",
  })
}

const VALID = { zh: '这些参数有效，调用不会因此失败', en: 'these parameters are valid: no call fails because of them' }

/**
 * @param {WxaErrorCode} code
 * @param {import('../index').WxaCodeErrorOptions} [options]
 */
function wxaCodeErrorFrom(code, options = NO_OPTIONS) {
  if (!CODES.includes(code)) throw wrongCode(code)
  const { lang, endpoint, retryAfterMs } = validate('madeFailure', options)
  const failure = isPlausible(endpoint) && native.makeFailure(code, endpoint, retryAfterMs)
  if (!failure) throw unknownEndpoint(endpoint, lang)
  if (endpoint !== undefined && safeGet(failure, 'endpoint') === undefined) throw misplaced('endpoint', code)
  if (retryAfterMs !== undefined && safeGet(failure, 'retryAfterMs') === undefined)
    throw misplaced('retryAfterMs', code)
  return toError([failure], lang)
}

function invalidPushErrorFrom() {
  throw wrongCode('ERR_WXA_PUSH')
}

/** @param {string | undefined} endpoint */
const isPlausible = (endpoint) => !endpoint?.startsWith('/') || endpointLabel(endpoint) === endpoint

/** @param {unknown} code */
function wrongCode(code) {
  const cause =
    typeof code === 'string'
      ? {
          zh: `WxaCodeError.from 不能生成 code 为“${excerpt(code)}”的错误`,
          en: `WxaCodeError.from makes no error with the code “${excerpt(code)}”`,
        }
      : { zh: 'code 不是字符串', en: 'code is not a string' }
  const meant = typeof code === 'number' ? 'ERR_WXA_API' : code
  const elsewhere = typeof meant === 'string' ? ELSEWHERE[meant] : undefined
  const list = CODES.join(', ')
  return misused('code', cause, elsewhere ?? { zh: `可用的 code：${list}`, en: `Allowed codes: ${list}` })
}

/**
 * @param {string} endpoint
 * @param {import('./language').Language} [lang]
 */
function unknownEndpoint(endpoint, lang) {
  const names = endpoints.map(({ name }) => name)
  const similar = mostSimilar(endpoint, names, (name) => name.toLowerCase())
  const fix = similar
    ? { zh: `改为 ${similar}`, en: `Use ${similar} instead` }
    : {
        zh: "传入方法名（如 'getUnlimitedQRCode'）、'stable_token' 或路径（如 '/wxa/getwxacode'）",
        en: "Pass a method ('getUnlimitedQRCode'), 'stable_token' or a path ('/wxa/getwxacode')",
      }
  const shown = excerpt(endpoint)
  return misused('endpoint', { zh: `未知的 endpoint“${shown}”`, en: `unknown endpoint “${shown}”` }, fix, lang)
}

/**
 * @param {string} name
 * @param {string} code
 */
const misplaced = (name, code) =>
  misused(
    name,
    { zh: `${code} 的错误没有 ${name}`, en: `an error ${code} has no ${name}` },
    {
      zh: `去掉 ${name}`,
      en: `Omit ${name}`,
    },
  )

/**
 * @param {string} param
 * @param {Text} cause
 * @param {Text} fix
 * @param {import('./language').Language} [lang]
 */
const misused = (param, cause, fix, lang) => misuse(invalid({ param, explanation: { cause, fix } }, lang))

/** Adds `from` to the classes: not enumerable, as a static method of the class would not be. */
function addFactories() {
  addFactory(WxaCodeError, wxaCodeErrorFrom)
  addFactory(WeChatAPIError, weChatAPIErrorFrom)
  addFactory(InvalidParamsError, invalidParamsErrorFrom)
  addFactory(InvalidPushError, invalidPushErrorFrom)
}

/**
 * @param {Function} type
 * @param {Function} from
 */
function addFactory(type, from) {
  Object.defineProperty(type, 'from', nullProtoCopy({ value: from, writable: true, configurable: true }))
}

module.exports = { addFactories }
