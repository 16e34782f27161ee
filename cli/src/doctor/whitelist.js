import { WeChatAPIError } from 'wxacode'
import { EXIT } from '../exit-codes.js'
import { NO_TOKEN, refusalOf } from './credentials.js'
import { bad, badBecause, good } from './finding.js'

/** @import { Finding } from './finding.js' */
/** @import { Stage } from './stage.js' */

const NOT_LISTED = 40164
const ADDRESS = /invalid ip ([\d.]+|[\da-f:.]+)/i
/** Of which WeChat knows nothing: what it refuses, it remembers with the address that it came from. */
const NOWHERE = '/wxacode/doctor'

/**
 * Whether the address that WeChat sees may use the AppSecret.
 *
 * @param {Stage} stage
 * @returns {Promise<Finding>}
 */
export async function whitelist(stage) {
  const refusal = stage.hasToken ? await refusalOf(stage) : undefined
  if (refusal === undefined) return listed(await seenAddress(stage))
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
  const address = ADDRESS.exec(errmsg)?.[1] ?? ''
  const finding = bad(
    {
      zh: `微信看到的地址是 ${address}，不在 IP 白名单里`,
      en: `WeChat sees ${address}, which is not in the IP whitelist`,
    },
    {
      zh: `在 mp.weixin.qq.com 的开发管理、开发设置、IP 白名单里加入 ${address}（不是“代码上传”的那个名单）`,
      en: `Add ${address} to the IP whitelist on mp.weixin.qq.com, under development settings (not to the one for uploading code)`,
    },
    EXIT.account,
  )
  return { ...finding, errcode, rid }
}

/**
 * @param {Stage} stage
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
