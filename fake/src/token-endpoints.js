import { callerBySecret } from './callers.js'
import { readStableBody } from './params.js'
import { jsonAnswer } from './refusals.js'

/** @import { Account, Answer, Token, Visit, World } from './types.js' */

/**
 * `GET /cgi-bin/token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
export function answerToken({ record, ip }, world) {
  const account = identify(record.query, ip, world)
  if (typeof account === 'number') return account
  if (!account.quotas.classicDay.take()) return 45009
  return tokenAnswer(account.classic.issue(), world)
}

/**
 * `POST /cgi-bin/stable_token`
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
export function answerStableToken({ body, ip }, world) {
  const params = readStableBody(body)
  if (typeof params === 'number') return params
  const account = identify(params, ip, world)
  if (typeof account === 'number') return account
  if (!account.quotas.stableMinute.take()) return 45011
  if (!account.quotas.stableDay.take()) return 45009
  const token = params.force_refresh ? account.stable.forced() : account.stable.ordinary()
  return token ? tokenAnswer(token, world) : 45009
}

/**
 * @param {{ grant_type?: string, appid?: string, secret?: string }} params
 * @param {string} ip
 * @param {World} world
 * @returns {number | Account}
 */
function identify({ grant_type: grantType, appid, secret }, ip, world) {
  if (!appid) return 41002
  if (!secret) return 41004
  if (grantType !== 'client_credential') return 40002
  return callerBySecret(appid, secret, ip, world)
}

/**
 * @param {Token} token
 * @param {World} world
 */
function tokenAnswer(token, { clock }) {
  const expiresIn = Math.ceil((token.diesAt - clock.now()) / 1000)
  return jsonAnswer({ access_token: token.value, expires_in: expiresIn })
}
