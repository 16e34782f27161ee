/** What a report says of a row, beside what the list says of it. */
const OWN = ['file', 'code', 'errcode', 'param', 'rid', 'error', 'fix']

/** How such a column is called in the report of a list that has another of that name. @param {string} name */
const other = (name) => `${name} (wxacode)`

/**
 * Whether a list is a report that is fed back.
 *
 * @param {Set<string>} columns
 */
export const isReport = (columns) => OWN.every((name) => columns.has(name) || columns.has(other(name)))

/**
 * The columns of a report: number of the row, everything that the list has, so that it can be corrected and fed back,
 * and what was wrong. What a report that was fed back says of an earlier run is left out.
 *
 * @param {string[]} columns of the list
 */
export function reportColumns(columns) {
  const list = new Set(columns)
  const isFedBack = isReport(list)
  const own = new Map(
    OWN.map((name) => [name, list.has(other(name)) || (list.has(name) && !isFedBack) ? other(name) : name]),
  )
  for (const name of own.values()) list.delete(name)
  const first = ['row', 'kind'].filter((name) => !list.has(name))
  return { all: [...first, ...list, ...own.values()], own }
}

/**
 * A cell of any list as text that is read as the same.
 *
 * @param {unknown} cell
 */
export function textOf(cell) {
  if (cell === undefined || cell === null) return ''
  if (typeof cell !== 'object') return String(cell)
  const { r, g, b } = /** @type {{ r?: unknown, g?: unknown, b?: unknown }} */ (cell)
  const isColor = [r, g, b].every(Number.isInteger) && Object.keys(cell).length === 3
  return isColor ? `${r},${g},${b}` : JSON.stringify(cell)
}

/** Excel runs a cell that begins like a formula. One more mark is in front, and taken away when the report is read. */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/

/** @param {string} text */
export const escapeFormula = (text) => (FORMULA.test(text) ? `'${text}` : text)

/** @param {string} text */
export const unescapeFormula = (text) => (text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text)
