import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { openPlatform } from '../../platform.js'
import { obstacleOf } from '../../store-file.js'
import { listen } from '../../token.js'
import { connectionOf, isAnswer, remembered, tokenIn } from '../context.js'

/** @import { PlatformStateEvent, WxaPlatform } from 'wxacode' */
/** @import { PlatformOptions } from '../../platform.js' */

const CHANNEL = 'wxacode:platform'

/** @typedef {{ total_count: number }} ListAnswer of `api_get_authorizer_list` */

/**
 * What the checks read of `api_get_authorizer_info`.
 *
 * @typedef {object} InfoAnswer
 * @property {{ authorizer_refresh_token?: string | null, func_info?: { funcscope_category?: { id?: number } }[] }} [authorization_info]
 */

/**
 * The component access token. A call without a usable ticket waits for the next push, which the server receives and not the doctor:
 * here its error comes at once.
 *
 * @param {WxaPlatform} platform
 * @param {AbortSignal} signal
 */
async function tokenNow(platform, signal) {
  const waiting = new AbortController()
  /** @param {unknown} event */
  const hear = (event) => {
    if (/** @type {PlatformStateEvent} */ (event).event === 'ticket.awaited') waiting.abort()
  }
  subscribe(CHANNEL, hear)
  try {
    return await platform.getComponentAccessToken({ signal: AbortSignal.any([signal, waiting.signal]) })
  } catch (error) {
    if (!waiting.signal.aborted || signal.aborted) throw error
    return await platform.getComponentAccessToken({ signal, timeoutMs: 1 })
  } finally {
    unsubscribe(CHANNEL, hear)
  }
}

/**
 * The context of one run for a third-party platform.
 *
 * @typedef {ReturnType<typeof createPlatformContext>} PlatformContext
 */

/**
 * @param {PlatformOptions} options
 * @param {{ merchant?: string, page?: string, signal: AbortSignal, env: NodeJS.ProcessEnv }} given
 */
export function createPlatformContext(options, { merchant, page, signal, env }) {
  const platform = openPlatform(options)
  const client = merchant === undefined ? undefined : platform.client(merchant)
  /** Why the file is not even opened. */
  const obstacle = remembered(() => obstacleOf(options.store))
  const given = remembered(async () => {
    const { value: inTheWay } = await obstacle()
    // No check tells this error: that of the store says it all.
    if (inTheWay) throw new Error(inTheWay.cause.en)
    return tokenNow(platform, signal)
  })
  const token = async () => tokenIn(await given())
  return {
    ...connectionOf(options, { signal, env }),
    options,
    wxa: platform,
    merchant,
    client,
    page,
    /** The events since the start of the doctor. */
    tokenEvents: listen(),
    obstacle: async () => (await obstacle()).value,
    /** The component access token or the error, requested once. */
    token,
    isReached: async () => isAnswer(await token()),
    /** How many merchants there are. Of the list one is read. */
    list: remembered(() =>
      platform
        .request('/cgi-bin/component/api_get_authorizer_list', { body: { offset: 0, count: 1 }, signal })
        .then((answer) => /** @type {ListAnswer} */ (answer)),
    ),
    /** What the merchant has granted. */
    info: remembered(() =>
      platform
        .request('/cgi-bin/component/api_get_authorizer_info', { body: { authorizer_appid: merchant }, signal })
        .then((answer) => /** @type {InfoAnswer} */ (answer)),
    ),
  }
}
