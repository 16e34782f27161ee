import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { isBlank, trimmed } from '../blanks.js'
import { RowError, UsageError } from '../errors.js'
import { isColumn } from './columns.js'
import { delimiterOf, withoutSep } from './delimiter.js'
import { decoded, encodingOf, headOf, refusePage, textOf } from './encoding.js'
import { isReport, unescapeFormula } from './report-cells.js'

/**
 * A row as it stands in the list: its number there, as an editor or Excel counts, and its cells by column. `problem` is
 * what is wrong with it as a row.
 *
 * @typedef {object} Row
 * @property {number} row
 * @property {Record<string, unknown>} cells
 * @property {RowError} [problem]
 */

/** What a column is called in the rest of the program. @typedef {(header: string) => string} ColumnName */

/** What stands between the cells, by the ending of the name; nothing where a line is JSON. */
const DELIMITERS = new Map([
  ['.csv', ','],
  ['.tsv', '\t'],
  // As Excel saves "Unicode Text".
  ['.txt', '\t'],
  ['.jsonl', undefined],
  ['.ndjson', undefined],
])

/**
 * How a list is written.
 *
 * @typedef {object} Format
 * @property {string} encoding
 * @property {string} [delimiter] what stands between cells, unless each line is JSON
 */

/**
 * How a list is written, by looking at it: people do not know it of their files.
 *
 * @param {string} path
 * @param {Partial<Format>} asked
 * @returns {Promise<Format>}
 */
export async function formatOf(path, asked) {
  await refuseUnreadable(path)
  const head = await headOf(path)
  if (head.length === 0) throw empty(path)
  const byDefault = DELIMITERS.get(endingOf(path))
  const encoding = await encodingOf(path, head, asked.encoding)
  const text = textOf(head, encoding)
  if (trimmed(text) === '') throw empty(path)
  refusePage(path, text)
  if (byDefault === undefined) {
    refuseNoLines(path, text, asked.delimiter)
    return { encoding }
  }
  return { encoding, delimiter: asked.delimiter ?? delimiterOf(text, byDefault, isColumn) }
}

/**
 * The rows of a list, one after the other: a list of a million rows is never in memory as a whole.
 *
 * @param {string} path
 * @param {Format} format
 * @param {ColumnName} column
 * @returns {AsyncGenerator<Row>}
 */
export function readList(path, { encoding, delimiter }, column) {
  const texts = decoded(path, encoding)
  return delimiter === undefined ? jsonRows(texts, column) : csvRows(withoutSep(texts), delimiter, column)
}

/** @param {string} path */
const endingOf = (path) => extname(path).toLowerCase()

/**
 * A list is read several times, which a pipe cannot be.
 *
 * @param {string} path
 */
async function refuseUnreadable(path) {
  const found = await stat(path).catch((error) => error)
  if (found instanceof Error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (found)
    throw new UsageError(
      { zh: `无法读取 ${path}（${code}）`, en: `${path} cannot be read (${code})` },
      { zh: '检查路径与权限', en: 'Check the path and its permissions' },
    )
  }
  if (!found.isFile()) {
    throw new UsageError(
      { zh: `${path} 不是普通文件`, en: `${path} is not a plain file` },
      { zh: '列表会被读取多次，请先存成文件', en: 'A list is read several times: save it as a file first' },
    )
  }
  if (!DELIMITERS.has(endingOf(path))) throw unknownFormat(path)
}

/** @param {string} path */
const unknownFormat = (path) =>
  new UsageError(
    { zh: `看不出 ${path} 的格式`, en: `the format of ${path} is unknown` },
    {
      zh: '文件名应以 .csv、.tsv、.txt 或 .jsonl 结尾；Excel 或 WPS 的工作簿请另存为“CSV UTF-8（逗号分隔）”',
      en: 'Its name must end in .csv, .tsv, .txt or .jsonl; save a workbook as "CSV UTF-8 (comma delimited)"',
    },
  )

/** @param {string} path */
const empty = (path) =>
  new UsageError(
    { zh: `${path} 是空的`, en: `${path} is empty` },
    {
      zh: '检查导出它的程序，或是否选错了文件',
      en: 'Check the program that wrote it, or whether this is the right file',
    },
  )

/**
 * @param {string} path
 * @param {string} text the beginning
 * @param {string} [delimiter]
 */
function refuseNoLines(path, text, delimiter) {
  if (delimiter !== undefined) {
    throw new UsageError(
      {
        zh: `${path} 的每行是 JSON，用不到 --delimiter`,
        en: `${path} has a JSON object on each line, so --delimiter does not apply`,
      },
      { zh: '去掉 --delimiter，或检查文件名', en: 'Omit --delimiter, or check the file name' },
    )
  }
  if (!text.trimStart().startsWith('[')) return
  throw new UsageError(
    { zh: `${path} 是一个 JSON 数组，不是每行一个对象`, en: `${path} is a JSON array, not one object per line` },
    { zh: `转换：jq -c '.[]' ${path} > list.jsonl`, en: `Convert it: jq -c '.[]' ${path} > list.jsonl` },
  )
}

/**
 * @param {AsyncIterable<string>} texts
 * @param {string} delimiter
 * @param {ColumnName} column
 * @returns {AsyncGenerator<Row>}
 */
async function* csvRows(texts, delimiter, column) {
  /** @type {string[] | undefined} */
  let columns
  let isFedBack = false
  let row = 0
  for await (const cells of records(texts, delimiter)) {
    row++
    if (cells.every(isBlank)) continue
    if (columns === undefined) {
      isFedBack = isReport(new Set(cells.map(trimmed)))
      columns = headerOf(isFedBack ? cells.map(unescapeFormula) : cells, column)
    } else {
      const given = isFedBack ? cells.map(unescapeFormula) : cells
      yield { row, cells: named(columns, given), problem: excess(columns, given) }
    }
  }
}

/**
 * @param {AsyncIterable<string>} texts
 * @param {string} delimiter
 * @returns {AsyncGenerator<string[]>}
 */
async function* records(texts, delimiter) {
  try {
    // What goes wrong in front of the parser comes out of it.
    yield* pipeline(Readable.from(texts), parse({ delimiter, relax_column_count: true }), () => {})
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new UsageError(
      { zh: `列表不是合法的 CSV：${error.message}`, en: `the list is not valid CSV: ${error.message}` },
      {
        zh: '检查该处的引号：单元格里的引号要写两次',
        en: 'Check the quotes there: a quote inside a cell is written twice',
      },
    )
  }
}

/**
 * @param {string[]} cells
 * @param {ColumnName} column
 */
function headerOf(cells, column) {
  const columns = cells.map((cell) => column(trimmed(cell)))
  const twice = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at)
  if (twice === undefined) return columns
  throw new UsageError(
    { zh: `列 ${twice} 出现了两次`, en: `the column ${twice} occurs twice` },
    { zh: '删除或改名其中一列', en: 'Delete or rename one of them' },
  )
}

/**
 * @param {string[]} columns
 * @param {string[]} cells
 */
function named(columns, cells) {
  /** @type {Record<string, string>} */
  const row = Object.create(null)
  for (const [at, name] of columns.entries()) if (name !== '') row[name] = cells[at] ?? ''
  return row
}

/**
 * @param {string[]} columns
 * @param {string[]} cells
 */
function excess(columns, cells) {
  if (cells.slice(columns.length).every(isBlank)) return undefined
  return new RowError(
    {
      zh: `这一行有 ${cells.length} 格，表头只有 ${columns.length} 列`,
      en: `the row has ${cells.length} cells, but the header has ${columns.length}`,
    },
    {
      zh: '含有逗号等分隔符的内容要用引号括起来',
      en: 'Put quotes around a cell that contains a comma or another delimiter',
    },
  )
}

/**
 * @param {AsyncIterable<string>} texts
 * @param {ColumnName} column
 * @returns {AsyncGenerator<Row>}
 */
async function* jsonRows(texts, column) {
  let row = 0
  for await (const line of lines(texts)) {
    row++
    if (line.trim() === '') continue
    const value = parsed(line)
    if (value === undefined) yield { row, cells: {}, problem: notAnObject() }
    else yield { row, ...cellsOf(value, column) }
  }
}

/** @param {AsyncIterable<string>} texts */
async function* lines(texts) {
  let rest = ''
  for await (const text of texts) {
    const whole = (rest + text).split('\n')
    rest = whole.pop() ?? ''
    yield* whole
  }
  if (rest !== '') yield rest
}

/**
 * @param {string} line
 * @returns {object | undefined}
 */
function parsed(line) {
  try {
    const value = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * @param {object} value
 * @param {ColumnName} column
 * @returns {Pick<Row, 'cells' | 'problem'>}
 */
function cellsOf(value, column) {
  /** @type {Record<string, unknown>} */
  const cells = Object.create(null)
  for (const [key, cell] of Object.entries(value)) {
    const name = column(key)
    if (name in cells) return { cells: {}, problem: twiceIn(name) }
    cells[name] = cell
  }
  return { cells }
}

/** @param {string} name */
const twiceIn = (name) =>
  new RowError(
    { zh: `${name} 在这一行出现了两次`, en: `${name} occurs twice in this line` },
    { zh: '删除其中一个，如 check_path 与 checkPath', en: 'Delete one of them, for example check_path or checkPath' },
    name,
  )

const notAnObject = () =>
  new RowError(
    { zh: '这一行不是 JSON 对象', en: 'the line is not a JSON object' },
    { zh: '每行一个对象，如 {"scene":"id=42"}', en: 'Write one object per line, like {"scene":"id=42"}' },
  )
