'use strict'

const { inspect } = require('node:util')
const { check, imageType } = require('../../../index')
const { WxaCodeError, isError } = require('../../errors')
const { KINDS, codeFields } = require('../../kinds')
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
 * What all adapters are made of: from a request to an answer. What the caller's own functions throw is thrown on, but for
 * the token function: it is no part of a site.
 *
 * @param {WxaCode} wxa
 * @param {(...args: any[]) => any} toCode
 * @param {import('../types').CodeHandlerOptions<any>} [options]
 * @returns {(args: any[], visit: Visit) => Promise<Answer>} `args` are the framework's own, the request first
 */
function answerer(wxa, toCode, options) {
  const settings = checkedSettings(wxa, toCode, options)
  return async (args, visit) => {
    // An OPTIONS or a DELETE that finds its way here is not worth a code.
    if (visit.method !== 'GET' && visit.method !== 'HEAD') return noCode(405, visit, { Allow: 'GET, HEAD' })
    return answerTo(wxa, settings, await toCode(...args), args[0], visit)
  }
}

/**
 * From the parameters to the picture, to the news that the browser has it, or to what is wrong.
 *
 * @param {WxaCode} wxa
 * @param {Settings} settings
 * @param {CodeParams | null | undefined} code
 * @param {any} req
 * @param {Visit} visit
 * @returns {Promise<Answer>}
 */
async function answerTo(wxa, settings, code, req, visit) {
  if (code === null || code === undefined) return noCode(404, visit)
  const { kind = 'unlimited', ...params } = /** @type {CodeParams} */ (codeFields(code))
  // Before the ETag, so that nonsense is refused whatever a browser claims to have.
  const wrong = refusalOf(kind, params)
  if (wrong) return failed(wrong, settings, req, visit)
  const etag = etagOf(wxa.appid, kind, params)
  const kept = { ETag: etag, ...settings.cacheControl }
  if (isKnown(etag, visit.header('if-none-match'))) return { status: 304, headers: kept }
  // Before WeChat is asked, so that a function that is broken costs no code.
  const saved = { filename: await settings.filename(code, req), isDownload: await settings.download(req) }
  try {
    const call = { signal: visit.signal, timeoutMs: settings.timeoutMs }
    return picture(await wxa[KINDS[kind]](/** @type {any} */ (params), call), saved, kept)
  } catch (thrown) {
    return failed(thrown, settings, req, visit)
  }
}

/**
 * `check` returns what is wrong with parameters, and throws for a kind that there is not.
 *
 * @param {any} kind
 * @param {any} params
 */
function refusalOf(kind, params) {
  try {
    return check(kind, params)
  } catch (error) {
    return error
  }
}

/**
 * @param {Buffer} image
 * @param {{ filename: string | undefined, isDownload: boolean }} saved
 * @param {Record<string, string>} kept
 * @returns {Answer}
 */
function picture(image, { filename, isDownload }, kept) {
  const type = /** @type {string} */ (imageType(image))
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Content-Length': String(image.length),
      'X-Content-Type-Options': 'nosniff',
      ...disposition(type, filename, isDownload),
      ...kept,
    },
    body: image,
  }
}

/**
 * @param {unknown} thrown by `check`, by a call, or by the token function of the client
 * @param {Settings} settings
 * @param {any} req
 * @param {Visit} visit
 * @returns {Promise<Answer>}
 */
async function failed(thrown, settings, req, visit) {
  if (visit.signal.aborted) return GONE
  const error = isError(thrown) ? thrown : new Error(inspect(thrown), { cause: thrown })
  const ours = error instanceof WxaCodeError ? /** @type {import('../../../index').WxaCodeError} */ (error) : undefined
  // Only true is a yes: what a function of the options forgot to say is none.
  const isExposed = ours !== undefined && (await settings.expose(ours)) === true
  const { instance, ...problem } = problemOf(ours, isExposed, visit)
  await settings.onError(error, { req, status: problem.status, instance })
  return problem
}

module.exports = { answerer }
