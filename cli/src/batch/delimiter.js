import { parse } from 'csv-parse/sync'
import { isBlank } from '../blanks.js'

/** What stands between cells: commas of both widths are typed in China. */
const DELIMITERS = [',', '\t', ';', '|', '，', '；']
/** Excel writes the delimiter in a line before the header, and does not show that line. */
const SEP = /^"?sep=(.)"?[,;\t]*\r?\n/iu
/** Whatever comes before the header is blank. */
const RECORDS = 20

/**
 * What stands between the cells of a list: what its first line says, else that which makes most columns out of the
 * header that have a meaning here.
 *
 * @param {string} text the beginning
 * @param {string} byDefault
 * @param {(header: string) => boolean} isColumn
 * @returns {string}
 */
export function delimiterOf(text, byDefault, isColumn) {
  const said = SEP.exec(text)
  if (said) return said[1]
  const scores = [byDefault, ...DELIMITERS].map((delimiter) => ({
    delimiter,
    columns: headerOf(text, delimiter).filter(isColumn).length,
  }))
  return scores.reduce((best, one) => (one.columns > best.columns ? one : best)).delimiter
}

/**
 * A list without the line that says what its delimiter is.
 *
 * @param {AsyncIterable<string>} texts
 */
export async function* withoutSep(texts) {
  /** @type {string | undefined} */
  let head = ''
  for await (const text of texts) {
    if (head === undefined) {
      yield text
      continue
    }
    head += text
    if (!head.includes('\n')) continue
    yield head.replace(SEP, '')
    head = undefined
  }
  if (head !== undefined) yield head
}

/**
 * @param {string} text
 * @param {string} delimiter
 * @returns {string[]}
 */
function headerOf(text, delimiter) {
  for (let to = 1; to <= RECORDS; to++) {
    const cells = recordOf(text, delimiter, to)
    if (cells === undefined) return []
    if (!cells.every(isBlank)) return cells
  }
  return []
}

/**
 * The nth record. No more than it is looked at: the text ends somewhere, perhaps in a cell.
 *
 * @param {string} text
 * @param {string} delimiter
 * @param {number} nth
 * @returns {string[] | undefined}
 */
function recordOf(text, delimiter, nth) {
  try {
    return parse(text, { delimiter, from: nth, to: nth, relax_column_count: true, relax_quotes: true })[0]
  } catch {
    return undefined
  }
}
