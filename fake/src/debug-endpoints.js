import { callerBySecret, callerByToken } from './callers.js'
import { readJson } from './json-body.js'
import { quotaReport, resetDay } from './quota-report.js'
import { jsonAnswer } from './refusals.js'

/** @import { FieldType } from './json-body.js' */
/** @import { Account, Answer, DebugEndpoint, DebugParams, Visit, World } from './types.js' */

const RID = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/

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
  'quota/get': ({ cgi_path: path = '' }, account) => quotaReport(path, account),
  'quota/clear': clearOne,
  clear_quota: ({ appid }, account) => (appid === account.app.appid ? clearAll(account) : 40013),
  'clear_quota/v2': (_params, account) => clearAll(account),
  'rid/get': ({ rid = '' }, account, { rids }) => {
    if (!RID.test(rid)) return 76002
    const found = rids.find(rid)
    if (found === undefined) return 76001
    return found.owner === undefined || found.owner === account ? { request: found.request } : 76003
  },
}

/**
 * Quotas and rids.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/
 * @param {DebugEndpoint} endpoint
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
export function answerDebug(endpoint, { record, body, ip }, world) {
  const withSecret = endpoint === 'clear_quota/v2'
  const byToken = withSecret ? undefined : callerByToken(record.query.access_token, world)
  if (typeof byToken === 'number') return byToken
  const params = /** @type {number | DebugParams} */ (readJson(body, FIELDS[endpoint]))
  if (typeof params === 'number') return params
  const account = byToken ?? callerBySecret(params.appid, params.appsecret, ip, world)
  if (typeof account === 'number') return account
  const answer = ANSWERS[endpoint](params, account, world)
  return typeof answer === 'number' ? answer : jsonAnswer({ errcode: 0, errmsg: 'ok', ...answer })
}

/** @param {Account} account */
function clearAll({ quotas }) {
  if (!quotas.clearMonth.take()) return 48006
  resetDay(quotas)
  return {}
}

/**
 * @param {DebugParams} params
 * @param {Account} account
 */
function clearOne({ cgi_path: path = '' }, account) {
  const report = quotaReport(path, account)
  if (typeof report === 'number') return report
  if (!account.quotas.clearOneMonth.take()) return 48006
  resetDay(account.quotas, path)
  return {}
}
