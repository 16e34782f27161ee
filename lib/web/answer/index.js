'use strict'

const { inspect } = require('node:util')
const { imageType } = require('../../../index')
const { WxaCodeError, invalid, isError, isMisuse, misuse } = require('../../errors')
const { codeFields, endpointOf } = require('../../kinds')
const { qrCodeRequest } = require('../../qr-code-request')
const { cachedImage } = require('./client')
const { disposition } = require('./disposition')
const { etagOf, isKnown } = require('./etag')
const { validateSettings } = require('./options')
const { internalError, emptyProblem, problemOf } = require('./problem')

/** @typedef {import('../../../index').WxaCode} WxaCode */
/** @typedef {import('../types').CodeParams} CodeParams */
/** @typedef {import('./options').Settings} Settings */

/**
 * @typedef {object} RequestContext what every adapter knows of a request
 * @property {string} method
 * @property {(name: string) => string | undefined} header by its name in lower case
 * @property {AbortSignal} signal aborted when the visitor has left, or has an answer
 * @property {() => boolean} isResponseOver whether the visitor has left, or other code has begun the response
 */

/**
 * @typedef {object} Request a request, as the framework and as the adapter knows it, and how the handler is set
 * @property {any} req
 * @property {RequestContext} context
 * @property {Settings} settings
 */

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {Buffer} [body] for HEAD too: the adapter leaves it out
 */

/** The client is gone, but a framework may log the status: nginx's for a client that closed the request. */
const CLIENT_CLOSED = Object.freeze({ status: 499, headers: {} })
const NOSNIFF = { 'X-Content-Type-Options': 'nosniff' }

/**
 * Creates the function behind every adapter, from a request to an answer. Exceptions of the caller's functions are passed on,
 * except those of the factory of the client and of the client's token function.
 *
 * @param {WxaCode | (() => WxaCode | Promise<WxaCode>)} wxa
 * @param {(...args: any[]) => any} toCode
 * @param {import('../types').CodeHandlerOptions<any>} [options]
 * @returns {(args: any[], context: RequestContext) => Promise<Answer>} `args` are the framework's own, the request first
 */
function createResponder(wxa, toCode, options) {
  const settings = validateSettings(wxa, toCode, options)
  return async (args, context) => {
    if (context.isResponseOver()) return CLIENT_CLOSED
    // OPTIONS or DELETE must not cost a code.
    if (context.method !== 'GET' && context.method !== 'HEAD') return emptyProblem(405, context, { Allow: 'GET, HEAD' })
    const code = await toCode(...args)
    if (code === null || code === undefined) return emptyProblem(404, context)
    return answerTo({ req: args[0], context, settings }, code)
  }
}

/**
 * Turns the result of the mapping into an answer, or into a problem.
 *
 * @param {Request} request
 * @param {CodeParams} code
 * @returns {Promise<Answer>}
 */
async function answerTo(request, code) {
  if (typeof code !== 'object' || Array.isArray(code))
    return failed(noObject(code, request.settings.lang), request, true)
  const { kind = 'unlimited', ...params } = /** @type {CodeParams} */ (codeFields(code))
  // Validated before the ETag, so that invalid parameters are refused whatever `If-None-Match` says.
  let parsed
  try {
    const { lang } = request.settings
    parsed = qrCodeRequest(endpointOf(kind, lang), params, lang)
  } catch (/** @type {any} */ wrong) {
    return failed(wrong, request, isMisuse(wrong))
  }
  const { context, settings } = request
  let wxa
  try {
    wxa = await settings.client()
  } catch (thrown) {
    return failed(thrown, request, true)
  }
  const etag = etagOf(wxa.appid, parsed.identity)
  const validators = { ETag: etag, ...settings.cacheControl }
  if (isKnown(etag, context.header('if-none-match'))) return { status: 304, headers: validators }
  const cached = cachedImage(wxa, parsed)
  // Type and length are unknown without a request to WeChat, and HEAD makes none.
  // {@link https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2}
  if (context.method === 'HEAD' && !cached) return { status: 200, headers: { ...NOSNIFF, ...validators } }
  // Called before the request to WeChat, so that a function that throws costs no code.
  const saveAs = {
    filename: await settings.filename(code, request.req),
    isDownload: await settings.download(request.req),
  }
  if (cached) return imageResponse(cached, saveAs, validators)
  if (context.isResponseOver()) return CLIENT_CLOSED
  const call = { signal: context.signal, timeoutMs: settings.timeoutMs }
  const ask = () => wxa[parsed.endpoint](/** @type {any} */ (params), call)
  try {
    return imageResponse(await settings.limits.run({ wxa, kind, etag }, ask), saveAs, validators)
  } catch (thrown) {
    return failed(thrown, request)
  }
}

/**
 * @param {unknown} code
 * @param {import('../../language').Language} [lang]
 */
function noObject(code, lang) {
  const type = Array.isArray(code) ? 'array' : typeof code
  const cause = { zh: `toCode 返回的类型是 ${type}`, en: `toCode returned a value of type ${type}` }
  const fix = {
    zh: "返回形如 { scene: 'id=1' } 的对象；没有对应的码时返回 null",
    en: "Return an object like { scene: 'id=1' }, or null where there is no code",
  }
  return misuse(invalid({ endpoint: 'codeHandler', param: 'toCode', explanation: { cause, fix } }, lang))
}

/**
 * @param {Buffer} image
 * @param {{ filename: string | undefined, isDownload: boolean }} saveAs
 * @param {Record<string, string>} validators
 * @returns {Answer}
 */
function imageResponse(image, { filename, isDownload }, validators) {
  const type = /** @type {string} */ (imageType(image))
  return {
    status: 200,
    headers: {
      'Content-Type': type,
      'Content-Length': String(image.length),
      ...NOSNIFF,
      ...disposition(type, filename, isDownload),
      ...validators,
    },
    body: image,
  }
}

/**
 * @param {unknown} thrown by the validation, by a call, by the client's token function, or by the factory of the client
 * @param {Request} request
 * @param {boolean} [isServersFault] whether it is a mistake in the server's own code or set-up
 * @returns {Promise<Answer>}
 */
async function failed(thrown, { req, context, settings }, isServersFault = false) {
  if (context.isResponseOver()) return CLIENT_CLOSED
  const error = isError(thrown) ? thrown : new Error(inspect(thrown), { cause: thrown })
  const { instance, ...problem } = isServersFault ? internalError(context) : await problemFor(error, context, settings)
  await settings.onError(error, { req, status: problem.status, instance })
  return problem
}

/**
 * @param {Error} error
 * @param {RequestContext} context
 * @param {Settings} settings
 */
async function problemFor(error, context, settings) {
  const ours = error instanceof WxaCodeError ? /** @type {import('../../../index').WxaCodeError} */ (error) : undefined
  // Only true exposes details: a function of the options may return undefined by mistake.
  const isExposed = ours !== undefined && (await settings.expose(ours)) === true
  return problemOf(ours, isExposed, context)
}

module.exports = { createResponder }
