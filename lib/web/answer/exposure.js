'use strict'

const { bare } = require('../../own')

/**
 * What WeChat refuses because of the picture that was asked for: page, path, scene, size. Everything else is about the
 * account, its credentials, its quotas or this server's network, and is not the visitor's.
 */
const ABOUT_THE_PICTURE = new Set([40097, 40129, 40159, 40169, 40189, 41030, 45002, 47001, 47002, 85096])
const CODES = new Set(['getUnlimitedQRCode', 'getQRCode', 'createQRCode'])

/**
 * Whether a visitor may know more of an error than its status, unless the options say otherwise.
 *
 * @param {import('../../../index').WxaCodeError} error
 */
function isAboutThePicture(error) {
  const { endpoint = '', errcode, param } = /** @type {any} */ (bare(error))
  // Codes have no parameter of this name: it is what the client's token function gave.
  if (error.code === 'ERR_WXA_PARAMS') return param !== 'token'
  return error.code === 'ERR_WXA_API' && CODES.has(endpoint) && ABOUT_THE_PICTURE.has(errcode)
}

module.exports = { isAboutThePicture }
