'use strict'

const { ENDPOINT_INDEX } = require('./endpoints')
const { toError } = require('./errors')
const native = require('./native')
const { validateToJson } = require('./validate')

/**
 * The request of a code without a call.
 *
 * @typedef {object} QrCodeRequest
 * @property {import('./schemas').CodeEndpoint} endpoint
 * @property {string} params JSON, as the addon reads it
 * @property {string} identity what the picture depends on: the same for requests that give the same picture
 */

/**
 * What a call with these parameters would send. Throws the error that the call would reject with.
 *
 * @param {import('./schemas').CodeEndpoint} endpoint
 * @param {unknown} given
 * @param {import('./language').Language} [lang]
 * @returns {QrCodeRequest}
 */
function qrCodeRequest(endpoint, given, lang) {
  const params = validateToJson(endpoint, given, lang)
  const identity = native.identity(ENDPOINT_INDEX[endpoint], params)
  if (typeof identity !== 'string') throw toError(identity, lang)
  return { endpoint, params, identity }
}

module.exports = { qrCodeRequest }
