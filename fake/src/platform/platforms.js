'use strict'

const { randomBytes } = require('node:crypto')
const { createTokens } = require('../tokens.js')
const { createQuota, DAY, MONTH } = require('../quota.js')
const { DEFAULT_LIMITS } = require('../limits.js')
const { createWhitelist } = require('../whitelist.js')
const { namesIn } = require('../endpoints.js')
const { createMerchants } = require('./merchants.js')
const { createTickets } = require('./tickets.js')

/** @import { Clock, FakeOptions, Limits, Platform } from '../../index.js' */
/** @import { PlatformEndpoint, PlatformQuotas, PlatformState, PlatformSwitches } from '../types.js' */

const ENCODING_AES_KEY = /^[0-9A-Za-z]{43}$/

/**
 * What WeChat keeps for one platform. What the test has set is read when it is needed, so that the test can change it.
 * @param {Platform} platform
 * @param {Clock} clock
 * @param {FakeOptions} options
 * @param {PlatformSwitches} switches
 * @returns {PlatformState}
 */
function createPlatform(platform, clock, options, switches) {
  checkKey(platform.encodingAESKey)
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const life = options.tokenLife ?? 7200
  const made = newCredentials()
  return {
    platform,
    appid: platform.appid ?? made.appid,
    get secret() {
      return platform.secret ?? made.secret
    },
    get pushToken() {
      return platform.pushToken ?? made.pushToken
    },
    get encodingAESKey() {
      return platform.encodingAESKey ?? made.encodingAESKey
    },
    isListed: (ip) => createWhitelist(platform.ipWhitelist)(ip),
    tokens: createTokens(clock, life),
    tickets: createTickets(clock),
    preAuthCode: undefined,
    merchants: createMerchants(clock, life, switches),
    quotas: createPlatformQuotas(clock, limits),
    clearings: createQuota(clock, limits.clearsPerMonth, MONTH, 48006),
    isStopped: false,
  }
}

/** A client remembers what it has learnt of an appid longer than a fake lives. */
function newCredentials() {
  const key = randomBytes(32).toString('base64').slice(0, 43).replaceAll(/[+/]/g, 'x')
  return {
    appid: `wx${randomBytes(8).toString('hex')}`,
    secret: randomBytes(16).toString('hex'),
    pushToken: randomBytes(16).toString('hex'),
    encodingAESKey: key,
  }
}

/** @param {string} [key] */
function checkKey(key) {
  if (key === undefined || ENCODING_AES_KEY.test(key)) return
  throw new TypeError('platforms: an encodingAESKey has 43 letters and digits')
}

/**
 * @param {Clock} clock
 * @param {Required<Limits>} limits
 * @returns {PlatformQuotas}
 */
function createPlatformQuotas(clock, limits) {
  const names = /** @type {PlatformEndpoint[]} */ (namesIn('platform'))
  const perDay = (/** @type {PlatformEndpoint} */ name) =>
    name === 'api_component_token' ? limits.componentTokensPerDay : limits.callsPerDay
  const quotas = names.map((name) => [name, { day: createQuota(clock, perDay(name), DAY, 45009) }])
  return Object.fromEntries(quotas)
}

module.exports = { createPlatform }
