import { clock } from './clock.js'
import { dns } from './dns.js'
import { redis } from './redis/redis.js'
import { tls } from './tls.js'

/** @import { Connection } from './context.js' */
/** @import { Check } from './examine.js' */

/**
 * The way to WeChat and to Redis, which accounts and platforms have in common.
 *
 * @type {Check<Connection>[]}
 */
export const NETWORK_CHECKS = [
  { name: 'dns', title: { zh: 'DNS', en: 'DNS' }, run: dns, isNetworkCheck: true },
  { name: 'tls', title: { zh: 'TLS', en: 'TLS' }, run: tls, isNetworkCheck: true },
  { name: 'clock', title: { zh: '时钟', en: 'clock' }, run: clock },
  { name: 'redis', title: { zh: 'Redis', en: 'Redis' }, run: redis, needsNoWeChat: true },
]
