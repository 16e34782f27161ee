import { SMALLEST } from './layout.js'

/** @import { Text } from '../../language.js' */
/** @import { Layout } from './layout.js' */

/** What a sheet says, beside titles and labels. */

/** @param {number} count @returns {Text} */
export const codes = (count) => ({ zh: `${count} 个码`, en: count === 1 ? '1 code' : `${count} codes` })

/** @param {number} failed @returns {Text} */
export const failed = (failed) => ({
  zh: `${failed} 行失败`,
  en: `${failed} ${failed === 1 ? 'row' : 'rows'} failed`,
})

/** @param {number} notAsked @returns {Text} */
export const notAsked = (notAsked) => ({
  zh: `${notAsked} 行未请求`,
  en: `${notAsked} ${notAsked === 1 ? 'row' : 'rows'} not requested`,
})

/** @param {number} more @param {string} report @returns {Text} */
export const more = (more, report) => ({ zh: `另有 ${more} 行，见 ${report}`, en: `and ${more} more, see ${report}` })

/** Of the table of failed rows. @type {Text[]} */
export const columns = [
  { zh: '行', en: 'Row' },
  { zh: '标签', en: 'Label' },
  { zh: '原因', en: 'Why' },
]

export const perPage = { zh: '每页', en: 'Per page' }
export const cut = { zh: '裁切标记', en: 'Cut marks' }
export const print = { zh: '打印', en: 'Print' }

/** @type {Record<string, Text>} */
export const cutMarks = {
  lines: { zh: '虚线', en: 'lines' },
  edges: { zh: '纸边短线', en: 'at the edges' },
  none: { zh: '无', en: 'none' },
}

/** A browser that fits a page to what its printer can reach makes everything smaller. @param {Layout} layout @returns {Text} */
export const actualSize = ({ paper: { width, height } }) => ({
  zh: `纸张 ${width} × ${height} 毫米，打印时缩放选 100 %（实际大小）`,
  en: `Paper ${width} × ${height} mm; print at 100 % (actual size)`,
})

/** @type {Text} */
export const small = {
  zh: `图片小于 ${SMALLEST} 毫米，手机可能扫不出来：减少每页的数量`,
  en: `The pictures are below ${SMALLEST} mm, which phones may not be able to scan: choose fewer to a page`,
}

/** @param {string} flag @param {number} side in millimetres @returns {Text} */
export const tooSmall = (flag, side) => ({
  zh: `注意：${flag} 的图片只有 ${side.toFixed(0)} 毫米宽，小于 ${SMALLEST} 毫米可能扫不出来`,
  en: `note: with ${flag} a picture is ${side.toFixed(0)} mm wide, and below ${SMALLEST} mm phones may not be able to scan it`,
})
