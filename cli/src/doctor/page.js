import { NO_TOKEN, refusalOf } from './credentials.js'
import { badBecause, good } from './finding.js'

/** @import { Finding } from './finding.js' */
/** @import { Stage } from './stage.js' */

/**
 * Whether the released version has the page, and a code of it can be had.
 *
 * @param {Stage} stage
 * @returns {Promise<Finding>}
 */
export async function page(stage) {
  if (stage.hasToken && (await refusalOf(stage))) return NO_TOKEN
  const { wxa, signal } = stage
  try {
    await wxa.getUnlimitedQRCode({ scene: 'doctor', page: stage.page, checkPath: true }, { signal })
  } catch (error) {
    return badBecause(error)
  }
  return stage.page === undefined
    ? good({ zh: '主页已发布（用 --page 检查其他页面）', en: 'the main page is published (--page checks another)' })
    : good({ zh: `${stage.page} 已发布`, en: `${stage.page} is published` })
}
