/** @import { LabelPaper } from './label-papers.js' */
/** @import { Paper } from './papers.js' */

/**
 * Where codes are on a page of paper, and how large. Everything is in millimetres from the corner at the top left.
 *
 * @typedef {object} Layout
 * @property {Paper} paper
 * @property {number} columns
 * @property {number} rows
 * @property {number} left of the first cell
 * @property {number} top of the first cell
 * @property {number} width of a cell
 * @property {number} height of a cell
 * @property {number} gapX between cells
 * @property {number} gapY between cells
 * @property {number} margin of the paper, in which nothing is printed
 * @property {number} foot the height of the line with title, date and page; 0 where only codes are printed
 * @property {number} side of a picture
 * @property {number} room the largest picture that a cell has room for
 * @property {boolean} beside the label is on the right of the picture, and not below it
 * @property {number} text the size of a label's letters
 * @property {number} lines of a label
 * @property {number} captionWidth
 */

/** Between a picture and the edges of its cell, both together, and between it and its label. */
const PADDING = 2
/** The same in a label of paper, whose edges are not where the printer believes. */
const PADDING_OF_LABEL = 3
/** Sizes are printed on packages in tenths of a millimetre. */
const NEAR = 0.1
/** The largest text of a label, 10 pt; in a small cell it is so small a part of its shorter side. */
const LARGEST_TEXT = 3.53
const TEXTS_IN_CELL = 11
const LINE_HEIGHT = 1.15
/** A cell this much wider than high has its label on the right: the picture becomes larger. */
const WIDE = 1.5
const MOST_LINES = 6
/** What a label beside its picture has of the cell at least. */
const LEAST_CAPTION = 0.4
const [FOOT, SMALLEST_WITH_FOOT] = [6, 100]
const [MOST_COLUMNS, MOST_ROWS] = [20, 30]

/** Below this telephones begin to miss codes. */
export const SMALLEST = 20

/**
 * Cells that fill a page inside its margins.
 *
 * @param {Paper} paper
 * @param {string} grid columns by rows, like `3x4`
 * @param {{ side?: number, offset?: Offset }} [how]
 * @returns {Layout}
 */
export function gridLayout(paper, grid, { side, offset = NO_OFFSET } = {}) {
  const [columns, rows] = grid.split('x').map(Number)
  const shorter = Math.min(paper.width, paper.height)
  const margin = Math.min(10, shorter / 20)
  const foot = shorter < SMALLEST_WITH_FOOT ? 0 : FOOT
  const width = (paper.width - 2 * margin) / columns
  const height = (paper.height - 2 * margin - foot) / rows
  const cells = { columns, rows, left: margin + offset.x, top: margin + offset.y, width, height, gapX: 0, gapY: 0 }
  return { paper, ...cells, margin, foot, ...fitted(width, height, PADDING, side) }
}

/**
 * The labels of a sheet, each a cell; only they are printed on.
 *
 * @param {LabelPaper} labels
 * @param {Paper} given the paper, if the labels do not say it
 * @param {{ side?: number, offset?: Offset }} how
 * @returns {Layout | undefined} nothing if they are larger than the paper
 */
export function labelLayout({ paper: own, left, top, name: _name, ...cells }, given, { side, offset = NO_OFFSET }) {
  const paper = own ?? given
  const { columns, rows, width, height, gapX, gapY } = cells
  const across = columns * (width + gapX) - gapX
  const down = rows * (height + gapY) - gapY
  const [x, y] = [left ?? (paper.width - across) / 2, top ?? (paper.height - down) / 2]
  if (x < 0 || y < 0 || x + across > paper.width + NEAR || y + down > paper.height + NEAR) return undefined
  const place = { left: x + offset.x, top: y + offset.y, margin: 0, foot: 0 }
  return { paper, ...cells, ...place, ...fitted(width, height, PADDING_OF_LABEL, side) }
}

/** How far everything is moved, right and down. @typedef {{ x: number, y: number }} Offset */

export const NO_OFFSET = { x: 0, y: 0 }

/**
 * A picture with its label in a cell.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} padding
 * @param {number} [wanted] the side of the picture; the largest one without it
 */
function fitted(width, height, padding, wanted) {
  const beside = width >= WIDE * height
  const text = Math.min(LARGEST_TEXT, Math.min(width, height) / TEXTS_IN_CELL)
  const line = text * LINE_HEIGHT
  const across = width - padding
  const room = beside
    ? Math.min(height - padding, across * (1 - LEAST_CAPTION))
    : Math.min(across, height - padding - 2 * line)
  const side = wanted ?? Math.max(1, room)
  const lines = beside ? Math.max(1, Math.min(MOST_LINES, Math.floor((height - padding) / line))) : 2
  const captionWidth = Math.max(1, beside ? across - side - PADDING : across)
  return { side, room, beside, text, lines, captionWidth }
}

/**
 * The grid that holds most codes of a size.
 *
 * @param {Paper} paper
 * @param {number} side
 * @returns {string | undefined} nothing if there is room for none
 */
export function gridFor(paper, side) {
  let [best, most] = [/** @type {string | undefined} */ (undefined), 0]
  for (let columns = 1; columns <= MOST_COLUMNS; columns++) {
    for (let rows = 1; rows <= MOST_ROWS; rows++) {
      const grid = `${columns}x${rows}`
      if (columns * rows > most && gridLayout(paper, grid).room >= side) [best, most] = [grid, columns * rows]
    }
  }
  return best
}

/**
 * The numbers of a layout for page.css, in millimetres without their unit: page.css multiplies them.
 *
 * @param {Layout} layout
 */
export function styleOf({ paper, beside, ...layout }) {
  const numbers = {
    'paper-width': paper.width,
    'paper-height': paper.height,
    columns: layout.columns,
    rows: layout.rows,
    left: layout.left,
    top: layout.top,
    width: layout.width,
    height: layout.height,
    'gap-x': layout.gapX,
    'gap-y': layout.gapY,
    margin: layout.margin,
    foot: layout.foot,
    side: layout.side,
    text: layout.text,
    lines: layout.lines,
    'caption-width': layout.captionWidth,
    'caption-height': layout.text * LINE_HEIGHT * layout.lines,
    'least-height': beside ? 0 : layout.text * LINE_HEIGHT * layout.lines,
    between: beside ? PADDING : 0,
  }
  const words = beside
    ? { direction: 'row', align: 'start', ellipsis: '0' }
    : { direction: 'column', align: 'center', ellipsis: '0.7em' }
  return Object.entries({ ...rounded(numbers), ...words })
    .map(([name, value]) => `--${name}:${value}`)
    .join(';')
}

/** @param {Record<string, number>} numbers */
const rounded = (numbers) =>
  Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value.toFixed(3))]))
