/** @import { Account, Visit, World } from './types.js' */

/**
 * Who calls with an access token.
 * @param {string | undefined} token
 * @param {World} world
 * @returns {number | Account} the errcode of the refusal, or the account
 */
export function callerByToken(token, { accounts }) {
  if (!token) return 41001
  for (const account of accounts) {
    const verdict = account.stable.verdict(token) ?? account.classic.verdict(token)
    if (verdict !== undefined) return verdict || account
  }
  return 40001
}

/**
 * Who calls with an AppSecret. The whitelist belongs to the account, so it comes after the appid, and it is there to keep
 * a stolen secret from being tried, so it comes before the secret.
 * @param {string | undefined} appid
 * @param {string | undefined} secret
 * @param {string} ip
 * @param {World} world
 * @returns {number | Account} the errcode of the refusal, or the account
 */
export function callerBySecret(appid, secret, ip, { accounts, isListed }) {
  const account = accounts.find(({ app }) => app.appid === appid)
  if (account === undefined) return 40013
  if (!isListed(ip)) return 40164
  return account.app.secret === secret ? account : 40125
}

/**
 * Whose request this is, whether or not it may be served: for who may look its rid up.
 * @param {Visit} visit
 * @param {World} world
 * @returns {Account | undefined}
 */
export function callerNamedIn({ record: { query, body } }, { accounts }) {
  const { access_token: token, appid } = query
  return accounts.find(
    ({ app, stable, classic }) =>
      (token !== undefined && (stable.verdict(token) ?? classic.verdict(token)) !== undefined) ||
      appid === app.appid ||
      body.includes(`"${app.appid}"`),
  )
}
