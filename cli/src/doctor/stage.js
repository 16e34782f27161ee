import { WeChatAPIError, WxaCode } from 'wxacode'
import { listen, tokenOf } from '../token.js'
import { proxyFor } from './proxy.js'

/** @import { AccessToken, RedisEvent, WxaCodeOptions } from 'wxacode' */

/** @typedef {{ token?: AccessToken & { fingerprint?: string }, error?: unknown }} TokenOutcome */

/**
 * What the checks of one run share: the client, where WeChat is, and what has been asked already.
 *
 * @typedef {ReturnType<typeof createStage>} Stage
 */

/**
 * @param {WxaCodeOptions} options
 * @param {{ page?: string, signal: AbortSignal, env: NodeJS.ProcessEnv }} given
 */
export function createStage(options, { page, signal, env }) {
  const wxa = new WxaCode(options)
  const url = new URL(String(options.baseUrl ?? 'https://api.weixin.qq.com'))
  /** @type {Promise<TokenOutcome> | undefined} */
  let asked
  /** The token, or why there is none; asked for once. */
  const token = () => {
    asked ??= tokenOf(wxa, signal).then(
      (given) => ({ token: given }),
      (error) => ({ error }),
    )
    return asked
  }
  return {
    options,
    wxa,
    url,
    page,
    signal,
    /** The events since the doctor began. */
    tokenEvents: listen(),
    redisEvents: /** @type {typeof listen<RedisEvent>} */ (listen)('wxacode:redis'),
    proxy: proxyFor(url, options.proxy, env),
    /** Plain http, which is for a fake on this machine and for cloud run. */
    isPlain: url.protocol === 'http:',
    hasToken: options.token !== 'none',
    token,
    /** Whether the client has had an answer of WeChat's. */
    async isReached() {
      const { error } = await token()
      return error === undefined || error instanceof WeChatAPIError
    },
  }
}
