'use strict'

const { authenticateBySecret } = require('./authentication.js')
const { readStableBody } = require('./params.js')
const { jsonAnswer } = require('./refusals.js')

/** @import { Account, Answer, Token, Exchange, ServerState } from './types.js' */

/**
 * `GET /cgi-bin/token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerToken(exchange, state) {
  const account = identify('token', exchange.record.query, exchange, state)
  if (typeof account === 'number') return account
  return tokenAnswer(account.classic.issue(), state)
}

/**
 * `POST /cgi-bin/stable_token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerStableToken(exchange, state) {
  const params = readStableBody(exchange.body)
  if (typeof params === 'number') return params
  const account = identify('stable_token', params, exchange, state)
  if (typeof account === 'number') return account
  const token = params.force_refresh ? account.stable.forced() : account.stable.ordinary()
  return token ? tokenAnswer(token, state) : 45009
}

/**
 * @param {'token' | 'stable_token'} endpoint
 * @param {{ grant_type?: string, appid?: string, secret?: string }} params
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account}
 */
function identify(endpoint, { grant_type: grantType, appid, secret }, exchange, state) {
  if (!appid) return 41002
  if (!secret) return 41004
  if (grantType !== 'client_credential') return 40002
  return authenticateBySecret(endpoint, { appid, secret }, exchange, state)
}

/**
 * @param {Token} token
 * @param {ServerState} state
 */
function tokenAnswer(token, { clock }) {
  const expiresIn = Math.ceil((token.expiresAt - clock.now()) / 1000)
  return jsonAnswer({ access_token: token.value, expires_in: expiresIn })
}

module.exports = { answerToken, answerStableToken }
