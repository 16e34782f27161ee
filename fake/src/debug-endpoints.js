'use strict'

const { callerBySecret, callerByToken } = require('./callers.js')
const { readJson } = require('./json-body.js')
const { quotaOf, quotaReport } = require('./quota-report.js')
const { okAnswer } = require('./refusals.js')

/** @import { FieldType } from './json-body.js' */
/** @import { Account, Answer, DebugEndpoint, DebugParams, Visit, World } from './types.js' */

/** @type {Record<DebugEndpoint, Record<string, FieldType>>} */
const FIELDS = {
  'quota/get': { cgi_path: 'string' },
  'quota/clear': { cgi_path: 'string' },
  clear_quota: { appid: 'string' },
  'clear_quota/v2': { appid: 'string', appsecret: 'string' },
  'rid/get': { rid: 'string' },
}

/** @type {Record<DebugEndpoint, (params: DebugParams, account: Account, world: World) => number | object>} */
const ANSWERS = {
  'quota/get': tellQuota,
  'quota/clear': clearOne,
  clear_quota: ({ appid }, account) => (appid === account.appid ? clearAll(account) : 40013),
  'clear_quota/v2': (_params, account) => clearAll(account),
  'rid/get': ({ rid = '' }, account, { rids }) => rids.tell(rid, account),
}

/**
 * Quotas and rids: who calls, what is asked, the answer.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/
 * @param {DebugEndpoint} endpoint
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerDebug(endpoint, visit, world) {
  const isBySecret = endpoint === 'clear_quota/v2'
  const byToken = isBySecret ? undefined : callerByToken(endpoint, visit, world)
  if (typeof byToken === 'number') return byToken
  const params = isBySecret ? readCredentials(visit) : readDebugBody(endpoint, visit)
  if (typeof params === 'number') return params
  const account = byToken ?? identify(params, visit, world)
  if (typeof account === 'number') return account
  const answer = ANSWERS[endpoint](params, account, world)
  return typeof answer === 'number' ? answer : okAnswer(answer)
}

/**
 * @param {DebugEndpoint} endpoint
 * @param {Visit} visit
 */
function readDebugBody(endpoint, { body }) {
  return /** @type {number | DebugParams} */ (readJson(body, FIELDS[endpoint]))
}

/**
 * The page's table has them in the body, its sample in the query.
 * https://developers.weixin.qq.com/doc/store/API/apimgnt/clearQuotaByAppSecret.html
 * @param {Visit} visit
 * @returns {number | DebugParams}
 */
function readCredentials(visit) {
  const { appid, appsecret } = visit.record.query
  return appid === undefined ? readDebugBody('clear_quota/v2', visit) : { appid, appsecret }
}

/**
 * @param {DebugParams} params
 * @param {Visit} visit
 * @param {World} world
 */
function identify({ appid, appsecret: secret }, visit, world) {
  if (!appid) return 41002
  if (!secret) return 41004
  return callerBySecret('clear_quota/v2', { appid, secret }, visit, world)
}

/**
 * @param {DebugParams} params
 * @param {Account} account
 */
function tellQuota({ cgi_path: path = '' }, { quotas }) {
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
