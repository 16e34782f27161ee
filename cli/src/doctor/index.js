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
/** @import { Stage } from './stage.js' */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {Text} title
 * @property {(stage: Stage) => Promise<Finding>} look
 * @property {boolean} [isWire] nothing of WeChat's can be known without it
 * @property {boolean} [isApart] it does not look at WeChat
 */

/**
 * What the doctor looks at, in this order: from the wire up to the page.
 *
 * @type {Check[]}
 */
const CHECKS = [
  { name: 'dns', title: { zh: 'DNS', en: 'DNS' }, look: dns, isWire: true },
  { name: 'tls', title: { zh: 'TLS', en: 'TLS' }, look: tls, isWire: true },
  { name: 'clock', title: { zh: '时钟', en: 'clock' }, look: clock },
  { name: 'redis', title: { zh: 'Redis', en: 'Redis' }, look: redis, isApart: true },
  { name: 'credentials', title: { zh: '凭据', en: 'credentials' }, look: credentials },
  { name: 'whitelist', title: { zh: 'IP 白名单', en: 'IP whitelist' }, look: whitelist },
  { name: 'quota', title: { zh: '额度', en: 'quota' }, look: quota },
  { name: 'page', title: { zh: '页面', en: 'page' }, look: page },
  { name: 'token', title: { zh: 'access_token', en: 'token' }, look: token },
]

/** @type {Finding} */
const NO_CONNECTION = skipped({ zh: '没有连接', en: 'there is no connection' })

/**
 * What goes wrong in a look is a finding, and the others are had all the same.
 *
 * @param {Check['look']} look
 * @param {Stage} stage
 */
async function looked(look, stage) {
  try {
    return await look(stage)
  } catch (error) {
    stage.signal.throwIfAborted()
    return badBecause(error)
  }
}

/**
 * The findings, one after the other.
 *
 * @param {Stage} stage
 * @returns {AsyncGenerator<Finding & { name: string, title: Text }>}
 */
export async function* examine(stage) {
  let isCut = false
  for (const { name, title, look, isWire, isApart } of CHECKS) {
    const finding = isCut && !isApart ? NO_CONNECTION : await looked(look, stage)
    stage.signal.throwIfAborted()
    if (isWire && finding.ok === false) isCut = true
    yield { name, title, ...finding }
  }
}
