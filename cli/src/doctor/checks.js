import { clock } from './clock.js'
import { credentials } from './credentials.js'
import { dns } from './dns.js'
import { page } from './page.js'
import { quota } from './quota.js'
import { redis } from './redis/redis.js'
import { tls } from './tls.js'
import { token } from './token.js'
import { whitelist } from './whitelist.js'

/** @import { DoctorContext } from './context.js' */
/** @import { Check } from './examine.js' */

/**
 * The checks of a mini-program's account in their order, from the network up to the page.
 *
 * @type {Check<DoctorContext>[]}
 */
export const CHECKS = [
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
