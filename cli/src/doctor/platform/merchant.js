import { EXIT } from '../../exit-codes.js'
import { bad, badBecause, good, skipped } from '../finding.js'
import { isNew, NO_TOKEN } from './platform.js'

/** @import { Finding } from '../finding.js' */
/** @import { InfoAnswer, PlatformContext } from './context.js' */

/** The permission sets of codes and of links. */
const CODES = 17
const LINKS = 88

/** @type {Finding} */
const NO_MERCHANT = skipped({ zh: '用 --merchant 检查一个商户', en: '--merchant <appid> checks one' })
/** @type {Finding} */
const NOT_AUTHORIZED = skipped({ zh: '没有授权', en: 'there is no authorisation' })

/**
 * Why there is nothing to know of a merchant.
 *
 * @param {PlatformContext} context
 */
async function reasonToSkip(context) {
  if (context.merchant === undefined) return NO_MERCHANT
  return (await context.token()).token === undefined || (await context.list()).error ? NO_TOKEN : undefined
}

/**
 * Whether the merchant has authorised the platform, and WeChat has a refresh token for it.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function authorization(context) {
  const reason = await reasonToSkip(context)
  if (reason) return reason
  const { value, error } = await context.info()
  if (value === undefined) return badBecause(error)
  const { merchant } = context
  if (isWithoutRefreshToken(value)) return neverExchanged(merchant)
  return good({
    zh: `${merchant} 已授权，有 refresh token`,
    en: `${merchant} has authorised, and there is a refresh token`,
  })
}

/** Null until a code of the merchant was exchanged. @param {InfoAnswer} info */
const isWithoutRefreshToken = ({ authorization_info: { authorizer_refresh_token: token } = {} }) =>
  token === null || token === ''

/** @param {string | undefined} merchant */
const neverExchanged = (merchant) =>
  bad(
    {
      zh: `${merchant} 已授权，但授权码从未换成 refresh token`,
      en: `${merchant} has authorised, but its authorization code was never exchanged for a refresh token`,
    },
    {
      zh: '让商户重新授权，并确认推送到达服务，或回调页调用了 platform.completeAuthorization(auth_code)',
      en: 'Have it authorise again, and make sure that the push reaches the server, or that the page it returns to calls platform.completeAuthorization(auth_code)',
    },
    EXIT.account,
  )

/**
 * Whether the merchant has granted what codes need.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function permissions(context) {
  const reason = await reasonToSkip(context)
  if (reason) return reason
  const { value } = await context.info()
  if (value === undefined) return NOT_AUTHORIZED
  const ids = grantedBy(value)
  if (!ids.includes(CODES)) return notGranted(ids)
  return ids.includes(LINKS)
    ? good({ zh: `有 ${CODES}（小程序码）和 ${LINKS}（链接）`, en: `${CODES} (codes) and ${LINKS} (links)` })
    : good({
        zh: `有 ${CODES}（小程序码）；没有 ${LINKS}，不能生成链接`,
        en: `${CODES} (codes); not ${LINKS}, which links need`,
      })
}

/** @param {InfoAnswer} info */
const grantedBy = ({ authorization_info: { func_info: sets = [] } = {} }) =>
  sets.map(({ funcscope_category: category }) => Number(category?.id))

/** @param {number[]} ids */
const notGranted = (ids) =>
  bad(
    {
      zh: `商户没有授予权限集 ${CODES}（小程序码），已授予：${ids.join('、') || '无'}`,
      en: `the merchant has not granted permission set ${CODES} (codes), only: ${ids.join(', ') || 'none'}`,
    },
    {
      zh: `在微信开放平台确认第三方平台有权限集 ${CODES}，再请商户重新授权并勾选它`,
      en: `Make sure on open.weixin.qq.com that the platform has permission set ${CODES}, and have the merchant authorise again with it`,
    },
    EXIT.account,
  )

/**
 * Whether a code of the merchant can be had. Without `--page` no page need be published.
 *
 * @param {PlatformContext} context
 * @returns {Promise<Finding>}
 */
export async function code(context) {
  const reason = await reasonToSkip(context)
  if (reason) return reason
  const { client, merchant, page, signal } = context
  const { value } = await context.info()
  if (client === undefined || value === undefined) return NOT_AUTHORIZED
  if (!grantedBy(value).includes(CODES))
    return skipped({ zh: `没有权限集 ${CODES}`, en: `without permission set ${CODES}` })
  try {
    await client.getUnlimitedQRCode({ scene: 'doctor', page, checkPath: page !== undefined }, { signal })
  } catch (error) {
    return badBecause(error)
  }
  return isNew(context, merchant)
    ? good({
        zh: '已取得一个，用的是新的 access_token（微信随它返回的 refresh token 已保存）',
        en: 'fetched one with a new access token; the refresh token that came with it is saved',
      })
    : good({
        zh: '已取得一个，用的是所有进程经 Redis 共用的 access_token',
        en: 'fetched one with the access token that the processes share by Redis',
      })
}
