import { skewOf } from './connection.js'
import { bad, good, skipped } from './finding.js'

/** @import { Connection } from './context.js' */

const TOLERANCE_MS = 60_000

/**
 * Whether our clock goes with WeChat's.
 *
 * @param {Connection} context
 */
export async function clock(context) {
  const ahead = await skewOf(context).catch(() => undefined)
  if (ahead === undefined) return skipped({ zh: '没有得到微信的时间', en: 'no answer with a date' })
  const seconds = Math.round(Math.abs(ahead) / 1000)
  const [zh, en] = ahead > 0 ? ['快', 'ahead of'] : ['慢', 'behind']
  if (Math.abs(ahead) <= TOLERANCE_MS) {
    return good({ zh: `与微信相差不到 ${seconds + 1} 秒`, en: `less than ${seconds + 1} s from WeChat's` })
  }
  return bad(
    {
      zh: `本机时钟比微信${zh} ${spell(seconds, 'zh')}`,
      en: `this machine's clock is ${spell(seconds, 'en')} ${en} WeChat's`,
    },
    {
      zh: '开启时间同步：timedatectl set-ntp true 或 chrony；容器用的是宿主机的时钟',
      en: 'Have it set by NTP: timedatectl set-ntp true, or chrony; a container has the clock of its host',
    },
  )
}

/**
 * @param {number} seconds
 * @param {'zh' | 'en'} lang
 */
function spell(seconds, lang) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  const units = lang === 'zh' ? [' 小时', ' 分', ' 秒'] : [' h', ' min', ' s']
  const parts = [hours, minutes, seconds % 60].map((count, at) => (count > 0 ? count + units[at] : ''))
  return parts.filter(Boolean).join(' ')
}
