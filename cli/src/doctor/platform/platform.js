import { WeChatAPIError, WxaCodeError } from 'wxacode'
import { bad, badBecause, good, skipped } from '../finding.js'

/** @import { Finding } from '../finding.js' */
/** @import { PlatformContext } from './context.js' */

const NOT_LISTED = 61004

/** @type {Finding} */
export const STORE_FAILED = skipped({ zh: '没有读到存储', en: 'the store was not read' })
/** @type {Finding} */
export const NO_TOKEN = skipped({ zh: '没有平台 token', en: 'there is no token' })

/**
 * What is configured. Wrong options end the doctor before.
 *
 * @param {PlatformContext} context
 */
export function options({ options: { appid, store, pushToken } }) {
  const place = store ?? 'Redis'
  if (pushToken !== undefined) return good({ zh: `${appid}，${place}`, en: `${appid}, ${place}` })
  return good({
    zh: `${appid}，${place}；这里没有 pushToken 与 encodingAESKey，接收推送的进程需要它们`,
    en: `${appid}, ${place}; without pushToken and encodingAESKey, which a process that receives pushes needs`,
  })
}

/**
 * Why the store could not be read, if it was.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding | undefined>}
 */
export async function storeErrorOf(context) {
  const obstacle = await context.obstacle()
  if (obstacle) return bad(obstacle.cause, obstacle.fix)
  const { error } = await context.token()
  return error instanceof WxaCodeError && error.code === 'ERR_WXA_STORE' ? badBecause(error) : undefined
}

/**
 * Whether tickets and refresh tokens can be read here.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function store(context) {
  const failed = await storeErrorOf(context)
  if (failed) return failed
  const { token: given } = await context.token()
  const isOpen = given === undefined || isNew(context, context.options.appid)
  if (context.options.store !== undefined && !isOpen)
    return skipped({ zh: '没有打开：Redis 里已有有效的平台 token', en: 'not opened: there is a valid token in Redis' })
  return context.options.store === undefined
    ? good({ zh: 'Redis', en: 'in Redis' })
    : good({ zh: '文件可读，没有被其他进程占用', en: 'the file can be read, and no other process has it' })
}

/**
 * Whether there is a component access token.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function token(context) {
  if (await storeErrorOf(context)) return STORE_FAILED
  const { token: given, error } = await context.token()
  if (given === undefined) return refusal(context, error)
  const minutes = Math.floor((given.expiresAt.getTime() - Date.now()) / 60_000)
  return isNew(context, context.options.appid)
    ? good({ zh: `新取了一个，还有 ${minutes} 分钟`, en: `a new one, ${minutes} min left` })
    : good({
        zh: `所有进程经 Redis 共用的那一个，还有 ${minutes} 分钟`,
        en: `the one that the processes share by Redis, ${minutes} min left`,
      })
}

/**
 * @param {PlatformContext} context
 * @param {unknown} error
 */
function refusal(context, error) {
  const isOfTicket = error instanceof WxaCodeError && error.code === 'ERR_WXA_TICKET'
  if (isOfTicket || context.wxa.stats().ticketRefused)
    return skipped({ zh: '没有可用的 ticket', en: 'there is no ticket to get one with' })
  if (isUnlisted(error)) return skipped({ zh: '微信只看了 IP 地址', en: 'WeChat has looked at the IP address only' })
  return badBecause(error)
}

/**
 * Whether WeChat has given this process an access token for an appid.
 *
 * @param {PlatformContext} context
 * @param {string | undefined} appid
 */
export const isNew = ({ tokenEvents }, appid) =>
  tokenEvents.events.some((event) => event.event === 'refresh.ok' && event.appid === appid && event.source === 'wechat')

/**
 * Whether the platform's list has the address of this machine: WeChat checks it with every call.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function whitelist(context) {
  const { token: given, error } = await context.token()
  if (isUnlisted(error)) return badBecause(error)
  if (given === undefined) return NO_TOKEN
  const { error: refused } = await context.list()
  return isUnlisted(refused) ? badBecause(refused) : good({ zh: '这台机器可以使用', en: 'this machine may call' })
}

/** @param {unknown} error */
const isUnlisted = (error) => error instanceof WeChatAPIError && error.errcode === NOT_LISTED

/**
 * Whether WeChat gives the list of merchants.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function authorizers(context) {
  const { token: given } = await context.token()
  if (given === undefined) return NO_TOKEN
  const { value, error } = await context.list()
  if (isUnlisted(error)) return skipped({ zh: '微信只看了 IP 地址', en: 'WeChat has looked at the IP address only' })
  if (value === undefined) return badBecause(error)
  return good({ zh: `已授权的商户：${value.total_count} 个`, en: `authorised: ${value.total_count}` })
}
