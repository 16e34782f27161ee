import { paperOf } from './papers.js'

/** @import { Text } from '../../language.js' */
/** @import { Paper } from './papers.js' */

/**
 * A sheet of labels, in millimetres.
 *
 * @typedef {object} LabelPaper
 * @property {string} name as it was given
 * @property {Paper} [paper] that of the user, if the labels are described by their sizes
 * @property {number} columns
 * @property {number} rows
 * @property {number} width of a label
 * @property {number} height of a label
 * @property {number} [left] of the first label; the labels are in the middle of the paper without it
 * @property {number} [top] of the first label
 * @property {number} gapX between labels
 * @property {number} gapY between labels
 */

const A4 = /** @type {Paper} */ (paperOf('a4'))
const LETTER = /** @type {Paper} */ (paperOf('letter'))

/** Sheets of Avery, by the numbers on their packages: those of one line are cut alike. */
const AVERY = [
  { numbers: ['L7159', 'J8159'], paper: A4, grid: [3, 8], size: [63.5, 33.9], at: [7.21, 12.9], gapX: 2.54 },
  { numbers: ['L7160', 'J8160'], paper: A4, grid: [3, 7], size: [63.5, 38.1], at: [7.21, 15.15], gapX: 2.54 },
  { numbers: ['L7161', 'J8161'], paper: A4, grid: [3, 6], size: [63.5, 46.6], at: [7.21, 8.7], gapX: 2.54 },
  { numbers: ['L7162', 'J8162'], paper: A4, grid: [2, 8], size: [99.1, 33.9], at: [4.65, 12.9], gapX: 2.5 },
  { numbers: ['L7163', 'J8163'], paper: A4, grid: [2, 7], size: [99.1, 38.1], at: [4.65, 15.15], gapX: 2.5 },
  { numbers: ['L7165', 'J8165'], paper: A4, grid: [2, 4], size: [99.1, 67.7], at: [4.65, 13.1], gapX: 2.5 },
  { numbers: ['3474'], paper: A4, grid: [3, 8], size: [70, 37], at: [0, 0.5] },
  { numbers: ['5160', '8160'], paper: LETTER, grid: [3, 10], size: [66.675, 25.4], at: [4.7625, 12.7], gapX: 3.175 },
  { numbers: ['5163', '8163'], paper: LETTER, grid: [2, 5], size: [101.6, 50.8], at: [3.969, 12.7], gapX: 4.7625 },
  { numbers: ['5164', '8164'], paper: LETTER, grid: [2, 3], size: [101.6, 84.667], at: [3.969, 12.7], gapX: 4.7625 },
  { numbers: ['22805'], paper: LETTER, grid: [4, 6], size: [38.1, 38.1], at: [19.844, 12.7], gapX: 7.9375, gapY: 5.08 },
]

export const LABEL_PAPERS = AVERY.flatMap(({ numbers }) => numbers)

/** What is wrong with another text. @type {Text} */
export const LABEL_PAPER_WANTED = {
  zh: `应为 Avery 的型号（${LABEL_PAPERS.join('、')}），或列数x行数/标签宽x高（毫米），如 3x8/70x37；标签不在纸的正中时加上 /左边距,上边距，标签之间有间隔时再加 /横向,纵向`,
  en: `Use a number of Avery's (${LABEL_PAPERS.join(', ')}), or columns x rows/width x height of a label in millimetres, like 3x8/70x37; add /left,top where the labels are not in the middle of the paper, and /across,down for the gaps between them`,
}

/**
 * @param {string} text
 * @returns {LabelPaper | undefined}
 */
export function labelPaperOf(text) {
  const wanted = text.toUpperCase().replace(/^AVERY[- ]?/, '')
  const known = AVERY.find(({ numbers }) => numbers.includes(wanted))
  if (known === undefined) return described(text)
  const { paper, grid, size, at, gapX = 0, gapY = 0 } = known
  return {
    name: text,
    paper,
    columns: grid[0],
    rows: grid[1],
    width: size[0],
    height: size[1],
    left: at[0],
    top: at[1],
    gapX,
    gapY,
  }
}

const NUMBER = '(\\d{1,4}(?:\\.\\d+)?)'
const DESCRIPTION = new RegExp(
  `^(\\d{1,2})[x×*](\\d{1,2})/${NUMBER}[x×*]${NUMBER}(?:/${NUMBER}[,，]${NUMBER}(?:/${NUMBER}[,，]${NUMBER})?)?$`,
  'i',
)

/** @param {string} text @returns {LabelPaper | undefined} */
function described(text) {
  const found = DESCRIPTION.exec(text)
  if (!found) return undefined
  const [columns, rows, width, height, left, top, gapX = 0, gapY = 0] = found
    .slice(1)
    .map((one) => (one === undefined ? undefined : Number(one)))
  if (!columns || !rows || !width || !height) return undefined
  return { name: text, columns, rows, width, height, left, top, gapX, gapY }
}
