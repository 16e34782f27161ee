'use strict'

const { check, imageType } = require('../../../index')
const { WxaCodeError } = require('../../errors')
const { KINDS } = require('../../kinds')
const { disposition } = require('./disposition')
const { etagOf, isKnown } = require('./etag')
const { checkedSettings } = require('./options')
const { noCode, problemOf } = require('./problem')

/** @typedef {import('../../../index').WxaCode} WxaCode */
/** @typedef {import('../types').CodeParams} CodeParams */
/** @typedef {import('./options').Settings} Settings */

/**
 * @typedef {object} Visit what every adapter knows of a request
 * @property {string} method
 * @property {(name: string) => string | undefined} header by its name in lower case
 * @property {AbortSignal} signal aborted when the visitor has left
 */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {Buffer} [body] for HEAD too: the adapter leaves it out
 */

/** Nobody is there to read it, but a framework may log its status: nginx's for a client that closed. */
const GONE = Object.freeze({ status: 499, headers: {} })

/**
 * What all adapters are made of: from a request to an answer. What the caller's own functions throw is thrown on.
 *
 * @param {WxaCode} wxa
 * @param {(...args: any[]) => any} toCode
 * @param {import('../types').CodeHandlerOptions<any>} [options]
 * @returns {(args: any[], visit: Visit) => Promise<Answer>} `args` are the framework's own, the request first
 */
function answerer(wxa, toCode, options) {
  const settings = checkedSettings(wxa, toCode, options)
  return async (args, visit) => answerOrProblem(wxa, settings, await toCode(...args), args[0], visit)
}

/**
 * @param {WxaCode} wxa
 * @param {Settings} settings
 * @param {CodeParams | null | undefined} code
 * @param {any} req
 * @param {Visit} visit
 * @returns {Promise<Answer>}
 */
async function answerOrProblem(wxa, settings, code, req, visit) {
  if (code === null || code === undefined) return noCode(404, visit)
  try {
    return await answerWith(wxa, settings, code, req, visit)
  } catch (thrown) {
    if (visit.signal.aborted) return GONE
    if (!(thrown instanceof WxaCodeError)) throw thrown
    const error = /** @type {import('../../../index').WxaCodeError} */ (/** @type {unknown} */ (thrown))
    const { instance, ...problem } = problemOf(error, settings.expose(error), visit)
    await settings.onError(error, { req, status: problem.status, instance })
    return problem
  }
}

/**
 * Straight from the parameters to the picture, or to the news that the browser has it.
 *
 * @param {WxaCode} wxa
 * @param {Settings} settings
 * @param {CodeParams} code
 * @param {any} req
 * @param {Visit} visit
 * @returns {Promise<Answer>}
 */
async function answerWith(wxa, settings, code, req, { method, header, signal }) {
  const { kind = 'unlimited', ...params } = code
  // Before the ETag, so that nonsense is refused whatever a browser claims to have.
  const wrong = check(/** @type {any} */ (kind), /** @type {any} */ (params))
  if (wrong) throw wrong
  const etag = etagOf(wxa.appid, kind, params)
  const kept = { ETag: etag, ...settings.cacheControl }
  const isRead = method === 'GET' || method === 'HEAD'
  if (isRead && isKnown(etag, header('if-none-match'))) return { status: 304, headers: kept }

  const image = await wxa[KINDS[kind]](/** @type {any} */ (params), { signal, timeoutMs: settings.timeoutMs })
  const type = /** @type {string} */ (imageType(image))
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Content-Length': String(image.length),
      'X-Content-Type-Options': 'nosniff',
      ...disposition(type, settings.filename(code, req), settings.download(req)),
      ...kept,
    },
    body: image,
  }
}

module.exports = { answerer }
