import { WeChatAPIError, WxaCode } from 'wxacode'
import { listen, tokenOf } from '../token.js'
import { proxyFor } from './proxy.js'

/** @import { AccessToken, RedisEvent, WxaCodeOptions } from 'wxacode' */

/** @typedef {{ token?: AccessToken & { fingerprint?: string }, error?: unknown }} TokenOutcome */

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
  const url = new URL(String(options.baseUrl ?? 'https://api.weixin.qq.com'))
  /** @type {Promise<TokenOutcome> | undefined} */
  let outcome
  /** The token or the error, requested once. */
  const token = () => {
    outcome ??= tokenOf(wxa, signal).then(
      (given) => ({ token: given }),
      (error) => ({ error }),
    )
    return outcome
  }
  return {
    options,
    wxa,
    url,
    page,
    signal,
    /** The events since the start of the doctor. */
    tokenEvents: listen(),
    redisEvents: /** @type {typeof listen<RedisEvent>} */ (listen)('wxacode:redis'),
    proxy: proxyFor(url, options.proxy, env),
    /** Plain http: a fake on this machine, or cloud run. */
    isPlainHttp: url.protocol === 'http:',
    hasToken: options.token !== 'none',
    token,
    /** Whether the client has received a response of WeChat. */
    async isReached() {
      const { error } = await token()
      return error === undefined || error instanceof WeChatAPIError
    },
  }
}
