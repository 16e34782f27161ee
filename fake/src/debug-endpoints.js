'use strict'

const { authenticateBySecret, authenticateByToken } = require('./authentication.js')
const { readJson } = require('./json-body.js')
const { quotaOf, quotaReport } = require('./quota-report.js')
const { okAnswer } = require('./refusals.js')

/** @import { FieldType } from './json-body.js' */
/** @import { Account, Answer, DebugEndpoint, DebugParams, Exchange, ServerState } from './types.js' */

/** @type {Record<DebugEndpoint, Record<string, FieldType>>} */
const FIELDS = {
  'quota/get': { cgi_path: 'string' },
  'quota/clear': { cgi_path: 'string' },
  clear_quota: { appid: 'string' },
  'clear_quota/v2': { appid: 'string', appsecret: 'string' },
  'rid/get': { rid: 'string' },
}

/** @type {Record<DebugEndpoint, (params: DebugParams, account: Account, state: ServerState) => number | object>} */
const ANSWERS = {
  'quota/get': quotaInfo,
  'quota/clear': clearOne,
  clear_quota: ({ appid }, account) => (appid === account.appid ? clearAll(account) : 40013),
  'clear_quota/v2': (_params, account) => clearAll(account),
  'rid/get': ({ rid = '' }, account, { rids }) => rids.lookUp(rid, account),
}

/**
 * Quotas and rids: who calls, what is asked, the answer.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/
 * @param {DebugEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerDebug(endpoint, exchange, state) {
  const isBySecret = endpoint === 'clear_quota/v2'
  const byToken = isBySecret ? undefined : authenticateByToken(endpoint, exchange, state)
  if (typeof byToken === 'number') return byToken
  const params = isBySecret ? readCredentials(exchange) : readDebugBody(endpoint, exchange)
  if (typeof params === 'number') return params
  const account = byToken ?? identify(params, exchange, state)
  if (typeof account === 'number') return account
  const answer = ANSWERS[endpoint](params, account, state)
  return typeof answer === 'number' ? answer : okAnswer(answer)
}

/**
 * @param {DebugEndpoint} endpoint
 * @param {Exchange} exchange
 */
function readDebugBody(endpoint, { body }) {
  return /** @type {number | DebugParams} */ (readJson(body, FIELDS[endpoint]))
}

/**
 * The page's table has them in the body, its sample in the query.
 * https://developers.weixin.qq.com/doc/store/API/apimgnt/clearQuotaByAppSecret.html
 * @param {Exchange} exchange
 * @returns {number | DebugParams}
 */
function readCredentials(exchange) {
  const { appid, appsecret } = exchange.record.query
  return appid === undefined ? readDebugBody('clear_quota/v2', exchange) : { appid, appsecret }
}

/**
 * @param {DebugParams} params
 * @param {Exchange} exchange
 * @param {ServerState} state
 */
function identify({ appid, appsecret: secret }, exchange, state) {
  if (!appid) return 41002
  if (!secret) return 41004
  return authenticateBySecret('clear_quota/v2', { appid, secret }, exchange, state)
}

/**
 * @param {DebugParams} params
 * @param {Account} account
 */
function quotaInfo({ cgi_path: path = '' }, { quotas }) {
  const quota = quotaOf(path, quotas)
  return typeof quota === 'number' ? quota : quotaReport(quota)
}

/**
 * The day's counters, forced refreshes among them:
 * https://developers.weixin.qq.com/community/personal/oCJUswyK7-0uEDixJMq1EgOsP3q4/question
 * @param {Account} account
 */
function clearAll({ quotas, forced, clearings }) {
  const spent = clearings.take()
  if (spent) return spent
  for (const { day } of Object.values(quotas)) day.reset()
  forced.reset()
  return {}
}

/**
 * @param {DebugParams} params
 * @param {Account} account
 */
function clearOne({ cgi_path: path = '' }, { quotas, clearingsOfOne }) {
  const quota = quotaOf(path, quotas)
  if (typeof quota === 'number') return quota
  const spent = clearingsOfOne.take()
  if (spent) return spent
  quota.day.reset()
  return {}
}

module.exports = { answerDebug }
