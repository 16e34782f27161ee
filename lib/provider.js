'use strict'

const { invalid } = require('./errors')
const native = require('./native')
const { own } = require('./own')

/** @typedef {import('./language').Language} Language */

/**
 * The caller's token provider as the addon calls it: always a promise, of one shape. What the caller's function throws
 * passes untouched.
 *
 * @param {import('../index').TokenProvider} provider
 * @param {Language} [lang] of the client
 * @returns {(ask: { appid: string, rejected?: { accessToken: string, errcode: number } }) => Promise<{ accessToken: string, expiresIn?: number }>}
 */
function tokenProvider(provider, lang) {
  // Without a reference the promise would be collected, and the call that waits for it would never settle.
  const pending = new Set()
  return (ask) => {
    const asked = answer(provider, ask, lang).finally(() => pending.delete(asked))
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
  const accessToken = own(given, 'accessToken')
  // As WeChat answers, handed through.
  if (accessToken === undefined) return usable(own(given, 'access_token'), own(given, 'expires_in'), given, lang)
  return usable(accessToken, own(given, 'expiresIn'), undefined, lang)
}

/**
 * @param {unknown} accessToken
 * @param {unknown} expiresIn
 * @param {unknown} given for what it is instead
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
 * What was given is not repeated: it may be the token.
 *
 * @param {any} given
 * @param {Language} [lang]
 */
function unusable(given, lang) {
  const errcode = own(given, 'errcode')
  if (Number.isSafeInteger(errcode) && errcode !== 0) return refused(errcode, lang)
  const fix = isResponse(given) ? THE_BODY : A_TOKEN
  return invalid({ param: 'token', explanation: { cause: NO_TOKEN, fix } }, lang)
}

/**
 * WeChat's refusal, handed through: it is explained like one of our own.
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

/** @param {any} given an answer of fetch or axios instead of what is in it */
const isResponse = (given) =>
  typeof own(given, 'status') === 'number' && (own(given, 'headers') !== undefined || own(given, 'data') !== undefined)

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
