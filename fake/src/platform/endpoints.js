'use strict'

const { readJson } = require('../json-body.js')
const { jsonAnswer, okAnswer } = require('../refusals.js')
const { platformBySecret, platformByToken } = require('./authentication.js')
const { pushTicket } = require('./events.js')
const { newValue, seconds } = require('./values.js')

/** @import { FieldType } from '../json-body.js' */
/** @import { Answer, Exchange, Merchant, PlatformEndpoint, PlatformParams, PlatformState, ServerState, Token } from '../types.js' */

const PRE_AUTH_CODE_SECONDS = 1800
const LIST_LIMIT = 500

/** @type {Record<string, FieldType>} */
const MERCHANT = { component_appid: 'string', authorizer_appid: 'string' }

/** @type {Record<PlatformEndpoint, Record<string, FieldType>>} */
const FIELDS = {
  api_start_push_ticket: { component_appid: 'string', component_secret: 'string' },
  api_component_token: {
    component_appid: 'string',
    component_appsecret: 'string',
    component_verify_ticket: 'string',
  },
  api_create_preauthcode: { component_appid: 'string' },
  api_query_auth: { component_appid: 'string', authorization_code: 'string' },
  api_authorizer_token: { ...MERCHANT, authorizer_refresh_token: 'string' },
  api_get_authorizer_list: { component_appid: 'string', offset: 'integer', count: 'integer' },
  api_get_authorizer_info: MERCHANT,
  'component/clear_quota/v2': { appid: 'string', appsecret: 'string' },
}

/**
 * How the endpoints without a token name the AppSecret.
 * @type {Partial<Record<PlatformEndpoint, (params: PlatformParams) => { appid?: string, secret?: string }>>}
 */
const CREDENTIALS = {
  api_start_push_ticket: ({ component_appid: appid, component_secret: secret }) => ({ appid, secret }),
  api_component_token: ({ component_appid: appid, component_appsecret: secret }) => ({ appid, secret }),
  'component/clear_quota/v2': ({ appid, appsecret: secret }) => ({ appid, secret }),
}

/**
 * @typedef {object} Call
 * @property {PlatformParams} params
 * @property {PlatformState} platform
 * @property {Exchange} exchange
 * @property {ServerState} state
 */

/** @type {Record<PlatformEndpoint, (call: Call) => number | Answer>} */
const ANSWERS = {
  api_start_push_ticket: startPushes,
  api_component_token: componentToken,
  api_create_preauthcode: preAuthCode,
  api_query_auth: queryAuth,
  api_authorizer_token: authorizerToken,
  api_get_authorizer_list: authorizerList,
  api_get_authorizer_info: authorizerInfo,
  'component/clear_quota/v2': clearAll,
}

/**
 * The endpoints of third-party platforms: who calls, whether the quota lasts, what is asked, the answer.
 * https://developers.weixin.qq.com/doc/oplatform/openApi/
 * @param {PlatformEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerPlatform(endpoint, exchange, state) {
  const credentialsIn = CREDENTIALS[endpoint]
  const byToken = credentialsIn ? undefined : platformByToken(endpoint, exchange, state)
  if (typeof byToken === 'number') return byToken
  const params = /** @type {number | PlatformParams} */ (readJson(exchange.body, FIELDS[endpoint]))
  if (typeof params === 'number') return params
  const platform = byToken ?? platformBySecret(endpoint, credentialsIn?.(params) ?? {}, exchange, state)
  if (typeof platform === 'number') return platform
  const wrong = byToken ? wrongComponent(params, byToken) : 0
  return wrong || ANSWERS[endpoint]({ params, platform, exchange, state })
}

/**
 * @param {PlatformParams} params
 * @param {PlatformState} platform
 */
function wrongComponent({ component_appid: appid }, platform) {
  if (!appid) return 41002
  return appid === platform.appid ? 0 : 61011
}

/** @param {Call} call */
function startPushes({ platform, exchange, state }) {
  if (!platform.isStopped) return okAnswer({ errmsg: 'in a normal state' })
  platform.isStopped = false
  // Its record tells the test of a push without an answer.
  exchange.res.once('close', () => pushTicket(platform, state).catch(() => {}))
  return okAnswer({})
}

/** @param {Call} call */
function componentToken({ params, platform: { tickets, tokens }, state: { clock, switches } }) {
  const wrong = tickets.statusOf(params.component_verify_ticket)
  if (wrong) return wrong
  if (!switches.overlapAccessTokens) tokens.revoke()
  const token = tokens.issue()
  return jsonAnswer({ component_access_token: token.value, expires_in: secondsLeft(token, clock.now()) })
}

/** @param {Call} call */
function preAuthCode({ platform }) {
  platform.preAuthCode = newValue('preauthcode')
  return jsonAnswer({ pre_auth_code: platform.preAuthCode, expires_in: PRE_AUTH_CODE_SECONDS })
}

/** @param {Call} call */
function queryAuth({ params, platform: { merchants }, state: { clock } }) {
  const merchant = merchants.redeem(params.authorization_code)
  if (typeof merchant === 'number') return merchant
  const tokens = tokensOf(merchant, merchants.newAccessToken(merchant), clock.now())
  return jsonAnswer({ authorization_info: { ...identityOf(merchant), ...tokens, ...permissionsOf(merchant) } })
}

/** @param {Call} call */
function authorizerToken({ params, platform: { merchants }, state: { clock } }) {
  if (!params.authorizer_appid) return 40013
  const merchant = merchants.find(params.authorizer_appid)
  if (merchant === undefined) return 61003
  const wrong = merchants.refreshBy(merchant, params.authorizer_refresh_token)
  return wrong || jsonAnswer(tokensOf(merchant, merchants.newAccessToken(merchant), clock.now()))
}

/** @param {Call} call */
function authorizerList({ params: { offset = -1, count = -1 }, platform: { merchants } }) {
  if (count > LIST_LIMIT) return 40170
  if (offset < 0 || count < 1) return 40097
  const all = merchants.all()
  const list = all.slice(offset, offset + count).map((merchant) => ({
    ...identityOf(merchant),
    refresh_token: refreshTokenOf(merchant),
    auth_time: seconds(merchant.authorizedAt),
  }))
  return jsonAnswer({ total_count: all.length, list })
}

/** @param {Call} call */
function authorizerInfo({ params, platform: { merchants } }) {
  if (!params.authorizer_appid) return 40013
  const merchant = merchants.find(params.authorizer_appid)
  if (merchant === undefined) return 61003
  const { appid } = merchant.account
  const info = { nick_name: appid, user_name: `gh_${appid}`, principal_name: appid, verify_type_info: { id: 0 } }
  const tokens = { authorizer_refresh_token: refreshTokenOf(merchant) }
  return jsonAnswer({
    authorizer_info: { ...info, MiniProgramInfo: { network: {}, categories: [] } },
    authorization_info: { ...identityOf(merchant), ...tokens, ...permissionsOf(merchant) },
  })
}

/** @param {Call} call */
function clearAll({ platform: { clearings, quotas } }) {
  const spent = clearings.take()
  if (spent) return spent
  for (const { day } of Object.values(quotas)) day.reset()
  return okAnswer({})
}

/** @param {Merchant} merchant */
const identityOf = ({ account: { appid } }) => ({ authorizer_appid: appid })

/** @param {Merchant} merchant */
function permissionsOf({ permissions }) {
  return { func_info: permissions.map((id) => ({ funcscope_category: { id } })) }
}

/**
 * @param {Merchant} merchant
 * @param {Token} access
 * @param {number} now
 */
function tokensOf({ refresh }, access, now) {
  return {
    authorizer_access_token: access.value,
    expires_in: secondsLeft(access, now),
    authorizer_refresh_token: refresh.current()?.value,
  }
}

/**
 * WeChat shows it once api_query_auth was called for the merchant.
 * @param {Merchant} merchant
 */
const refreshTokenOf = ({ isQueried, refresh }) => (isQueried ? refresh.current()?.value : null)

/**
 * @param {Token} token
 * @param {number} now
 */
const secondsLeft = ({ expiresAt }, now) => Math.ceil((expiresAt - now) / 1000)

module.exports = { answerPlatform }
