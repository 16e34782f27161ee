import { EXIT } from '../exit-codes.js'
import { NO_TOKEN } from './credentials.js'
import { bad, good, skipped } from './finding.js'
import { quotaOf, TOKENS } from './quota.js'

/** @import { Text } from '../language.js' */
/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

/** What WeChat gives a token. */
const LIFE_SECONDS = 7200
/** Asking takes a while. */
const FRESH_SECONDS = 60

/**
 * Which family the token is of, and what can be known of other systems that use the appid. The last check, because it
 * hears whether WeChat refused the token at one of the others.
 *
 * @param {DoctorContext} context
 * @returns {Promise<Finding>}
 */
export async function token(context) {
  if (!context.hasToken) return skipped({ zh: '--token none 没有 access_token', en: 'none with --token none' })
  const { token: given } = await context.token()
  if (given === undefined) return NO_TOKEN
  if (context.tokenEvents.events.some(({ event }) => event === 'token.invalidated')) return takenAway()
  const isStable = context.options.token !== 'classic'
  const seconds = Math.round((given.expiresAt.getTime() - Date.now()) / 1000)
  const classic = await quotaOf(TOKENS.classic, context)
  const notes = isStable ? stableNotes(seconds, classic?.used) : classicNotes(classic?.used)
  const head = `${isStable ? 'stable' : 'classic'} ${given.fingerprint ?? ''}`
  const left = { zh: `还有 ${Math.floor(seconds / 60)} 分钟`, en: `${Math.floor(seconds / 60)} min left` }
  return good({
    zh: [`${head}，${left.zh}`, ...notes.map(({ zh }) => zh)].join('；'),
    en: [`${head}, ${left.en}`, ...notes.map(({ en }) => en)].join('; '),
  })
}

const takenAway = () =>
  bad(
    {
      zh: '微信刚返回的 access_token 马上失效（40001）：另有系统在用这个 appid，并强制刷新了 access_token',
      en: 'WeChat rejected the token that it had just returned (40001): another system uses this appid and replaces its token',
    },
    {
      zh: '让所有系统都用 stable_token 且不带 force_refresh，或经 Redis / 中控服务共用一个 access_token；测试环境用单独的 appid',
      en: 'Let all systems use stable_token without force_refresh, or share one token by Redis or a central service; use a separate appid for test environments',
    },
    EXIT.account,
  )

/**
 * @param {number} seconds
 * @param {number | undefined} classicUsed
 * @returns {Text[]}
 */
function stableNotes(seconds, classicUsed = 0) {
  const age = LIFE_SECONDS - seconds
  const notes = []
  if (age > FRESH_SECONDS) {
    notes.push({
      zh: `${Math.floor(age / 60)} 分钟前已有人取过它（之前的运行或另一个系统），共用无妨`,
      en: `first requested ${Math.floor(age / 60)} min ago, by an earlier run or another system, which does no harm`,
    })
  }
  if (classicUsed > 0) {
    notes.push({
      zh: `另有系统今天用 /cgi-bin/token 取过 ${classicUsed} 次，两种 access_token 互不影响`,
      en: `another system called /cgi-bin/token ${classicUsed} times today, which does not affect this token`,
    })
  }
  return notes
}

/**
 * @param {number | undefined} used
 * @returns {Text[]}
 */
const classicNotes = (used) => [
  {
    zh: `每次获取都会顶替上一个（今天已取 ${used ?? '?'} 次）：有多个系统时请用 stable`,
    en: `each request replaces the one before (${used ?? '?'} today): use stable where there are several systems`,
  },
]
