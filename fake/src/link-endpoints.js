import { callerByToken } from './callers.js'
import { readLinkBody } from './link-params.js'
import { newLinkName } from './links.js'
import { jsonAnswer } from './refusals.js'

/** @import { Account, Answer, JumpWxa, LinkEndpoint, LinkParams, Visit, World } from './types.js' */

const DAY_SECONDS = 86_400
const LONGEST_DAYS = 30

/** @type {Record<LinkEndpoint, (params: LinkParams, account: Account, world: World) => number | object>} */
const ANSWERS = {
  generatescheme: (params, account, world) => ({
    openlink: account.links.make('scheme', infoOf(params.jump_wxa, expiryOf(params, world), account, world)),
  }),
  generate_urllink: (params, account, world) => ({
    url_link: account.links.make('urlLink', infoOf(params, expiryOf(params, world), account, world)),
  }),
  generatenfcscheme: (params, account, world) => ({
    openlink: account.links.make('scheme', infoOf(params.jump_wxa, 0, account, world)),
  }),
  genwxashortlink: ({ page_title: title }, { app }) => ({
    link: ['#小程序:/', app.appid, ...(title ? [title] : []), newLinkName()].join('/'),
  }),
  queryscheme: (params, account) => query('scheme', 'scheme_info', params.scheme, params, account),
  query_urllink: (params, account) => query('urlLink', 'url_link_info', params.url_link, params, account),
}

/**
 * Schemes, URL links and short links.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/
 * @param {LinkEndpoint} endpoint
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
export function answerLink(endpoint, { record, body }, world) {
  const account = callerByToken(record.query.access_token, world)
  if (typeof account === 'number') return account
  const params = readLinkBody(endpoint, body)
  if (typeof params === 'number') return params
  const answer = ANSWERS[endpoint](params, account, world)
  return typeof answer === 'number' ? answer : jsonAnswer({ errcode: 0, errmsg: 'ok', ...answer })
}

/**
 * @param {LinkParams} params
 * @param {World} world
 * @returns {number} seconds since 1970
 */
function expiryOf({ expire_type: type = 0, expire_time: time, expire_interval: days = LONGEST_DAYS }, { clock }) {
  const inDays = Math.floor(clock.now() / 1000) + days * DAY_SECONDS
  return type === 0 ? (time ?? inDays) : inDays
}

/**
 * @param {JumpWxa | undefined} jump
 * @param {number} expiry
 * @param {Account} account
 * @param {World} world
 */
function infoOf({ path = '', query = '', env_version: envVersion = 'release' } = {}, expiry, { app }, { clock }) {
  const created = Math.floor(clock.now() / 1000)
  return { appid: app.appid, path, query, create_time: created, expire_time: expiry, env_version: envVersion }
}

/**
 * @param {'scheme' | 'urlLink'} kind
 * @param {string} key
 * @param {string | undefined} link
 * @param {LinkParams} params
 * @param {Account} account
 */
function query(kind, key, link, { query_type: type = 0 }, { links }) {
  if (type === 1) return { quota_info: { remain_visit_quota: 3_000_000 } }
  const info = links.find(kind, link ?? '')
  return info === undefined ? 85403 : { [key]: info }
}
