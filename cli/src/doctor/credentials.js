import { WeChatAPIError } from 'wxacode'
import { badBecause, good, skipped } from './finding.js'

/** @import { ErrcodeScope } from 'wxacode' */
/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

/**
 * What a token request is refused for before the AppSecret is looked at, or after it was found good.
 *
 * @type {Partial<Record<ErrcodeScope, 'whitelist' | 'quota'>>}
 */
const BESIDE_THE_SECRET = { ip: 'whitelist', quota: 'quota', rate: 'quota' }

/**
 * Why there is no token, if that is what the check is about.
 *
 * @param {DoctorContext} context
 * @returns {Promise<{ about: 'whitelist' | 'quota' | 'credentials', error: any } | undefined>}
 */
export async function refusalOf(context) {
  const { error } = await context.token()
  if (error === undefined) return undefined
  const scope = error instanceof WeChatAPIError ? error.scope : undefined
  return { about: (scope && BESIDE_THE_SECRET[scope]) ?? 'credentials', error }
}

/** @type {Finding} */
export const NO_TOKEN = skipped({ zh: '没有 access_token', en: 'there is no token' })

/**
 * Whether WeChat gives a token for this AppID and AppSecret.
 *
 * @param {DoctorContext} context
 * @returns {Promise<Finding>}
 */
export async function credentials(context) {
  if (!context.hasToken) return skipped({ zh: '--token none 不用 AppSecret', en: 'no AppSecret with --token none' })
  const refusal = await refusalOf(context)
  const { appid } = context.options
  if (refusal === undefined)
    return good({ zh: `AppID 和 AppSecret 有效（${appid}）`, en: `WeChat accepts ${appid} with this AppSecret` })
  if (refusal.about === 'credentials') return badBecause(refusal.error)
  return skipped({ zh: '微信还没有核对 AppSecret', en: 'WeChat has not checked the AppSecret' })
}
