import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { RowError, UsageError } from '../errors.js'

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

/** @type {Record<string, (texts: AsyncIterable<string>, column: ColumnName) => AsyncGenerator<Row>>} */
const FORMATS = {
  '.csv': (texts, column) => csvRows(texts, ',', column),
  '.tsv': (texts, column) => csvRows(texts, '\t', column),
  '.jsonl': jsonRows,
  '.ndjson': jsonRows,
}

/**
 * The rows of a list, one after the other: a list of a million rows is never in memory as a whole.
 *
 * @param {string} path
 * @param {string} encoding
 * @param {ColumnName} column
 * @returns {AsyncGenerator<Row>}
 */
export async function* readList(path, encoding, column) {
  const format = FORMATS[extname(path).toLowerCase()]
  if (format === undefined) throw unknownFormat(path)
  yield* format(decoded(path, encoding), column)
}

/**
 * A list is read several times, which a pipe cannot be.
 *
 * @param {string} path
 */
export async function refuseUnreadable(path) {
  const found = await stat(path).catch((error) => error)
  if (found instanceof Error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (found)
    throw new UsageError(
      { zh: `无法读取 ${path}（${code}）`, en: `${path} cannot be read (${code})` },
      { zh: '检查路径与权限', en: 'Check the path and who may read it' },
    )
  }
  if (!found.isFile()) {
    throw new UsageError(
      { zh: `${path} 不是普通文件`, en: `${path} is not a plain file` },
      { zh: '列表会被读取多次，请先存成文件', en: 'A list is read several times: save it as a file first' },
    )
  }
  if (FORMATS[extname(path).toLowerCase()] === undefined) throw unknownFormat(path)
}

/** @param {string} path */
const unknownFormat = (path) =>
  new UsageError(
    { zh: `看不出 ${path} 的格式`, en: `the format of ${path} is not clear` },
    { zh: '文件名应以 .csv、.tsv 或 .jsonl 结尾', en: 'Its name should end in .csv, .tsv or .jsonl' },
  )

/**
 * @param {string} path
 * @param {string} encoding
 */
async function* decoded(path, encoding) {
  const decoder = decoderOf(encoding)
  let line = 1
  for await (const chunk of createReadStream(path)) {
    const text = decode(() => decoder.decode(chunk, { stream: true }), { path, encoding, line })
    line += text.split('\n').length - 1
    yield text
  }
  yield decode(() => decoder.decode(), { path, encoding, line })
}

/** @param {string} encoding */
function decoderOf(encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true })
  } catch {
    throw new UsageError(
      { zh: `不认识的编码 ${encoding}`, en: `the encoding ${encoding} is not known` },
      { zh: '常用的有 utf-8、gb18030、utf-16le', en: 'Usual ones are utf-8, gb18030 and utf-16le' },
    )
  }
}

/**
 * @param {() => string} read
 * @param {{ path: string, encoding: string, line: number }} at
 */
function decode(read, { path, encoding, line }) {
  try {
    return read()
  } catch {
    throw new UsageError(
      {
        zh: `${path} 在第 ${line} 行之后不是 ${encoding}`,
        en: `${path} is not ${encoding}, somewhere from line ${line} on`,
      },
      {
        zh: '中文 Excel 的 CSV 多为 GBK：加 --encoding gb18030，或另存为“CSV UTF-8”',
        en: 'Excel in China saves GBK: use --encoding gb18030, or save as "CSV UTF-8"',
      },
    )
  }
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
  let row = 0
  for await (const cells of records(texts, delimiter)) {
    row++
    if (cells.every((cell) => cell === '')) continue
    if (columns === undefined) columns = headerOf(cells, column)
    else yield { row, cells: named(columns, cells), problem: excess(columns, cells) }
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
      { zh: `列表不是合法的 CSV：${error.message}`, en: `the list is not good CSV: ${error.message}` },
      {
        zh: '检查该处的引号：单元格里的引号要写两次',
        en: 'Look at the quotes there: one inside a cell is written twice',
      },
    )
  }
}

/**
 * @param {string[]} cells
 * @param {ColumnName} column
 */
function headerOf(cells, column) {
  const columns = cells.map((cell) => column(cell.trim()))
  const twice = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at)
  if (twice === undefined) return columns
  throw new UsageError(
    { zh: `列 ${twice} 出现了两次`, en: `the column ${twice} is there twice` },
    { zh: '删除或改名其中一列', en: 'Delete one of them or give it another name' },
  )
}

/**
 * @param {string[]} columns
 * @param {string[]} cells
 */
function named(columns, cells) {
  /** @type {Record<string, string>} */
  const row = {}
  for (const [at, name] of columns.entries()) if (name !== '') row[name] = cells[at] ?? ''
  return row
}

/**
 * @param {string[]} columns
 * @param {string[]} cells
 */
function excess(columns, cells) {
  if (cells.slice(columns.length).every((cell) => cell === '')) return undefined
  return new RowError(
    {
      zh: `这一行有 ${cells.length} 格，表头只有 ${columns.length} 列`,
      en: `the row has ${cells.length} cells, the header ${columns.length}`,
    },
    { zh: '含有逗号的内容要用引号括起来', en: 'A cell with a comma in it needs quotes around it' },
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
    else yield { row, cells: Object.fromEntries(Object.entries(value).map(([key, cell]) => [column(key), cell])) }
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

const notAnObject = () =>
  new RowError(
    { zh: '这一行不是 JSON 对象', en: 'the line is not a JSON object' },
    { zh: '每行一个对象，如 {"scene":"id=42"}', en: 'One object to a line, like {"scene":"id=42"}' },
  )
