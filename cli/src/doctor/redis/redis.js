import { EXIT } from '../../exit-codes.js'
import { bad, good, skipped } from '../finding.js'
import { readAddress } from './address.js'
import { diagnose, TIMED_OUT } from './diagnosis.js'
import { probeRedis } from './probe.js'

/** @import { RedisOptions } from 'wxacode' */
/** @import { Text } from '../../language.js' */
/** @import { Finding } from '../finding.js' */
/** @import { Connection } from '../context.js' */

/** After this time a Redis counts as unreachable. */
const TIMEOUT_MS = 10_000
/** How long the client waits by default. */
const CLIENT_MS = 250

/**
 * Checks the fleet's Redis: by a connection of the doctor, which knows the step that fails, and by the state of the client.
 *
 * @param {Connection} context
 * @returns {Promise<Finding>}
 */
export async function redis(context) {
  const url = urlOf(context.options.redis)
  if (url === undefined)
    return skipped({ zh: '没有设置（--redis 或 WXACODE_REDIS）', en: 'none is given (--redis or WXACODE_REDIS)' })
  const address = readAddress(url)
  if (address === undefined) return clientFinding(context)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const signal = AbortSignal.any([context.signal, timeout])
    const { name, ms } = await probeRedis(address, { appid: String(context.options.appid), signal })
    return ms > CLIENT_MS ? slow(name, ms) : await confirmed(context, name, ms)
  } catch (error) {
    context.signal.throwIfAborted()
    // The client trusts the system's certificates, and Node does not.
    if (isOfCertificate(error) && (await isUp(context))) return clientFinding(context)
    return bad(...diagnose(isTimeout(error) ? TIMED_OUT : error, address), EXIT.network)
  }
}

/** @param {string | RedisOptions | undefined} option */
const urlOf = (option) => (typeof option === 'object' ? option.url : option)

/**
 * @param {Connection} context
 * @param {string} name
 * @param {number} ms
 */
async function confirmed(context, name, ms) {
  const down = await downOf(context)
  if (down !== undefined) return missed(name, down)
  const took = ms < 10 ? ms.toFixed(1) : String(Math.round(ms))
  return good({
    zh: `${name} 可写，可执行脚本，往返 ${took} ms`,
    en: `${name} takes writes and scripts, ${took} ms there and back`,
  })
}

/** @param {Connection} context */
async function clientFinding(context) {
  const down = await downOf(context)
  if (down !== undefined) return missed(down.host, down)
  return good({ zh: '已连通', en: 'the client gets through to it' })
}

/**
 * The client's last event `redis.down`, if the client considers Redis down.
 *
 * @param {Connection} context
 */
async function downOf(context) {
  await context.token()
  if (context.wxa.stats().redis !== 'down') return undefined
  const down = context.redisEvents.events.findLast(({ event }) => event === 'redis.down')
  return { host: 'Redis', message: '', ...down }
}

/**
 * Whether the client has used Redis: it has a token, and each token goes through Redis.
 *
 * @param {Connection} context
 */
const isUp = async (context) => (await context.token()).token !== undefined && context.wxa.stats().redis === 'up'

/**
 * @param {string} name
 * @param {{ message?: string }} down
 */
const missed = (name, { message }) =>
  bad(
    { zh: `wxacode 无法使用 ${name}：${message}`, en: `the client cannot use ${name}: ${message}` },
    {
      zh: '再运行一次；仍然如此则检查 Redis 的负载与网络延迟，wxacode 默认最多等 250 ms',
      en: 'Run it again; if it persists look at the load of Redis and the delay on the way: the client waits 250 ms by default',
    },
    EXIT.network,
  )

/**
 * @param {string} name
 * @param {number} ms
 */
const slow = (name, ms) =>
  bad(
    {
      zh: `${name} 往返 ${Math.round(ms)} ms，而 wxacode 默认最多等 ${CLIENT_MS} ms`,
      en: `${name} takes ${Math.round(ms)} ms there and back, and the client waits ${CLIENT_MS} ms by default`,
    },
    {
      zh: '用同机房的 Redis，或在程序里调大 redis.timeoutMs',
      en: 'Use a Redis that is nearer, or raise redis.timeoutMs in your program',
    },
    EXIT.network,
  )

/** @param {any} error */
const isTimeout = ({ name }) => name === 'AbortError' || name === 'TimeoutError'

/** @param {any} error */
const isOfCertificate = ({ code }) => typeof code === 'string' && /CERT|SIGNATURE|ISSUER/.test(code)
