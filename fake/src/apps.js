import { hash } from 'node:crypto'
import { createLinks } from './links.js'
import { createQuota, DAY, DEFAULT_LIMITS, MINUTE, MONTH } from './quota.js'
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
 * What WeChat keeps for one app: its tokens, its quotas, and the codes it has made.
 * @param {App} app
 * @param {Clock} clock
 * @param {FakeOptions} options
 * @returns {Account}
 */
export function createAccount(app, clock, options) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const life = options.tokenLife ?? 7200
  return {
    app,
    classic: createClassicTokens(clock, life),
    stable: createStableTokens(clock, life, createQuota(clock, limits.forcedPerDay, DAY)),
    quotas: {
      classicDay: createQuota(clock, limits.classicPerDay, DAY),
      stableMinute: createQuota(clock, limits.stablePerMinute, MINUTE),
      stableDay: createQuota(clock, limits.stablePerDay, DAY),
      unlimitedMinute: createQuota(clock, limits.unlimitedPerMinute, MINUTE),
      limitedDay: createQuota(clock, limits.limitedPerDay, DAY),
      schemeSecond: createQuota(clock, limits.linksPerSecond, 1),
      urlLinkSecond: createQuota(clock, limits.linksPerSecond, 1),
      nfcSchemeSecond: createQuota(clock, limits.linksPerSecond, 1),
      linkDay: createQuota(clock, limits.linksPerDay, DAY),
      shortLinkDay: createQuota(clock, limits.shortLinksPerDay, DAY),
      clearMonth: createQuota(clock, limits.clearsPerMonth, MONTH),
      clearOneMonth: createQuota(clock, limits.clearsOfOnePerMonth, MONTH),
    },
    unlimitedErrcode: limits.unlimitedErrcode,
    codes: createCodeCount(limits.codesForLife),
    links: createLinks(),
  }
}

/** @param {App} app */
export const publishedPages = (app) => app.pages ?? DEFAULT_PAGES

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
