'use strict'

const { spend } = require('./endpoint-quotas.js')
const { readJson } = require('./json-body.js')

/** @import { EndpointName } from '../index.js' */
/** @import { Account, Exchange, ServerState } from './types.js' */

/**
 * Who calls with an access token, and whether the quota lasts.
 * @param {EndpointName} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account} the errcode of the refusal, or the account
 */
function authenticateByToken(endpoint, { record }, { accounts }) {
  const token = record.query.access_token
  if (!token) return 41001
  for (const account of accounts) {
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
 * @param {EndpointName} endpoint
 * @param {{ appid: string, secret: string }} credentials
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Account} the errcode of the refusal, or the account
 */
function authenticateBySecret(endpoint, { appid, secret }, { ip }, { accounts, isListed }) {
  const account = accounts.find((account) => account.appid === appid)
  if (account === undefined) return 40013
  if (!isListed(ip)) return 40164
  if (account.secret !== secret) return 40125
  return spend(account.quotas[endpoint]) || account
}

/**
 * Whose request this is, refused or not: he may look its rid up.
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {Account | undefined} undefined for no account: without an appid, and without a token or with a forgotten one
 */
function accountNamedIn({ record: { query }, body }, { accounts }) {
  const { access_token: token = '' } = query
  const byToken = accounts.find((account) => statusOf(token, account) !== undefined)
  if (byToken) return byToken
  const params = readJson(body, {})
  const appid = query.appid ?? (typeof params === 'object' ? params.appid : undefined)
  return accounts.find((account) => account.appid === appid)
}

module.exports = { authenticateByToken, authenticateBySecret, accountNamedIn }
