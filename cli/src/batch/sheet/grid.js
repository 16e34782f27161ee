/** A page of A4 inside its margins, and on it, in millimetres. */
const PAGE = { width: 190, height: 276, foot: 5 }
/** The last line of the grid, a pixel of CSS. */
const LINE = 25.4 / 96
/** Around a picture, and between it and its label. */
const MARGIN = 2
/** The largest text of a label, 10 pt; in a small cell it is so small a part of its shorter side. */
const LARGEST_TEXT = 3.53
const TEXTS_IN_CELL = 11
/** Lines of a label, with what is between them. */
const CAPTION = 2 * 1.15

/** Below this telephones begin to miss codes. */
export const SMALLEST = 20

/**
 * How wide a picture is in a grid, in millimetres.
 *
 * @param {string} grid columns by rows, like `3x4`
 */
export function sideOf(grid) {
  const [columns, rows] = grid.split('x').map(Number)
  const [width, height] = [(PAGE.width - LINE) / columns, (PAGE.height - PAGE.foot - LINE) / rows]
  const text = Math.min(LARGEST_TEXT, Math.min(width, height) / TEXTS_IN_CELL)
  return Math.max(1, Math.min(width - MARGIN, height - MARGIN - text * CAPTION))
}

/**
 * The same numbers for page.css.
 *
 * @param {string} grid
 */
export function styleOf(grid) {
  const [columns, rows] = grid.split('x')
  return Object.entries({
    columns,
    rows,
    'page-width': `${PAGE.width}mm`,
    'page-height': `${PAGE.height}mm`,
    foot: `${PAGE.foot}mm`,
    margin: `${MARGIN}mm`,
    'largest-text': `${LARGEST_TEXT}mm`,
    'texts-in-cell': TEXTS_IN_CELL,
  })
    .map(([name, value]) => `--${name}: ${value}`)
    .join('; ')
}
