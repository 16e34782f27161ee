import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** @import { AccessToken, TokenEvent, WxaCode } from 'wxacode' */

const CHANNEL = 'wxacode:token'

/**
 * The present token, with the name that it has in the events of all processes that know the AppSecret.
 *
 * @param {WxaCode} wxa
 * @param {AbortSignal} signal
 * @returns {Promise<AccessToken & { fingerprint?: string }>}
 */
export async function tokenOf(wxa, signal) {
  const heard = listen()
  try {
    const token = await wxa.getAccessToken({ signal })
    const named = heard.events.findLast((event) => event.event === 'refresh.ok')
    return { ...token, fingerprint: named && 'fingerprint' in named ? named.fingerprint : undefined }
  } finally {
    heard.stop()
  }
}

/**
 * Collects what happens from now on: to tokens, or what another channel tells.
 *
 * @template [T=TokenEvent]
 * @param {string} [channel]
 */
export function listen(channel = CHANNEL) {
  /** @type {T[]} */
  const events = []
  const hear = (/** @type {unknown} */ event) => events.push(/** @type {T} */ (event))
  subscribe(channel, hear)
  return { events, stop: () => unsubscribe(channel, hear) }
}
