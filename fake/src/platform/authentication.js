'use strict'

const { spend } = require('../endpoint-quotas.js')
const { groupOf } = require('../endpoints.js')

/** @import { EndpointName } from '../../index.js' */
/** @import { Account, Exchange, Merchant, PlatformEndpoint, PlatformState, ServerState } from '../types.js' */

/** The permission set that a group of endpoints needs. */
const PERMISSIONS = new Map([
  ['codes', 17],
  ['links', 88],
])

/**
 * Whether a token of a platform may call an endpoint that is not the platform's own, and for whom. The addresses are there to
 * keep a stolen token from being tried, so they come first.
 * @param {string} token
 * @param {EndpointName} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account | undefined} the errcode of the refusal, the merchant's account, or undefined for any other token
 */
function merchantBehind(token, endpoint, { ip }, { platforms }) {
  for (const platform of platforms) {
    const merchant = platform.merchants.ownerOf(token)
    if (merchant === undefined && platform.tokens.statusOf(token) === undefined) continue
    if (!platform.isListed(ip)) return 61004
    if (merchant === undefined) return 61015
    return wrongMerchantToken(token, merchant, platform) || wrongPermission(endpoint, merchant) || merchant.account
  }
  return undefined
}

/**
 * @param {string} token
 * @param {Merchant} merchant
 * @param {PlatformState} platform
 */
function wrongMerchantToken(token, merchant, { merchants }) {
  if (merchants.find(merchant.account.appid) === undefined) return 61003
  return merchant.access.statusOf(token) ?? 40001
}

/**
 * @param {EndpointName} endpoint
 * @param {Merchant} merchant
 */
function wrongPermission(endpoint, { permissions }) {
  const needed = PERMISSIONS.get(groupOf(endpoint) ?? '')
  return needed === undefined || permissions.includes(needed) ? 0 : 61007
}

/**
 * Whose token it is or was: a platform's own, or one of its merchants'.
 * @param {string} token
 * @param {PlatformState[]} platforms
 * @returns {Account | PlatformState | undefined}
 */
function ownerOf(token, platforms) {
  for (const platform of platforms) {
    const merchant = platform.merchants.ownerOf(token)
    if (merchant) return merchant.account
    if (platform.tokens.statusOf(token) !== undefined) return platform
  }
  return undefined
}

/**
 * Which platform calls with its component_access_token, and whether the quota lasts.
 * @param {PlatformEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | PlatformState} the errcode of the refusal, or the platform
 */
function platformByToken(endpoint, { record: { query }, ip }, { platforms, accounts }) {
  // The second is the older spelling.
  const token = query.access_token || query.component_access_token
  if (!token) return 41001
  const platform = platforms.find(({ tokens }) => tokens.statusOf(token) !== undefined)
  if (platform === undefined) {
    const isOther =
      platforms.some(({ merchants }) => merchants.ownerOf(token)) ||
      accounts.some(({ stable, classic }) => (stable.statusOf(token) ?? classic.statusOf(token)) !== undefined)
    return isOther ? 61014 : 40001
  }
  if (!platform.isListed(ip)) return 61004
  return platform.tokens.statusOf(token) || spend(platform.quotas[endpoint]) || platform
}

/**
 * Which platform calls with its AppSecret, and whether the quota lasts.
 * @param {PlatformEndpoint} endpoint
 * @param {{ appid?: string, secret?: string }} credentials
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | PlatformState} the errcode of the refusal, or the platform
 */
function platformBySecret(endpoint, { appid, secret }, { ip }, { platforms, accounts }) {
  if (!appid) return 41002
  if (!secret) return 41004
  const platform = platforms.find((one) => one.appid === appid)
  if (platform === undefined) return accounts.some((account) => account.appid === appid) ? 48001 : 40013
  if (!platform.isListed(ip)) return 61004
  if (platform.secret !== secret) return 40125
  return spend(platform.quotas[endpoint]) || platform
}

module.exports = { merchantBehind, ownerOf, platformByToken, platformBySecret }
