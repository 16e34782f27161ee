'use strict'

const { hash, randomBytes } = require('node:crypto')
const { createEndpointQuotas } = require('./endpoint-quotas.js')
const { DEFAULT_LIMITS } = require('./limits.js')
const { createLinks } = require('./links.js')
const { createNfcSchemes } = require('./nfc-schemes.js')
const { createQuota, DAY, FOR_EVER, MONTH } = require('./quota.js')
const { createClassicTokens, createStableTokens } = require('./tokens.js')

/** @import { App, Clock, FakeOptions } from '../index.js' */
/** @import { Account } from './types.js' */

/** @type {readonly string[]} */
const DEFAULT_PAGES = Object.freeze(['pages/index/index', 'pages/goods/detail', 'pages/order/list'])

const newAppid = () => `wx${randomBytes(8).toString('hex')}`
const newSecret = () => randomBytes(16).toString('hex')

/**
 * What WeChat keeps for one app: its tokens, its quotas, and the codes and links it has made. Without an appid it gets a new
 * one, for a client remembers what it has learnt of an appid longer than a fake lives.
 * @param {App} app
 * @param {Clock} clock
 * @param {FakeOptions} options
 * @returns {Account}
 */
function createAccount(app, clock, options) {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const life = options.tokenLife ?? 7200
  const forced = createQuota(clock, limits.forcedPerDay, DAY, 45009)
  const { appid = newAppid() } = app
  const secret = newSecret()
  return {
    appid,
    // As it is now: an AppSecret can be reset.
    get secret() {
      return app.secret ?? secret
    },
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
function isPublished(page, { released, pages = DEFAULT_PAGES }) {
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

module.exports = { DEFAULT_PAGES, createAccount, isPublished }
