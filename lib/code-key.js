'use strict'

const { createHash } = require('node:crypto')
const { wrongArgument } = require('./errors')
const { pathOf } = require('./endpoints')
const { codeFields, endpointOf } = require('./kinds')
const { qrCodeRequest } = require('./qr-code-request')

const A_CODE = {
  en: "an object, such as { kind: 'unlimited', scene: 'id=42' }",
  zh: "对象，如 { kind: 'unlimited', scene: 'id=42' }",
}

/**
 * Names the picture of a code. A digest of WeChat's path and of what is sent, without what is a default, in the order of the
 * names: a parameter that is sent in `extra` today and has a name of its own tomorrow keeps its key.
 *
 * @param {import('../index').CodeKeyParams} code
 * @returns {string}
 */
function codeKey(code) {
  if (typeof code !== 'object' || code === null || Array.isArray(code)) throw wrongArgument('code', A_CODE)
  const { kind = 'unlimited', meta, ...params } = codeFields(code)
  const endpoint = endpointOf(kind)
  return keyOf(qrCodeRequest(endpoint, params).identity)
}

/**
 * @param {string} identity what is sent, as JSON, and the name of the endpoint
 * @returns {string}
 */
function keyOf(identity) {
  const end = identity.lastIndexOf('}') + 1
  const endpoint = /** @type {import('./schemas').CodeEndpoint} */ (identity.slice(end))
  const sent = JSON.parse(identity.slice(0, end))
  const inOrder = Object.keys(sent)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(sent[name])}`)
  const digest = createHash('sha256')
    .update(`${pathOf(endpoint)}\n{${inOrder.join()}}`)
    .digest('hex')
  return `v1-${digest.slice(0, 32)}`
}

module.exports = { codeKey, keyOf }
