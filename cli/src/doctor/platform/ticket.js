import { setTimeout as sleep } from 'node:timers/promises'
import { WeChatAPIError } from 'wxacode'
import { EXIT } from '../../exit-codes.js'
import { bad, good, skipped } from '../finding.js'
import { STORE_FAILED, storeErrorOf } from './platform.js'

/** @import { Text } from '../../language.js' */
/** @import { Finding } from '../finding.js' */
/** @import { PlatformContext } from './context.js' */

const MINUTE_MS = 60_000
/** WeChat pushes every ten minutes: two pushes have not come. */
const LATE_MS = 25 * MINUTE_MS
/** How long a store may take that has just been read for a token. */
const READING_MS = 2000
const POLL_MS = 20
/** How long a ticket lives. */
const LIFE_HOURS = 12

/**
 * Whether there is a ticket, and whether pushes still come.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function ticket(context) {
  if (await storeErrorOf(context)) return STORE_FAILED
  const { token, error } = await context.token()
  const { ticketAgeMs: age, ticketRefused } = await known(context, token !== undefined)
  if (age === undefined) return token === undefined ? none(error) : unneeded()
  if (ticketRefused) return refused(age, error)
  if (age > LATE_MS) return late(age)
  return good({ zh: `上一次推送在 ${ago(age).zh}前`, en: `the last push came ${ago(age).en} ago` })
}

/**
 * What is known of the ticket. With a token of other processes no call reads it: the platform does that by itself after its start.
 *
 * @param {PlatformContext} context
 * @param {boolean} hasToken
 */
async function known({ wxa }, hasToken) {
  const end = performance.now() + READING_MS
  for (;;) {
    const stats = wxa.stats()
    if (!hasToken || stats.ticketAgeMs !== undefined || performance.now() > end) return stats
    await sleep(POLL_MS)
  }
}

/** A token that other processes have made needs none. */
const unneeded = () =>
  skipped({
    zh: '存储里没有读到；Redis 里已有有效的平台 token',
    en: 'none was read in the store; there is a valid token in Redis',
  })

/** @param {unknown} error */
function none(error) {
  if (!isOfTicket(error)) return skipped({ zh: '没有读到', en: 'it was not read' })
  return bad(
    { zh: '存储里没有 ticket：还没有收到过推送', en: 'there is none in the store: no push has come yet' },
    PUSHES,
  )
}

/**
 * @param {number} age
 * @param {unknown} error
 * @returns {Finding}
 */
function refused(age, error) {
  const { errcode, rid } = error instanceof WeChatAPIError ? error : { errcode: undefined, rid: undefined }
  const number = errcode === undefined ? '' : ` (${errcode})`
  return {
    ...bad(
      {
        zh: `微信不接受 ${ago(age).zh}前收到的 ticket${number}，它的有效期是 ${LIFE_HOURS} 小时`,
        en: `WeChat does not accept the ticket that came ${ago(age).en} ago${number}; a ticket lives ${LIFE_HOURS} h`,
      },
      PUSHES,
      EXIT.account,
    ),
    errcode,
    rid,
  }
}

/** @param {number} age */
const late = (age) =>
  bad(
    {
      zh: `上一次推送在 ${ago(age).zh}前，而微信每 10 分钟推送一次；ticket 的有效期是 ${LIFE_HOURS} 小时`,
      en: `the last push came ${ago(age).en} ago, and WeChat pushes every 10 minutes; a ticket lives ${LIFE_HOURS} h`,
    },
    {
      zh: `如果这段时间服务没有运行，启动它并等 10 分钟；否则：${PUSHES.zh}`,
      en: `If the server did not run meanwhile, start it and wait 10 minutes. If it did: ${PUSHES.en}`,
    },
  )

/** @type {Text} */
const PUSHES = {
  zh: '在微信开放平台核对“授权事件接收 URL”：外网可访问，端口 80 或 443，消息格式 XML，加密方式为安全模式，Token 与 Key 同 pushToken、encodingAESKey；推送每 10 分钟一次，已停止时调用 platform.startPushTicket()；服务的日志里有被拒绝的推送及原因',
  en: 'On open.weixin.qq.com check the URL for authorisation events (授权事件接收 URL): reachable from outside, port 80 or 443, format XML, security mode (安全模式), token and key as in pushToken and encodingAESKey. A push comes every 10 minutes; if they have stopped, call platform.startPushTicket(). The log of your server says which pushes it refused, and why',
}

/** @param {unknown} error */
export const isOfTicket = (error) => /** @type {{ code?: string }} */ (error)?.code === 'ERR_WXA_TICKET'

/**
 * @param {number} age
 * @returns {Text}
 */
function ago(age) {
  const minutes = Math.floor(age / MINUTE_MS)
  if (minutes < 1) return { zh: `${Math.floor(age / 1000)} 秒`, en: `${Math.floor(age / 1000)} s` }
  if (minutes < 120) return { zh: `${minutes} 分钟`, en: `${minutes} min` }
  return { zh: `${Math.floor(minutes / 60)} 小时`, en: `${Math.floor(minutes / 60)} h` }
}
