'use strict'

const { isPublished } = require('./apps.js')
const { escapesAmpersand, haveTypes, readJson } = require('./json-body.js')
const { ENV_VERSIONS } = require('./params.js')
const { DAY, MINUTE } = require('./quota.js')

/** @import { App, Clock } from '../index.js' */
/** @import { FieldType } from './json-body.js' */
/** @import { JumpWxa, LinkEndpoint, LinkParams } from './types.js' */

/** @type {Record<string, FieldType>} */
const JUMP = { path: 'string', query: 'string', env_version: 'string' }
/** @type {Record<string, FieldType>} */
const EXPIRY = { is_expire: 'boolean', expire_type: 'integer', expire_time: 'integer', expire_interval: 'integer' }
/** @type {Record<string, FieldType>} */
const CLOUD_BASE = { env: 'string', domain: 'string', path: 'string', query: 'string', resource_appid: 'string' }

/** @type {Record<LinkEndpoint, Record<string, FieldType>>} */
const FIELDS = {
  generatescheme: { jump_wxa: 'object', ...EXPIRY },
  generate_urllink: { ...JUMP, ...EXPIRY, cloud_base: 'object' },
  generatenfcscheme: { jump_wxa: 'object', model_id: 'string', sn: 'string' },
  genwxashortlink: { page_url: 'string', page_title: 'string', is_permanent: 'boolean' },
  queryscheme: { scheme: 'string', query_type: 'integer' },
  query_urllink: { url_link: 'string', query_type: 'integer' },
}

const QUERY = /^[0-9A-Za-z!#$&'()*+,/:;=?@\-._~%]{0,1024}$/
const LONGEST_DAYS = 30
const PAGE_URL_LENGTH = 1024
// Only "invalid" titles are told of. One of several lines can be no title.
const PAGE_TITLE = /^\P{Cc}*$/u

/**
 * Shape only: empty, not JSON, types.
 * @param {LinkEndpoint} endpoint
 * @param {Buffer} body
 * @returns {number | LinkParams} the errcode of the refusal, or the parameters
 */
function readLinkBody(endpoint, body) {
  const params = /** @type {number | LinkParams} */ (readJson(body, FIELDS[endpoint]))
  if (typeof params === 'number') return params
  return haveTypes({ ...params.jump_wxa }, JUMP) && haveTypes({ ...params.cloud_base }, CLOUD_BASE) ? params : 47001
}

/**
 * Where a scheme or URL link leads. Unlike a code's `page`, `path` may begin with a slash: WeChat's own sample does.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html
 * @param {JumpWxa} jump
 * @param {App} app
 * @param {Buffer} body
 */
function wrongJump({ path = '', query = '', env_version: envVersion = 'release' }, app, body) {
  if (app.released === false) return 85079
  if (!isPublished(path.replace(/^\//, ''), app)) return 40165
  if (!QUERY.test(query) || escapesAmpersand(body, 'query')) return 40212
  return ENV_VERSIONS.includes(envVersion) ? 0 : 85402
}

/**
 * When a scheme or URL link ends. `is_expire` has no effect any more: without an end they live for the longest time.
 * https://developers.weixin.qq.com/community/develop/doc/000e8caba246d09ee493909ab66400
 * Too many days get 85401 like a time too far away:
 * https://developers.weixin.qq.com/community/develop/doc/000acaa10b43c80575adeb4bd51400
 * @param {LinkParams} params
 * @param {Clock} clock
 * @returns {number} seconds since 1970; 0 for a wrong one
 */
function expiryOf({ expire_type: type, expire_time: time, expire_interval: interval }, clock) {
  const now = Math.floor(clock.now() / 1000)
  const longest = now + LONGEST_DAYS * DAY
  if (type === undefined && time === undefined) return longest
  const end = type === 1 ? now + (interval ?? 0) * DAY : (time ?? 0)
  const isRight = (type === undefined || type === 0 || type === 1) && end > now + MINUTE && end <= longest
  return isRight ? end : 0
}

/**
 * Here a leading slash is refused, as users found out:
 * https://developers.weixin.qq.com/community/develop/doc/000c44d4e88138dbd4ad04cf056400
 * @param {LinkParams} params
 * @param {App} app
 */
function wrongShortLink({ page_url: url = '', page_title: title = '' }, app) {
  const [page] = url.split('?', 1)
  if (page === '' || url.length > PAGE_URL_LENGTH || !isPublished(page, app)) return 40066
  return PAGE_TITLE.test(title) ? 0 : 40225
}

module.exports = { readLinkBody, wrongJump, expiryOf, wrongShortLink }
