import { InvalidArgumentError } from 'commander'
import { UsageError } from '../../errors.js'
import { addOptions, number } from '../../flags.js'
import { findChromium } from './chromium.js'
import { CUT_MARKS } from './cut-marks.js'
import { cellsOf } from './document.js'
import { LABEL_PAPER_WANTED, labelPaperOf } from './label-papers.js'
import { gridFor, gridLayout, labelLayout, SMALLEST } from './layout.js'
import { PAPER_WANTED, paperOf } from './papers.js'
import { tooSmall } from './texts.js'

/** @import { Command } from 'commander' */
/** @import { Io } from '../../io.js' */
/** @import { Look } from './document.js' */
/** @import { LabelPaper } from './label-papers.js' */
/** @import { Offset } from './layout.js' */
/** @import { Paper } from './papers.js' */

/**
 * @typedef {object} SheetFlags
 * @property {string} [title]
 * @property {Paper} [paper]
 * @property {string} [grid] columns by rows
 * @property {LabelPaper} [labelPaper]
 * @property {number} [startLabel] the first one that is free, from 1
 * @property {number} [codeMm] the side of a picture
 * @property {string} [cutMarks]
 * @property {Offset} [offset]
 * @property {boolean} [pdf]
 * @property {string} [chromium]
 */

const A4 = /** @type {Paper} */ (paperOf('a4'))
const GRID = '3x4'

/**
 * The flags of a contact sheet.
 *
 * @param {Command} command
 * @param {Io} io
 */
export function addSheetFlags(command, { say }) {
  command.optionsGroup(say({ zh: '打印版面 index.html：', en: 'The sheet index.html:' }))
  addOptions(command, say, (option) => {
    option('--label <pattern>', {
      zh: '码的标签（默认 label 列，其次 scene、path）',
      en: 'label of a code (default: the column label, else scene or path)',
    })
    option('--title <text>', { zh: '标题（默认文件夹名）', en: 'its title (default: the folder)' })
    option('--paper <size>', {
      zh: '纸张，如 a4（默认）、a5、letter 或 100x150（毫米）',
      en: 'like a4 (default), a5, letter or 100x150 (mm)',
    }).argParser(parser(say, paperOf, PAPER_WANTED))
    option('--grid <columns>x<rows>', {
      zh: '每页的列数和行数（默认 3x4）',
      en: 'columns and rows of a page (default: 3x4)',
    }).argParser(parser(say, gridOf, { zh: '应为列数x行数，如 3x4', en: 'Use columns x rows, like 3x4' }))
    option('--label-paper <name>', {
      zh: '标签纸：Avery 型号如 L7160，或列数x行数/宽x高（毫米）如 3x8/70x37',
      en: "label paper: Avery's number, like L7160, or columns x rows/width x height in mm, like 3x8/70x37",
    })
      .argParser(parser(say, labelPaperOf, LABEL_PAPER_WANTED))
      .conflicts('grid')
    option('--start-label <n>', {
      zh: '用过一部分的标签纸上，从第几个标签开始',
      en: 'the first free label of a sheet that is partly used',
    }).argParser(number(say, /^[1-9]\d{0,3}$/))
    option('--code-mm <n>', {
      zh: '码的边长，毫米（默认排列能容纳的最大值）；不指定排列时，每页放下尽可能多的码',
      en: 'the side of a code in millimetres (default: as large as fits); without a grid, as many as fit on a page',
    }).argParser(number(say, /^[1-9]\d{0,2}(\.\d+)?$/))
    option('--cut-marks <kind>', {
      zh: '裁切标记：虚线、纸边短线、无（默认 lines）',
      en: 'lines between codes, marks at the edges of the paper, or none (default: lines)',
    }).choices(CUT_MARKS)
    option('--offset <x>,<y>', {
      zh: '整体向右、向下移动，毫米，校正打印机的偏移，如 0.5,-1',
      en: 'moves everything right and down, in millimetres, where a printer is off, like 0.5,-1',
    }).argParser(parser(say, offsetOf, { zh: '应为两个毫米数，如 0.5,-1，各不超过 20', en: OFFSET_WANTED }))
    option('--pdf', {
      zh: '同时写 index.pdf，需要 Chrome、Edge 或 Chromium',
      en: 'write index.pdf too; needs Chrome, Edge or Chromium',
    })
    option('--chromium <path>', {
      zh: '用于 --pdf 的浏览器，或 WXACODE_CHROMIUM（默认自动查找）',
      en: 'the browser for --pdf, or WXACODE_CHROMIUM (default: it is looked for)',
    })
  })
}

const OFFSET_WANTED = 'Use two numbers of millimetres up to 20, like 0.5,-1'

/**
 * What a sheet is to look like. It is known before the first request whether that is possible.
 *
 * @param {SheetFlags} flags
 * @param {Io} io
 * @returns {Look}
 */
export function lookOf(flags, io) {
  const look = flags.labelPaper ? labelLook(flags, flags.labelPaper) : gridLook(flags)
  const { layout } = look
  if (flags.codeMm !== undefined && layout.side > layout.room) throw tooLarge(layout.side, layout.room)
  if (layout.side < SMALLEST) io.note(tooSmall(smallBy(flags), layout.side))
  return look
}

/**
 * @param {SheetFlags} flags
 * @returns {Look}
 */
function gridLook({ paper = A4, grid, codeMm, cutMarks = 'lines', offset, startLabel }) {
  if (startLabel !== undefined) throw noLabels()
  const cells = grid ?? (codeMm === undefined ? GRID : gridFor(paper, codeMm))
  if (cells === undefined) throw tooLarge(codeMm, gridLayout(paper, '1x1').room)
  const layout = gridLayout(paper, cells, { side: codeMm, offset })
  // Other grids have another size and place, so there is no choice where these are given.
  return { layout, cutMarks, grid: codeMm === undefined && offset === undefined ? cells : undefined }
}

/**
 * @param {SheetFlags} flags
 * @param {LabelPaper} labels
 * @returns {Look}
 */
function labelLook({ paper, codeMm, cutMarks = 'none', offset, startLabel = 1 }, labels) {
  if (labels.paper && paper) throw ownPaper(labels)
  const layout = labelLayout(labels, paper ?? A4, { side: codeMm, offset })
  if (layout === undefined) throw largerThanPaper(labels, paper ?? A4)
  if (startLabel > cellsOf(layout)) throw notOnSheet(startLabel, cellsOf(layout))
  return { layout, cutMarks, taken: startLabel - 1 }
}

/** The flag that makes codes small. @param {SheetFlags} flags */
function smallBy({ codeMm, labelPaper, grid = GRID }) {
  if (codeMm !== undefined) return `--code-mm ${codeMm}`
  return labelPaper ? `--label-paper ${labelPaper.name}` : `--grid ${grid}`
}

/**
 * The browser that writes the PDF, if there is to be one.
 *
 * @param {SheetFlags} flags
 * @param {Io} io
 */
export const browserOf = ({ pdf, chromium }, { env }) =>
  pdf ? findChromium(chromium ?? (env.WXACODE_CHROMIUM || undefined), { env }) : undefined

/**
 * @param {number | undefined} side
 * @param {number} room
 */
const tooLarge = (side, room) =>
  new UsageError(
    {
      zh: `--code-mm ${side} 放不下：连同标签，一格里最大 ${Math.max(0, Math.floor(room * 10) / 10)} 毫米`,
      en: `--code-mm ${side} does not fit: beside its label a cell has room for ${Math.max(0, Math.floor(room * 10) / 10)} mm`,
    },
    {
      zh: '减小 --code-mm，减少每页的数量（--grid），或换更大的纸（--paper）',
      en: 'Use a smaller --code-mm, a --grid with fewer codes, or a larger --paper',
    },
  )

const noLabels = () =>
  new UsageError(
    { zh: '--start-label 只能与 --label-paper 一起使用', en: '--start-label needs --label-paper' },
    { zh: '加上 --label-paper，或去掉 --start-label', en: 'Add --label-paper, or leave --start-label out' },
  )

/** @param {LabelPaper} labels */
const ownPaper = ({ name }) =>
  new UsageError(
    {
      zh: `--label-paper ${name} 自带纸张尺寸，不能再用 --paper`,
      en: `--label-paper ${name} has its own size, so --paper cannot be used with it`,
    },
    { zh: '去掉 --paper', en: 'Leave --paper out' },
  )

/**
 * @param {LabelPaper} labels
 * @param {Paper} paper
 */
const largerThanPaper = ({ name }, { width, height }) =>
  new UsageError(
    {
      zh: `--label-paper ${name} 的标签超出了 ${width} × ${height} 毫米的纸`,
      en: `the labels of --label-paper ${name} are larger than the paper, ${width} × ${height} mm`,
    },
    {
      zh: '核对列数、行数、尺寸、边距和间隔；纸不是 A4 时用 --paper 指定',
      en: 'Check columns, rows, sizes, margins and gaps; for another paper than A4 add --paper',
    },
  )

/**
 * @param {number} start
 * @param {number} labels
 */
const notOnSheet = (start, labels) =>
  new UsageError(
    {
      zh: `--start-label ${start} 超出范围：一张有 ${labels} 个标签`,
      en: `--start-label ${start} is not on the sheet, which has ${labels} labels`,
    },
    {
      zh: `填 1 到 ${labels}：从左到右、从上到下数`,
      en: `Use 1 to ${labels}, counted from left to right and from top to bottom`,
    },
  )

/** @param {string} text */
function gridOf(text) {
  const [, columns, rows] = /^(\d{1,2})[x×*](\d{1,2})$/.exec(text)?.map(Number) ?? []
  return columns > 0 && rows > 0 ? `${columns}x${rows}` : undefined
}

/** @param {string} text */
function offsetOf(text) {
  const [, x, y] = /^([-+]?\d{1,2}(?:\.\d+)?)[,，]([-+]?\d{1,2}(?:\.\d+)?)$/.exec(text)?.map(Number) ?? []
  return [x, y].every((one) => Math.abs(one) <= 20) ? { x, y } : undefined
}

/**
 * @template T
 * @param {Io['say']} say
 * @param {(text: string) => T | undefined} read
 * @param {{ zh: string, en: string }} wanted
 */
const parser = (say, read, wanted) => (/** @type {string} */ text) => {
  const value = read(text)
  if (value === undefined) throw new InvalidArgumentError(say(wanted))
  return value
}
