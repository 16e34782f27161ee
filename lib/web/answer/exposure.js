'use strict'

const { bare } = require('../../own')

const CODES = new Set(['getUnlimitedQRCode', 'getQRCode', 'createQRCode'])

/**
 * Whether a visitor may know more of an error than its status, unless the options say otherwise: it is about the parameters
 * of the code (page, path, scene, size) and not about the account, its quotas or this server's network.
 *
 * @param {import('../../../index').WxaCodeError} error
 */
function isParameterError(error) {
  const { endpoint = '', scope, param } = /** @type {any} */ (bare(error))
  // Codes have no parameter of this name: it is what the client's token function gave.
  if (error.code === 'ERR_WXA_PARAMS') return param !== 'token'
  return error.code === 'ERR_WXA_API' && CODES.has(endpoint) && scope === 'parameter'
}

module.exports = { isParameterError }
