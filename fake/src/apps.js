import { hash } from 'node:crypto'
import { createEndpointQuotas } from './endpoint-quotas.js'
import { DEFAULT_LIMITS } from './limits.js'
import { createLinks } from './links.js'
import { createNfcSchemes } from './nfc-schemes.js'
import { createQuota, DAY, FOR_EVER, MONTH } from './quota.js'
import { createClassicTokens, createStableTokens } from './tokens.js'

/** @import { App, Clock, FakeOptions } from '../index.js' */
/** @import { Account } from './types.js' */

const DEFAULT_PAGES = ['pages/index/index', 'pages/goods/detail', 'pages/order/list']

/** @type {typeof import('../index.js').DEFAULT_APP} */
export const DEFAULT_APP = Object.freeze({
  appid: 'wx1234567890abcdef',
  secret: '0123456789abcdef0123456789abcdef',
  pages: Object.freeze(DEFAULT_PAGES),
  released: /** @type {const} */ (true),
})

/**
 * What WeChat keeps for one app: its tokens, its quotas, and the codes and links it has made.
 * @param {App} app
 * @param {Clock} clock
 * @param {FakeOptions} options
 * @returns {Account}
 */
export function createAccount(app, clock, options) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const life = options.tokenLife ?? 7200
  const forced = createQuota(clock, limits.forcedPerDay, DAY, 45009)
  return {
    app,
    classic: createClassicTokens(clock, life),
    stable: createStableTokens(clock, life, forced),
    forced,
    quotas: createEndpointQuotas(clock, limits),
    clearings: createQuota(clock, limits.clearsPerMonth, MONTH, 48006),
    clearingsOfOne: createQuota(clock, limits.clearsOfOnePerMonth, MONTH, 48006),
    permanentShortLinks: createQuota(clock, limits.permanentShortLinks, FOR_EVER, 85400),
    visitsPerDay: limits.visitsPerDay,
    codes: createCodeCount(limits.codesForLife),
    links: createLinks(),
    nfcSchemes: createNfcSchemes(),
  }
}

/**
 * @param {string} page empty for the main page
 * @param {App} app
 */
export function isPublished(page, { released, pages = DEFAULT_PAGES }) {
  return released !== false && (page === '' || pages.includes(page))
}

/**
 * getwxacode and createwxaqrcode share a number of codes for life; the same parameters count once.
 * https://developers.weixin.qq.com/community/develop/doc/000448546b4130283d09b7ca451400
 * @param {number} limit
 */
function createCodeCount(limit) {
  const seen = new Set()
  return {
    /**
     * @param {string} parameters
     * @returns {boolean} whether this code may be made
     */
    take(parameters) {
      const key = hash('sha1', parameters, 'base64')
      if (seen.has(key)) return true
      if (seen.size >= limit) return false
      seen.add(key)
      return true
    },
    get used() {
      return seen.size
    },
  }
}
