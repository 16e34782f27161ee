'use strict'

const { randomUUID } = require('node:crypto')
const { hasMinuteQuota } = require('../../kinds')
const { nullProtoCopy, safeGet } = require('../../safe-object')
const { isParameterError } = require('./exposure')
const { languageOf } = require('./language')

/** @typedef {import('../../../index').WxaCodeError} WxaCodeError */
/** @typedef {import('./index').RequestContext} RequestContext */
/** @typedef {import('./index').Answer} Answer */
/** @typedef {import('./language').Language} Language */

/** @type {Record<Exclude<WxaCodeError['code'], 'ERR_WXA_PARAMS'>, number>} */
const STATUSES = {
  ERR_WXA_RATE_LIMIT: 429,
  ERR_WXA_API: 502,
  ERR_WXA_NETWORK: 502,
  ERR_WXA_RESPONSE: 502,
  ERR_WXA_REDIS: 503,
  ERR_WXA_TICKET: 503,
  ERR_WXA_STORE: 503,
  ERR_WXA_CLOSED: 503,
  ERR_WXA_TIMEOUT: 504,
  // No call for a code fails by a push.
  ERR_WXA_PUSH: 500,
}
const BAD_REQUEST = 400
const TOO_MANY = 429
const BROKEN = 500
/** If the client's token function threw, or returned no valid token. */
const UNAVAILABLE = 503

/** Scopes of refusals that end with time. */
const RATE_LIMITS = new Set(['rate', 'quota'])
const MINUTE_S = 60
/** WeChat does not document when a daily quota resets. */
const HOUR_S = 3600

/** Title and detail of a response that exposes no more. @type {Record<number, Record<Language, [string, string]>>} */
const TEXTS = {
  400: {
    zh: ['请求有误', '请求的参数不能生成小程序码'],
    en: ['Bad Request', 'Invalid parameters for a mini-program code'],
  },
  404: { zh: ['未找到', '没有这个小程序码'], en: ['Not Found', 'No such mini-program code'] },
  405: { zh: ['方法不允许', '请用 GET 或 HEAD'], en: ['Method Not Allowed', 'Use GET or HEAD'] },
  429: {
    zh: ['请求过多', '小程序码请求过于频繁，请稍后再试'],
    en: ['Too Many Requests', 'Too many requests for mini-program codes. Try again later'],
  },
  500: {
    zh: ['服务器错误', '服务器内部错误，请用 instance 在服务端日志中查找原因'],
    en: ['Internal Server Error', 'Internal error. See the server log for this instance id'],
  },
  502: {
    zh: ['上游错误', '微信没有返回小程序码，请用 instance 在服务端日志中查找原因'],
    en: ['Bad Gateway', 'WeChat returned no code. See the server log for this instance id'],
  },
  503: {
    zh: ['服务不可用', '暂时无法生成小程序码，请用 instance 在服务端日志中查找原因'],
    en: [
      'Service Unavailable',
      'Mini-program codes are temporarily unavailable. See the server log for this instance id',
    ],
  },
  504: {
    zh: ['上游超时', '微信没有及时响应，请稍后再试'],
    en: ['Gateway Timeout', 'WeChat did not respond in time. Try again later'],
  },
}

/**
 * The HTTP response for an error. {@link https://www.rfc-editor.org/rfc/rfc9457}
 *
 * @param {WxaCodeError | undefined} error undefined if the client's token function threw: its `code` may mean anything
 * @param {boolean} isExposed whether the visitor may see more than the status
 * @param {RequestContext} context
 * @returns {Answer & { instance: string }} `instance` is what the visitor and the log know it by
 */
function problemOf(error, isExposed, context) {
  const status = statusOf(error)
  const more = (/** @type {Language} */ language) => (error && isExposed ? exposedMembers(error, language) : {})
  const headers = error && status === TOO_MANY ? { 'Retry-After': String(retryAfterSeconds(error)) } : undefined
  return problemWithInstance(status, context, more, headers)
}

/**
 * The response to a mistake in the server's code or configuration. It says nothing about the mistake.
 *
 * @param {RequestContext} context
 */
const internalError = (context) => problemWithInstance(BROKEN, context)

/** @param {WxaCodeError | undefined} error */
function statusOf(error) {
  if (error === undefined) return UNAVAILABLE
  if (error.code === 'ERR_WXA_PARAMS') return isParameterError(error) ? BAD_REQUEST : UNAVAILABLE
  return error.code === 'ERR_WXA_API' && RATE_LIMITS.has(safeGet(error, 'scope')) ? TOO_MANY : STATUSES[error.code]
}

/**
 * @param {number} status
 * @param {RequestContext} context
 * @param {(language: Language) => Record<string, unknown>} [more]
 * @param {Record<string, string>} [headers]
 * @returns {Answer & { instance: string }}
 */
function problemWithInstance(status, context, more = () => ({}), headers) {
  const instance = `urn:uuid:${randomUUID()}`
  const language = languageOf(context.header('accept-language'))
  return { ...problem(status, language, { instance, ...more(language) }, headers), instance }
}

/**
 * An answer without a code that is no error of wxacode's.
 *
 * @param {404 | 405} status
 * @param {RequestContext} context
 * @param {Record<string, string>} [headers]
 */
const emptyProblem = (status, context, headers) =>
  problem(status, languageOf(context.header('accept-language')), {}, headers)

/**
 * @param {number} status
 * @param {Language} language
 * @param {Record<string, unknown>} members
 * @param {Record<string, string>} [headers]
 */
function problem(status, language, members, headers) {
  const { 0: title, 1: detail } = TEXTS[status][language]
  const body = Buffer.from(JSON.stringify({ type: 'about:blank', title, status, detail, ...members }))
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Content-Length': String(body.length),
      'Content-Language': language,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      Vary: 'Accept-Language',
      ...headers,
    },
    body,
  }
}

/**
 * The members that describe an error. The `type` of the problem stays `about:blank`: the title is that of the status, and an errcode has one
 * status if it is refused here and another one if WeChat refuses it. The page about the errcode is `explanation.docs`. The message is not: it may repeat the text of a proxy.
 *
 * @param {WxaCodeError} error
 * @param {Language} language
 */
function exposedMembers(error, language) {
  const { code, errcode, errmsg, rid, param } = /** @type {any} */ (nullProtoCopy(error))
  const explanation = safeGet(error, 'explanation')
  const known = { code, errcode, errmsg, rid, param }
  if (explanation === undefined) return { detail: `${errcode} ${errmsg}`, ...known }
  const cause = explanation.cause[language]
  const fix = explanation.fix[language]
  return { detail: cause, ...known, explanation: { cause, fix, docs: safeGet(safeGet(explanation, 'docs'), language) } }
}

/** @param {WxaCodeError} error */
function retryAfterSeconds(error) {
  const { retryAfterMs, scope, endpoint } = /** @type {any} */ (nullProtoCopy(error))
  if (retryAfterMs !== undefined) return Math.max(1, Math.ceil(retryAfterMs / 1000))
  return scope === 'rate' || hasMinuteQuota(endpoint) ? MINUTE_S : HOUR_S
}

module.exports = { internalError, emptyProblem, problemOf }
