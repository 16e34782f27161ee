import { clock } from './clock.js'
import { credentials } from './credentials.js'
import { dns } from './dns.js'
import { badBecause, skipped } from './finding.js'
import { page } from './page.js'
import { quota } from './quota.js'
import { redis } from './redis/redis.js'
import { tls } from './tls.js'
import { token } from './token.js'
import { whitelist } from './whitelist.js'

/** @import { Text } from '../language.js' */
/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {Text} title
 * @property {(context: DoctorContext) => Promise<Finding>} run
 * @property {boolean} [isNetworkCheck] if it fails, the checks of WeChat are skipped
 * @property {boolean} [needsNoWeChat] it does not run at WeChat
 */

/**
 * The checks in their order, from the network up to the page.
 *
 * @type {Check[]}
 */
const CHECKS = [
  { name: 'dns', title: { zh: 'DNS', en: 'DNS' }, run: dns, isNetworkCheck: true },
  { name: 'tls', title: { zh: 'TLS', en: 'TLS' }, run: tls, isNetworkCheck: true },
  { name: 'clock', title: { zh: '时钟', en: 'clock' }, run: clock },
  { name: 'redis', title: { zh: 'Redis', en: 'Redis' }, run: redis, needsNoWeChat: true },
  { name: 'credentials', title: { zh: '凭据', en: 'credentials' }, run: credentials },
  { name: 'whitelist', title: { zh: 'IP 白名单', en: 'IP whitelist' }, run: whitelist },
  { name: 'quota', title: { zh: '额度', en: 'quota' }, run: quota },
  { name: 'page', title: { zh: '页面', en: 'page' }, run: page },
  { name: 'token', title: { zh: 'access_token', en: 'token' }, run: token },
]

/** @type {Finding} */
const NO_CONNECTION = skipped({ zh: '没有连接', en: 'there is no connection' })

/**
 * What goes wrong in a run is a finding, and the others are had all the same.
 *
 * @param {Check['run']} run
 * @param {DoctorContext} context
 */
async function runCheck(run, context) {
  try {
    return await run(context)
  } catch (error) {
    context.signal.throwIfAborted()
    return badBecause(error)
  }
}

/**
 * Runs the checks one after the other and yields their findings.
 *
 * @param {DoctorContext} context
 * @returns {AsyncGenerator<Finding & { name: string, title: Text }>}
 */
export async function* examine(context) {
  let isOffline = false
  for (const { name, title, run, isNetworkCheck, needsNoWeChat } of CHECKS) {
    const finding = isOffline && !needsNoWeChat ? NO_CONNECTION : await runCheck(run, context)
    context.signal.throwIfAborted()
    if (isNetworkCheck && finding.ok === false) isOffline = true
    yield { name, title, ...finding }
  }
}
