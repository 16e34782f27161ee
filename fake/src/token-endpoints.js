'use strict'

const { callerBySecret } = require('./callers.js')
const { readStableBody } = require('./params.js')
const { jsonAnswer } = require('./refusals.js')

/** @import { Account, Answer, Token, Visit, World } from './types.js' */

/**
 * `GET /cgi-bin/token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerToken(visit, world) {
  const account = identify('token', visit.record.query, visit, world)
  if (typeof account === 'number') return account
  return tokenAnswer(account.classic.issue(), world)
}

/**
 * `POST /cgi-bin/stable_token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerStableToken(visit, world) {
  const params = readStableBody(visit.body)
  if (typeof params === 'number') return params
  const account = identify('stable_token', params, visit, world)
  if (typeof account === 'number') return account
  const token = params.force_refresh ? account.stable.forced() : account.stable.ordinary()
  return token ? tokenAnswer(token, world) : 45009
}

/**
 * @param {'token' | 'stable_token'} endpoint
 * @param {{ grant_type?: string, appid?: string, secret?: string }} params
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Account}
 */
function identify(endpoint, { grant_type: grantType, appid, secret }, visit, world) {
  if (!appid) return 41002
  if (!secret) return 41004
  if (grantType !== 'client_credential') return 40002
  return callerBySecret(endpoint, { appid, secret }, visit, world)
}

/**
 * @param {Token} token
 * @param {World} world
 */
function tokenAnswer(token, { clock }) {
  const expiresIn = Math.ceil((token.diesAt - clock.now()) / 1000)
  return jsonAnswer({ access_token: token.value, expires_in: expiresIn })
}

module.exports = { answerToken, answerStableToken }
