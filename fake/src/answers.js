'use strict'

const { answerCode } = require('./code-endpoints.js')
const { answerDebug } = require('./debug-endpoints.js')
const { ENDPOINTS } = require('./endpoints.js')
const { answerLink } = require('./link-endpoints.js')
const { answerPlatform } = require('./platform/endpoints.js')
const { refusal } = require('./refusals.js')
const { answerStableToken, answerToken } = require('./token-endpoints.js')

/** @import { Answer, CodeEndpoint, DebugEndpoint, LinkEndpoint, PlatformEndpoint, Exchange, ServerState } from './types.js' */

/**
 * What WeChat answers to a request.
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {Answer}
 */
function answerFor(exchange, state) {
  const { req, record, ip } = exchange
  const endpoint = ENDPOINTS.get(record.path)
  const context = { endpoint: endpoint?.name, ip, clock: state.clock }
  if (endpoint === undefined) return refusal(40066, context)
  if (req.method !== endpoint.method) return refusal(endpoint.method === 'GET' ? 43001 : 43002, context)
  // A front server refuses bodies without a Content-Length:
  // https://developers.weixin.qq.com/community/develop/doc/000a08cb9705a05965919300b61800
  if (endpoint.method === 'POST' && req.headers['transfer-encoding'] !== undefined) {
    return { status: 412, headers: { 'Content-Length': 0 }, body: '' }
  }
  const answer = answerOf(endpoint, exchange, state)
  return typeof answer === 'number' ? refusal(answer, context) : answer
}

/**
 * @param {{ name: import('../index.js').EndpointName, group: import('../index.js').EndpointGroup }} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 */
function answerOf({ name, group }, exchange, state) {
  if (name === 'token') return answerToken(exchange, state)
  if (name === 'stable_token') return answerStableToken(exchange, state)
  if (group === 'links') return answerLink(/** @type {LinkEndpoint} */ (name), exchange, state)
  if (group === 'debug') return answerDebug(/** @type {DebugEndpoint} */ (name), exchange, state)
  if (group === 'platform') return answerPlatform(/** @type {PlatformEndpoint} */ (name), exchange, state)
  return answerCode(/** @type {CodeEndpoint} */ (name), exchange, state)
}

module.exports = { answerFor }
