'use strict'

const { invalid } = require('./errors')
const native = require('./native')
const { safeGet } = require('./safe-object')
const { inContextOf } = require('./tracing')

/** @typedef {import('./language').Language} Language */

/**
 * Wraps the caller's token provider for the addon: the result is a promise of one type. An exception of the caller's function
 * is passed on unchanged. The function runs in the async context of the call that waits for the token, if that is traced, and
 * otherwise in that of no call.
 *
 * @param {import('../index').TokenProvider} provider
 * @param {Language} [lang] of the client
 * @returns {(ask: import('../binding').TokenRequest) => Promise<{ accessToken: string, expiresIn?: number }>}
 */
function tokenProvider(provider, lang) {
  // Without a reference the promise would be collected, and the call that waits for it would never settle.
  const pending = new Set()
  return (ask) => {
    const { call, ...question } = ask
    const asked = inContextOf(call, () => answer(provider, question, lang)).finally(() => pending.delete(asked))
    pending.add(asked)
    return asked
  }
}

/**
 * @param {import('../index').TokenProvider} provider
 * @param {{ appid: string, rejected?: { accessToken: string, errcode: number } }} ask
 * @param {Language} [lang]
 */
async function answer(provider, ask, lang) {
  const given = await provider(ask)
  if (typeof given === 'string') return usable(given, undefined, undefined, lang)
  const accessToken = safeGet(given, 'accessToken')
  // WeChat's response, returned as it is.
  if (accessToken === undefined)
    return usable(safeGet(given, 'access_token'), safeGet(given, 'expires_in'), given, lang)
  return usable(accessToken, safeGet(given, 'expiresIn'), undefined, lang)
}

/**
 * @param {unknown} accessToken
 * @param {unknown} expiresIn
 * @param {unknown} given the result, for the error
 * @param {Language} [lang]
 * @returns {{ accessToken: string, expiresIn: number | undefined }}
 */
function usable(accessToken, expiresIn, given, lang) {
  if (typeof accessToken !== 'string' || !/^[!-~]{1,4096}$/.test(accessToken)) throw unusable(given, lang)
  if (expiresIn === undefined) return { accessToken, expiresIn: undefined }
  if (typeof expiresIn !== 'number' || !Number.isFinite(expiresIn) || expiresIn <= 0) throw unusable(given, lang)
  return { accessToken, expiresIn }
}

/**
 * The error for an invalid result. The message does not repeat the result, which may be the token.
 *
 * @param {any} given
 * @param {Language} [lang]
 */
function unusable(given, lang) {
  const errcode = safeGet(given, 'errcode')
  if (Number.isSafeInteger(errcode) && errcode !== 0) return refused(errcode, lang)
  const fix = isResponse(given) ? THE_BODY : A_TOKEN
  return invalid({ param: 'token', explanation: { cause: NO_TOKEN, fix } }, lang)
}

/**
 * The error for a WeChat refusal that the provider returned. The explanation is the one of the errcode.
 *
 * @param {number} errcode
 * @param {Language} [lang]
 */
function refused(errcode, lang) {
  const known = native.explain(errcode, 'stable_token')
  const because = { zh: known ? `：${known.cause.zh}` : '', en: known ? `: ${known.cause.en}` : '' }
  const cause = {
    zh: `token 函数返回的是微信的错误 ${errcode}${because.zh}`,
    en: `the token function returned WeChat's error ${errcode}${because.en}`,
  }
  const fix = known?.fix ?? {
    zh: '检查提供 access_token 的服务向微信发出的请求',
    en: 'Check the requests of your token service to WeChat',
  }
  return invalid({ param: 'token', errcode, isListed: known !== null, explanation: { cause, fix } }, lang)
}

/** @param {any} given a result that may be an HTTP response of fetch or axios instead of its body */
const isResponse = (given) =>
  typeof safeGet(given, 'status') === 'number' &&
  (safeGet(given, 'headers') !== undefined || safeGet(given, 'data') !== undefined)

const NO_TOKEN = { zh: 'token 函数没有返回有效的 access_token', en: 'the token function returned no valid token' }
const A_TOKEN = {
  zh: '返回非空字符串，或 { accessToken: string, expiresIn: 秒数 }，或微信的 { access_token, expires_in }',
  en: "Return a non-empty string, { accessToken: string, expiresIn: seconds }, or WeChat's own { access_token, expires_in }",
}
const THE_BODY = {
  zh: '返回的是 HTTP 响应本身：fetch 请返回 await response.json()，axios 请返回 response.data，其中须有 access_token 或 accessToken',
  en: 'It returned the HTTP response itself: return await response.json() with fetch, or response.data with axios; it must contain access_token or accessToken',
}

module.exports = { tokenProvider }
