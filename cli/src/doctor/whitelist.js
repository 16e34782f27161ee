import { isIP } from 'node:net'
import { WeChatAPIError } from 'wxacode'
import { EXIT } from '../exit-codes.js'
import { NO_TOKEN, refusalOf } from './credentials.js'
import { bad, badBecause, good } from './finding.js'

/** @import { Text } from '../language.js' */
/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

const NOT_LISTED = 40164
/** Of which WeChat knows nothing: what it refuses, it remembers with the address that it came from. */
const NOWHERE = '/wxacode/doctor'

/**
 * Whether the address that WeChat sees may use the AppSecret.
 *
 * @param {DoctorContext} context
 * @returns {Promise<Finding>}
 */
export async function whitelist(context) {
  const refusal = context.hasToken ? await refusalOf(context) : undefined
  if (refusal === undefined) return listed(await seenAddress(context))
  if (refusal.about !== 'whitelist') return NO_TOKEN
  return refusal.error.errcode === NOT_LISTED ? unlisted(refusal.error) : badBecause(refusal.error)
}

/** @param {string | undefined} address */
function listed(address) {
  if (address === undefined) return good({ zh: '这台机器可以使用', en: 'this machine may call' })
  return good({ zh: `微信看到的地址是 ${address}，可以使用`, en: `WeChat sees ${address}, which may call` })
}

/** @param {WeChatAPIError} error */
function unlisted({ errmsg, errcode, rid }) {
  const address = refusedAddress(errmsg)
  const [cause, fix] = address === undefined ? UNNAMED : named(address)
  return { ...bad(cause, fix, EXIT.account), errcode, rid }
}

/**
 * The address as WeChat wrote it: `invalid ip 8.149.1.108 ipv6 ::ffff:8.149.1.108, not in whitelist`, or an IPv6 address
 * in both places.
 *
 * @param {string} errmsg
 */
const refusedAddress = (errmsg) => errmsg.split(/[\s,;]+/).find((word) => isIP(word) !== 0)

/**
 * @param {string} address
 * @returns {[Text, Text]}
 */
const named = (address) => [
  {
    zh: `微信看到的地址是 ${address}，不在 IP 白名单里`,
    en: `WeChat sees ${address}, which is not in the IP whitelist`,
  },
  {
    zh: `在 mp.weixin.qq.com 的开发管理、开发设置、IP 白名单里加入 ${address}（不是“代码上传”的那个名单）`,
    en: `Add ${address} to the IP whitelist on mp.weixin.qq.com, under development settings (not to the one for uploading code)`,
  },
]

/** @type {[Text, Text]} */
const UNNAMED = [
  {
    zh: '这台机器的出口地址不在 IP 白名单里，微信没有说是哪个地址',
    en: 'the address that this machine goes out by is not in the IP whitelist, and WeChat did not say which it is',
  },
  {
    zh: '查出公网出口 IP（云服务器看 NAT 网关或弹性公网 IP，也可以 curl https://ifconfig.me；用了代理则是代理的出口），加入 mp.weixin.qq.com 的开发管理、开发设置、IP 白名单',
    en: 'Find the public address (that of the NAT gateway in a cloud, or by curl https://ifconfig.me; with a proxy it is the one of the proxy) and add it to the IP whitelist on mp.weixin.qq.com, under development settings',
  },
]

/**
 * @param {DoctorContext} context
 * @returns {Promise<string | undefined>}
 */
async function seenAddress({ wxa, signal }) {
  try {
    const error = await wxa.getQuota(NOWHERE, { signal }).catch((refused) => refused)
    return error instanceof WeChatAPIError && error.rid ? (await wxa.getRid(error.rid, { signal })).clientIp : undefined
  } catch {
    return undefined
  }
}
