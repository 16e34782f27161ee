import { CODE_PATHS } from '../endpoints.js'
import { EXIT } from '../exit-codes.js'
import { NO_TOKEN, refusalOf } from './credentials.js'
import { bad, badBecause, good, skipped } from './finding.js'

/** @import { Quota } from 'wxacode' */
/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

export const TOKENS = { stable: '/cgi-bin/stable_token', classic: '/cgi-bin/token' }
/** What an API without a limit is given as. */
const ENDLESS = 1e12

/**
 * Whether today's calls are used up, of the token and of the codes.
 *
 * @param {DoctorContext} context
 * @returns {Promise<Finding>}
 */
export async function quota(context) {
  const refusal = context.hasToken ? await refusalOf(context) : undefined
  if (refusal) return refusal.about === 'quota' ? badBecause(refusal.error) : NO_TOKEN
  const token = context.options.token === 'classic' ? TOKENS.classic : TOKENS.stable
  const found = await Promise.all(
    (context.hasToken ? [token, ...CODE_PATHS] : CODE_PATHS).map((path) => quotaOf(path, context)),
  )
  const known = found.filter((one) => one !== undefined)
  const empty = known.find(({ remain }) => remain <= 0)
  if (empty) return exhausted(empty)
  if (known.length === 0) return skipped({ zh: '微信没有给出额度', en: 'WeChat returned no quota' })
  const said = known.map(({ path, remain, dailyLimit }) => `${nameOf(path)} ${count(remain)}/${count(dailyLimit)}`)
  const usage = usageOf(context.wxa.stats().lifetimeQuota, Date.now())
  return good({ zh: `今天还剩 ${said.join('，')}${usage.zh}`, en: `left today: ${said.join(', ')}${usage.en}` })
}

/**
 * @param {string} path
 * @param {DoctorContext} context
 * @returns {Promise<(Quota & { path: string }) | undefined>} undefined where WeChat does not tell
 */
export async function quotaOf(path, { wxa, signal }) {
  const told = await wxa.getQuota(path, { signal }).catch(() => undefined)
  return told && { path, ...told }
}

/**
 * How many codes that count for ever are used, if a process with the same Redis was told. The doctor uses none up to find out.
 *
 * @param {import('wxacode').LifetimeQuota | undefined} quota
 * @param {number} now
 */
function usageOf(quota, now) {
  if (quota === undefined) return { zh: '', en: '' }
  const { used, limit, timestampMs } = quota
  const hours = Math.round((now - timestampMs) / 3_600_000)
  return {
    zh: `；累计已用 ${used}/${limit} 个（${hours === 0 ? '刚刚' : `${hours} 小时前`}）`,
    en: `; ${used} of ${limit} codes used for ever (${hours === 0 ? 'just now' : `${hours} h ago`})`,
  }
}

/** @param {Quota & { path: string }} quota */
const exhausted = ({ path, dailyLimit }) =>
  bad(
    {
      zh: `${nameOf(path)} 今天的 ${count(dailyLimit)} 次已用完`,
      en: `all ${count(dailyLimit)} calls of ${nameOf(path)} for today are used`,
    },
    {
      zh: '额度明天恢复；急用时可在小程序后台清零或调用 clearQuota()，每月 10 次',
      en: 'It resets tomorrow; if necessary, reset it with clearQuota() or in the console, 10 times a month',
    },
    EXIT.account,
  )

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1)

/** @param {number} number */
const count = (number) => (number > ENDLESS ? '∞' : String(number))
