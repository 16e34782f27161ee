'use strict'

const { isCodeEndpoint } = require('../../kinds')
const { nullProtoCopy } = require('../../safe-object')

/**
 * Whether an error is about the parameters of a code (page, path, scene, size) and not about the account, its quotas or this
 * server's network. By default visitors see details of such errors only.
 *
 * @param {import('../../../index').WxaCodeError} error
 */
function isParameterError(error) {
  const { endpoint, scope, param } = /** @type {any} */ (nullProtoCopy(error))
  // `token` is no parameter of a code: the client's token function returned an invalid token.
  if (error.code === 'ERR_WXA_PARAMS') return param !== 'token'
  return error.code === 'ERR_WXA_API' && isCodeEndpoint(endpoint) && scope === 'parameter'
}

module.exports = { isParameterError }
