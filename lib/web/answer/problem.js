'use strict'

const { randomUUID } = require('node:crypto')
const { bare, own } = require('../../own')
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
  ERR_WXA_CLOSED: 503,
  ERR_WXA_TIMEOUT: 504,
}
const BAD_REQUEST = 400
const TOO_MANY = 429
const BROKEN = 500
/** Where the client's token function threw, or gave what is no token. */
const UNAVAILABLE = 503

/** Scopes of refusals that time cures. */
const RATE_LIMITS = new Set(['rate', 'quota'])
const MINUTE_S = 60
/** When WeChat's day ends it does not say. */
const HOUR_S = 3600

/** Titles, and what a visitor hears who may not know more. @type {Record<number, Record<Language, [string, string]>>} */
const TEXTS = {
  400: {
    zh: ['请求有误', '请求的参数不能生成小程序码'],
    en: ['Bad Request', 'No code can be made of what was asked'],
  },
  404: { zh: ['未找到', '这里没有小程序码'], en: ['Not Found', 'There is no code here'] },
  405: { zh: ['方法不允许', '请用 GET 或 HEAD'], en: ['Method Not Allowed', 'Use GET or HEAD'] },
  429: {
    zh: ['请求过多', '小程序码请求过于频繁，请稍后再试'],
    en: ['Too Many Requests', 'Too many codes are being asked for. Try again later'],
  },
  500: {
    zh: ['服务器错误', '服务器出错，原因见服务端日志中的 instance'],
    en: ['Internal Server Error', 'This server is broken. Why is in its log, under the instance'],
  },
  502: {
    zh: ['上游错误', '微信没有给出小程序码，原因见服务端日志中的 instance'],
    en: ['Bad Gateway', "WeChat gave no code. Why is in the server's log, under the instance"],
  },
  503: {
    zh: ['服务不可用', '暂时无法生成小程序码，原因见服务端日志中的 instance'],
    en: ['Service Unavailable', "No codes at the moment. Why is in the server's log, under the instance"],
  },
  504: {
    zh: ['上游超时', '微信没有及时应答，请稍后再试'],
    en: ['Gateway Timeout', 'WeChat did not answer in time. Try again later'],
  },
}

/**
 * What an error is over HTTP. {@link https://www.rfc-editor.org/rfc/rfc9457}
 *
 * @param {WxaCodeError | undefined} error none where the client's token function threw: what its `code` means nobody knows
 * @param {boolean} isExposed whether the visitor may see more than the status
 * @param {RequestContext} context
 * @returns {Answer & { instance: string }} `instance` is what the visitor and the log know it by
 */
function problemOf(error, isExposed, context) {
  const status = statusOf(error)
  const more = (/** @type {Language} */ language) => (error && isExposed ? exposedMembers(error, language) : {})
  const headers = error && status === TOO_MANY ? { 'Retry-After': String(retryAfterSeconds(error)) } : undefined
  return logged(status, context, more, headers)
}

/**
 * What a visitor hears of a mistake in the server's own code or set-up: nothing but that there is one.
 *
 * @param {RequestContext} context
 */
const internalError = (context) => logged(BROKEN, context)

/** @param {WxaCodeError | undefined} error */
function statusOf(error) {
  if (error === undefined) return UNAVAILABLE
  if (error.code === 'ERR_WXA_PARAMS') return isParameterError(error) ? BAD_REQUEST : UNAVAILABLE
  return error.code === 'ERR_WXA_API' && RATE_LIMITS.has(own(error, 'scope')) ? TOO_MANY : STATUSES[error.code]
}

/**
 * @param {number} status
 * @param {RequestContext} context
 * @param {(language: Language) => Record<string, unknown>} [more]
 * @param {Record<string, string>} [headers]
 * @returns {Answer & { instance: string }}
 */
function logged(status, context, more = () => ({}), headers) {
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
 * What there is to know about an error. The message is not: it may repeat what a proxy on the way has said.
 *
 * @param {WxaCodeError} error
 * @param {Language} language
 */
function exposedMembers(error, language) {
  const { code, errcode, errmsg, rid, param, explanation } = /** @type {any} */ (bare(error))
  const known = { code, errcode, errmsg, rid, param }
  if (explanation === undefined) return { detail: `${errcode} ${errmsg}`, ...known }
  const cause = explanation.cause[language]
  const fix = explanation.fix[language]
  return { detail: cause, ...known, explanation: { cause, fix } }
}

/** @param {WxaCodeError} error */
function retryAfterSeconds(error) {
  const { retryAfterMs, scope, endpoint } = /** @type {any} */ (bare(error))
  if (retryAfterMs !== undefined) return Math.max(1, Math.ceil(retryAfterMs / 1000))
  return scope === 'rate' || endpoint === 'getUnlimitedQRCode' ? MINUTE_S : HOUR_S
}

module.exports = { internalError, emptyProblem, problemOf }
