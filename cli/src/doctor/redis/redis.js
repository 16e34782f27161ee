import { EXIT } from '../../exit-codes.js'
import { bad, good, skipped } from '../finding.js'
import { readAddress } from './address.js'
import { lookAt } from './look.js'
import { TIMED_OUT, troubleOf } from './trouble.js'

/** @import { RedisOptions } from 'wxacode' */
/** @import { Text } from '../../language.js' */
/** @import { Finding } from '../finding.js' */
/** @import { Stage } from '../stage.js' */

/** Who has not answered until then is as good as dead. */
const TIMEOUT_MS = 10_000
/** How long the client waits by default. */
const CLIENT_MS = 250

/**
 * Whether the fleet's Redis can be used: by a conversation of our own, which knows where it ends, and by what the client
 * itself found.
 *
 * @param {Stage} stage
 * @returns {Promise<Finding>}
 */
export async function redis(stage) {
  const url = urlOf(stage.options.redis)
  if (url === undefined)
    return skipped({ zh: '没有设置（--redis 或 WXACODE_REDIS）', en: 'none is given (--redis or WXACODE_REDIS)' })
  const address = readAddress(url)
  if (address === undefined) return ofClient(stage)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const signal = AbortSignal.any([stage.signal, timeout])
    const { name, ms } = await lookAt(address, { appid: String(stage.options.appid), signal })
    return ms > CLIENT_MS ? slow(name, ms) : await confirmed(stage, name, ms)
  } catch (error) {
    stage.signal.throwIfAborted()
    // The client trusts what the system trusts, which Node does not know.
    if (isOfCertificate(error) && (await isUp(stage))) return ofClient(stage)
    return bad(...troubleOf(isTimeout(error) ? TIMED_OUT : error, address), EXIT.network)
  }
}

/** @param {string | RedisOptions | undefined} option */
const urlOf = (option) => (typeof option === 'object' ? option.url : option)

/**
 * @param {Stage} stage
 * @param {string} name
 * @param {number} ms
 */
async function confirmed(stage, name, ms) {
  const down = await downOf(stage)
  if (down !== undefined) return missed(name, down)
  const took = ms < 10 ? ms.toFixed(1) : String(Math.round(ms))
  return good({
    zh: `${name} 可写，可执行脚本，往返 ${took} ms`,
    en: `${name} takes writes and scripts, ${took} ms there and back`,
  })
}

/** @param {Stage} stage */
async function ofClient(stage) {
  const down = await downOf(stage)
  if (down !== undefined) return missed(down.host, down)
  return good({ zh: '客户端已连通', en: 'the client gets through to it' })
}

/**
 * What the client says of a Redis that is down to it.
 *
 * @param {Stage} stage
 */
async function downOf(stage) {
  await stage.token()
  if (stage.wxa.stats().redis !== 'down') return undefined
  const down = stage.redisEvents.events.findLast(({ event }) => event === 'redis.down')
  return { host: 'Redis', message: '', ...down }
}

/**
 * Whether the client has used it: a token that came went through it.
 *
 * @param {Stage} stage
 */
const isUp = async (stage) => (await stage.token()).token !== undefined && stage.wxa.stats().redis === 'up'

/**
 * @param {string} name
 * @param {{ message?: string }} down
 */
const missed = (name, { message }) =>
  bad(
    { zh: `客户端用不了 ${name}：${message}`, en: `the client cannot use ${name}: ${message}` },
    {
      zh: '再运行一次；仍然如此则检查 Redis 的负载与网络延迟，客户端默认最多等 250 ms',
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
      zh: `${name} 往返 ${Math.round(ms)} ms，而客户端默认最多等 ${CLIENT_MS} ms`,
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
