import { NO_TOKEN, refusalOf } from './credentials.js'
import { badBecause, good } from './finding.js'

/** @import { Finding } from './finding.js' */
/** @import { DoctorContext } from './context.js' */

/**
 * Whether the released version has the page, and a code of it can be had.
 *
 * @param {DoctorContext} context
 * @returns {Promise<Finding>}
 */
export async function page(context) {
  if (context.hasToken && (await refusalOf(context))) return NO_TOKEN
  const { wxa, signal } = context
  try {
    await wxa.getUnlimitedQRCode({ scene: 'doctor', page: context.page, checkPath: true }, { signal })
  } catch (error) {
    return badBecause(error)
  }
  return context.page === undefined
    ? good({ zh: '首页已发布（用 --page 检查其他页面）', en: 'the main page is published (--page checks another)' })
    : good({ zh: `${context.page} 已发布`, en: `${context.page} is published` })
}
