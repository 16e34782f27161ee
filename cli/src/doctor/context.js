import { WeChatAPIError, WxaCode } from 'wxacode'
import { listen, tokenOf } from '../token.js'
import { proxyFor } from './proxy.js'

/** @import { AccessToken, RedisEvent, WxaCodeOptions } from 'wxacode' */

/**
 * What came of asking for something that several checks use.
 *
 * @template T
 * @typedef {{ value?: T, error?: unknown }} Outcome
 */

/**
 * The way to WeChat and to Redis.
 *
 * @typedef {object} Connection
 * @property {{ appid?: string, baseUrl?: string | readonly string[], redis?: WxaCodeOptions['redis'], proxy?: string, ca?: WxaCodeOptions['ca'] }} options
 * @property {{ stats(): { redis?: 'up' | 'down' } }} wxa the client, or the platform
 * @property {URL} url of WeChat
 * @property {AbortSignal} signal
 * @property {{ events: RedisEvent[], stop(): void }} redisEvents since the start of the doctor
 * @property {URL} [proxy]
 * @property {boolean} isPlainHttp a fake on this machine, or cloud run
 * @property {() => Promise<{ token?: AccessToken, error?: unknown }>} token the token or the error, requested once
 * @property {() => Promise<boolean>} isReached whether the client has received a response of WeChat
 */

/**
 * The context of one run: the client, WeChat's URL, and results that several checks use.
 *
 * @typedef {ReturnType<typeof createContext>} DoctorContext
 */

/**
 * @param {WxaCodeOptions} options
 * @param {{ page?: string, signal: AbortSignal, env: NodeJS.ProcessEnv }} given
 */
export function createContext(options, { page, signal, env }) {
  const wxa = new WxaCode(options)
  const given = remembered(() => tokenOf(wxa, signal))
  const token = async () => tokenIn(await given())
  return {
    ...connectionOf(options, { signal, env }),
    options,
    wxa,
    page,
    /** The events since the start of the doctor. */
    tokenEvents: listen(),
    hasToken: options.token !== 'none',
    token,
    isReached: async () => isAnswer(await token()),
  }
}

/**
 * Does something when it is first needed, and keeps what came of it.
 *
 * @template T
 * @param {() => Promise<T>} act
 */
export function remembered(act) {
  /** @type {Promise<Outcome<T>> | undefined} */
  let outcome
  return () => {
    outcome ??= act().then(
      (value) => ({ value }),
      (error) => ({ error }),
    )
    return outcome
  }
}

/**
 * @template {AccessToken} T
 * @param {Outcome<T>} outcome
 */
export const tokenIn = ({ value, error }) => (error === undefined ? { token: value } : { error })

/**
 * Whether WeChat has answered, with a token or a refusal.
 *
 * @param {{ error?: unknown }} outcome
 */
export const isAnswer = ({ error }) => error === undefined || error instanceof WeChatAPIError

/**
 * @param {Connection['options']} options
 * @param {{ signal: AbortSignal, env: NodeJS.ProcessEnv }} given
 */
export function connectionOf({ baseUrl, proxy }, { signal, env }) {
  const url = new URL(String(baseUrl ?? 'https://api.weixin.qq.com'))
  return {
    url,
    signal,
    redisEvents: /** @type {typeof listen<RedisEvent>} */ (listen)('wxacode:redis'),
    proxy: proxyFor(url, proxy, env),
    isPlainHttp: url.protocol === 'http:',
  }
}
