/** @import { Layout } from './layout.js' */

/** How a sheet shows where to cut: lines between the cells, short marks at the edges of the paper, or nothing. */
export const CUT_MARKS = ['lines', 'edges', 'none']

/** Marks at the edges, in millimetres: between the cells and a mark, and how long it is. */
const [APART, LONG] = [0.5, 2.5]

/**
 * The paths of both kinds of marks, for an SVG as large as the paper.
 *
 * @param {Layout} layout
 */
export const marksOf = (layout) => ({ lines: linesOf(layout), edges: edgesOf(layout) })

/** Of cells that touch each line is drawn once, and not twice. @param {Layout} layout */
function linesOf(layout) {
  const { columns, rows, left, top, width, height, gapX, gapY } = layout
  const [right, bottom] = [left + columns * (width + gapX) - gapX, top + rows * (height + gapY) - gapY]
  if (gapX === 0 && gapY === 0) {
    const across = range(rows + 1).map((row) => `M${mm(left)} ${mm(top + row * height)}H${mm(right)}`)
    const down = range(columns + 1).map((column) => `M${mm(left + column * width)} ${mm(top)}V${mm(bottom)}`)
    return [...across, ...down].join('')
  }
  return range(columns * rows)
    .map((at) => [left + (at % columns) * (width + gapX), top + Math.floor(at / columns) * (height + gapY)])
    .map(([x, y]) => `M${mm(x)} ${mm(y)}h${mm(width)}v${mm(height)}h-${mm(width)}z`)
    .join('')
}

/** @param {Layout} layout */
function edgesOf({ columns, rows, left, top, width, height, gapX, gapY }) {
  const [xs, ys] = [bordersOf(columns, left, width, gapX), bordersOf(rows, top, height, gapY)]
  const [right, bottom] = [Math.max(...xs), Math.max(...ys)]
  const down = xs.flatMap((x) => [`M${mm(x)} ${mm(top - APART)}v-${LONG}`, `M${mm(x)} ${mm(bottom + APART)}v${LONG}`])
  const across = ys.flatMap((y) => [`M${mm(left - APART)} ${mm(y)}h-${LONG}`, `M${mm(right + APART)} ${mm(y)}h${LONG}`])
  return [...down, ...across].join('')
}

/**
 * Where cells begin and end.
 *
 * @param {number} count
 * @param {number} first
 * @param {number} size
 * @param {number} gap
 */
const bordersOf = (count, first, size, gap) => [
  ...new Set(range(count).flatMap((at) => [mm(first + at * (size + gap)), mm(first + at * (size + gap) + size)])),
]

/** @param {number} count */
const range = (count) => Array.from({ length: count }, (_, at) => at)

/** @param {number} value */
const mm = (value) => Number(value.toFixed(3))
