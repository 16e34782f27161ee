'use strict'

const { spend } = require('./endpoint-quotas.js')
const { readJson } = require('./json-body.js')
const { merchantBehind, ownerOf } = require('./platform/authentication.js')

/** @import { Account, AppEndpoint, Exchange, PlatformState, ServerState } from './types.js' */

/**
 * Who calls with an access token, and whether the quota lasts.
 * @param {AppEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account} the errcode of the refusal, or the account
 */
function authenticateByToken(endpoint, exchange, state) {
  const token = exchange.record.query.access_token
  if (!token) return 41001
  const merchant = merchantBehind(token, endpoint, exchange, state)
  if (typeof merchant === 'number') return merchant
  if (merchant) return spend(merchant.quotas[endpoint]) || merchant
  for (const account of state.accounts) {
    const status = statusOf(token, account)
    if (status !== undefined) return status || spend(account.quotas[endpoint]) || account
  }
  return 40001
}

/**
 * @param {string} token
 * @param {Account} account
 */
const statusOf = (token, { stable, classic }) => stable.statusOf(token) ?? classic.statusOf(token)

/**
 * Who calls with an AppSecret, and whether the quota lasts. The whitelist belongs to the account, so it comes after the
 * appid, and it is there to keep a stolen secret from being tried, so it comes before the secret.
 * @param {AppEndpoint} endpoint
 * @param {{ appid: string, secret: string }} credentials
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account} the errcode of the refusal, or the account
 */
function authenticateBySecret(endpoint, { appid, secret }, { ip }, { accounts, isListed, platforms }) {
  const account = accounts.find((account) => account.appid === appid)
  if (account === undefined) return platforms.some((platform) => platform.appid === appid) ? 61024 : 40013
  if (!isListed(ip)) return 40164
  if (account.secret !== secret) return 40125
  return spend(account.quotas[endpoint]) || account
}

/**
 * Whose request this is, refused or not: he may look its rid up.
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {Account | PlatformState | undefined} undefined for none: without an appid, and without a token or with a
 *   forgotten one
 */
function callerNamedIn({ record: { query }, body }, { accounts, platforms }) {
  const token = query.access_token || query.component_access_token || ''
  const byToken = ownerOf(token, platforms) ?? accounts.find((account) => statusOf(token, account) !== undefined)
  if (byToken) return byToken
  const json = readJson(body, {})
  const params = typeof json === 'object' ? json : {}
  const appid = query.appid ?? params.component_appid ?? params.appid
  return [...accounts, ...platforms].find((one) => one.appid === appid)
}

module.exports = { authenticateByToken, authenticateBySecret, callerNamedIn }
