'use strict'

const { wrongArgument } = require('../../errors')
const { validate } = require('../../validate')
const { clientLanguage, clientOf } = require('./client')
const { isParameterError } = require('./exposure')
const { Limits } = require('./limits')
const { createLog } = require('./log')

const DEFAULT_CACHE_CONTROL = 'private, max-age=3600'
const A_STRING = { zh: '字符串或 undefined', en: 'a string or undefined' }
const A_MAPPING = { zh: '从请求给出参数的函数', en: 'a function from the request to the parameters of a code' }

/**
 * @typedef {object} Settings what a handler is set to, every choice as a function
 * @property {() => import('../../../index').WxaCode | Promise<import('../../../index').WxaCode>} client
 * @property {Record<string, string>} cacheControl as headers
 * @property {import('../../language').Language} [lang] of the errors, if the client is there already and has one
 * @property {(req: any) => Promise<boolean>} download
 * @property {(code: any, req: any) => Promise<string | undefined>} filename
 * @property {(error: any) => Promise<boolean>} expose
 * @property {(error: Error, note: any) => unknown} onError
 * @property {InstanceType<typeof Limits>} limits
 * @property {number} [timeoutMs]
 */

/**
 * Validates the options when the handler is created, so that a mistake throws at the start and not at a visitor's request.
 *
 * @param {any} wxa
 * @param {unknown} toCode
 * @param {unknown} [options]
 * @returns {Settings}
 */
function validateSettings(wxa, toCode, options = {}) {
  const client = clientOf(wxa)
  const lang = clientLanguage(wxa)
  if (typeof toCode !== 'function') throw wrongArgument('toCode', A_MAPPING, 'codeHandler', lang)
  const given = validate('codeHandler', options, 'codeHandler', lang)
  const { cacheControl = DEFAULT_CACHE_CONTROL, download = false, filename, expose = isParameterError } = given
  return {
    client,
    lang,
    cacheControl: cacheControl === false ? {} : { 'Cache-Control': cacheControl },
    download: toFunction(download),
    filename: async (code, req) => {
      const name = await toFunction(filename)(code, req)
      if (name !== undefined && typeof name !== 'string') throw wrongArgument('filename', A_STRING, 'codeHandler', lang)
      return name
    },
    expose: toFunction(expose),
    onError: given.onError ?? createLog(),
    limits: new Limits(given),
    timeoutMs: given.timeoutMs,
  }
}

/**
 * @param {any} choice
 * @returns {(...args: any[]) => Promise<any>}
 */
const toFunction =
  (choice) =>
  async (...args) =>
    typeof choice === 'function' ? choice(...args) : choice

module.exports = { validateSettings }
