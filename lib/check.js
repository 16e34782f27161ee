'use strict'

const { InvalidParamsError } = require('./errors')
const { endpointOf } = require('./kinds')
const { qrCodeRequest } = require('./qr-code-request')

/**
 * @param {import('../index').BatchJob['kind']} kind
 * @param {any} params
 */
function check(kind, params) {
  const endpoint = endpointOf(kind)
  try {
    qrCodeRequest(endpoint, params)
  } catch (error) {
    if (error instanceof InvalidParamsError) return error
    throw error
  }
}

module.exports = { check }
