'use strict'

const { authenticateByToken } = require('./authentication.js')
const { expiryOf, readLinkBody, wrongJump, wrongShortLink } = require('./link-params.js')
const { shortLink } = require('./links.js')
const { wrongDevice } = require('./nfc-schemes.js')
const { okAnswer, refusal } = require('./refusals.js')

/** @import { Clock } from '../index.js' */
/** @import { Account, Answer, JumpWxa, LinkEndpoint, LinkInfo, LinkKind, LinkParams, Exchange, ServerState } from './types.js' */

// Those that anybody may write, once the account has allowed it in the console.
const PLAIN_SCHEME = 'weixin://dl/business/?appid='

/**
 * @typedef {object} Call
 * @property {LinkParams} params
 * @property {Account} account
 * @property {Exchange} exchange
 * @property {ServerState} state
 */

/** @type {Record<LinkEndpoint, (call: Call) => number | Answer>} */
const ANSWERS = {
  generatescheme: (call) => make('scheme', 'openlink', call.params.jump_wxa ?? {}, call),
  generate_urllink: (call) => make('urlLink', 'url_link', call.params, call),
  generatenfcscheme: makeNfcScheme,
  genwxashortlink: makeShortLink,
  queryscheme: (call) => query('scheme', 'scheme_info', call.params.scheme, call),
  query_urllink: (call) => query('urlLink', 'url_link_info', call.params.url_link, call),
}

/**
 * Schemes, URL links and short links: who calls, whether the quota lasts, what is asked, the link.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/
 * @param {LinkEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerLink(endpoint, exchange, state) {
  const account = authenticateByToken(endpoint, exchange, state)
  if (typeof account === 'number') return account
  const params = readLinkBody(endpoint, exchange.body)
  if (typeof params === 'number') return params
  return ANSWERS[endpoint]({ params, account, exchange, state })
}

/**
 * @param {LinkKind} kind
 * @param {string} key
 * @param {JumpWxa} jump
 * @param {Call} call
 */
function make(kind, key, jump, { params, account, exchange, state: { clock } }) {
  const wrong = wrongJump(jump, account.app, exchange.body)
  if (wrong) return wrong
  const end = expiryOf(params, clock)
  if (end === 0) return 85401
  const info = { ...infoOf(jump, end, account, clock), ...(params.cloud_base && { cloud_base: params.cloud_base }) }
  return okAnswer({ [key]: account.links.make(kind, info) })
}

/** @param {Call} call */
function makeNfcScheme({ params, account, exchange, state: { clock } }) {
  const { jump_wxa: jump = {} } = params
  const wrong = wrongJump(jump, account.app, exchange.body) || wrongDevice(params, account.app)
  if (wrong) return wrong
  const { scheme, isTaken } = account.nfcSchemes.schemeFor(params, () =>
    account.links.make('scheme', infoOf(jump, 0, account, clock)),
  )
  return isTaken ? refusal(9800010, { ip: exchange.ip, clock, scheme }) : okAnswer({ openlink: scheme })
}

/** @param {Call} call */
function makeShortLink({ params, account: { appid, app, permanentShortLinks } }) {
  const wrong = wrongShortLink(params, app) || (params.is_permanent && permanentShortLinks.take())
  return wrong || okAnswer({ link: shortLink(appid, params.page_title ?? '') })
}

/**
 * @param {JumpWxa} jump
 * @param {number} end seconds since 1970, 0 for never
 * @param {Account} account
 * @param {Clock} clock
 * @returns {LinkInfo}
 */
function infoOf({ path = '', query = '', env_version: envVersion = 'release' }, end, { appid }, clock) {
  const created = Math.floor(clock.now() / 1000)
  return { appid, path, query, create_time: created, expire_time: end, env_version: envVersion }
}

/**
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html
 * @param {LinkKind} kind
 * @param {string} key
 * @param {string | undefined} link
 * @param {Call} call
 */
function query(kind, key, link, { params: { query_type: type = 0 }, account }) {
  // No user opens links at a fake.
  if (type === 1) return okAnswer({ quota_info: { remain_visit_quota: account.visitsPerDay } })
  if (type !== 0 || !link) return 40097
  if (link.startsWith(PLAIN_SCHEME)) return 85405
  const info = account.links.find(kind, link)
  return info === undefined ? 85403 : okAnswer({ [key]: info })
}

module.exports = { answerLink }
