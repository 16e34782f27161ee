import { trimmed } from '../blanks.js'
import { RowError, UsageError } from '../errors.js'

/** @import { Row } from './list.js' */
/** @import { Text } from '../language.js' */

/**
 * Beside columns, a pattern knows the number of the row, as it is or as a column of that name says: a report that is fed
 * back has the numbers of the list that it tells of.
 */
const ROW = 'row'
const PLACEHOLDER = /\{([^{}]+)\}/g

/** Not possible in the name of a file on every system, or read in another order; `%` because it stands for these. */
const UNSAFE = /[\\:*?"<>|%\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
/** Windows knows these as devices, whatever their ending. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³]) *(\.|$)/i
const IMAGE_EXTENSION = /\.(jpe?g|png)$/i
/** File systems allow 255; an ending needs room. */
const MAX_BYTES = 200

/**
 * The columns that a pattern like `{city}/{scene}` uses.
 *
 * @param {string} pattern
 */
export const placeholdersOf = (pattern) =>
  [...pattern.matchAll(PLACEHOLDER)].map(([, placeholder]) => placeholder).filter((placeholder) => placeholder !== ROW)

/**
 * A pattern with other names for its columns.
 *
 * @param {string} pattern
 * @param {(placeholder: string) => string} nameOf
 */
export const renamed = (pattern, nameOf) => pattern.replace(PLACEHOLDER, (_, placeholder) => `{${nameOf(placeholder)}}`)

/**
 * @param {string} pattern
 * @param {Row} row
 * @param {(value: string, placeholder: string) => string} [each] what is done to each value
 */
export function fill(pattern, { row, cells }, each = (value) => value) {
  return pattern.replace(PLACEHOLDER, (_, placeholder) =>
    each(String(cells[placeholder] ?? (placeholder === ROW ? row : '')), placeholder),
  )
}

/**
 * The name of a row's file, without its ending: inside the folder, and possible on every system. Slashes of the pattern
 * make folders; in a value they are escaped, so that no value leads anywhere.
 *
 * @param {string} pattern
 * @param {Row} row
 */
export function fileName(pattern, row) {
  const name = fill(pattern, row, (given, placeholder) => {
    const value = trimmed(given)
    if (value === '') throw empty(placeholder)
    return escapeSegment(value.replace(IMAGE_EXTENSION, ''))
  })
  const why = impossible(name)
  if (why === undefined) return name
  throw new RowError(
    { zh: `文件名 ${name} 不可用：${why.zh}`, en: `invalid file name ${name}: ${why.en}` },
    {
      zh: '修改该单元格，或换一种命名，如 --name "{row}"',
      en: 'Change the cell, or use another --name, like --name "{row}"',
    },
    'name',
  )
}

/**
 * The same for names that some file system takes for the same.
 *
 * @param {string} name
 */
export const nameKey = (name) => name.normalize('NFC').toLowerCase()

/**
 * A pattern of the command line that could never give a good name.
 *
 * @param {string} pattern
 */
export function refuseBadPattern(pattern) {
  const likely = pattern.replace(PLACEHOLDER, 'x')
  const why =
    impossible(likely) ??
    (UNSAFE.test(likely) && { zh: '含有不可用的字符', en: 'it has a character that is not allowed in names' })
  if (!why) return
  throw new UsageError(
    {
      zh: `--name ${pattern} 不能用作文件名：${why.zh}`,
      en: `--name ${pattern} cannot be the name of a file: ${why.en}`,
    },
    {
      zh: '使用输出文件夹内的相对路径，如 "{city}/{scene}"',
      en: 'Use a path inside the folder, like "{city}/{scene}"',
    },
  )
}

/** @param {string} value */
const escapeSegment = (value) => value.replace(new RegExp(`${UNSAFE.source}|/`, 'gu'), percent)

/** @param {string} one */
const percent = (one) =>
  one < '\x80' ? `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(one)

/**
 * @param {string} name
 * @returns {Text | undefined}
 */
function impossible(name) {
  if (!name.isWellFormed()) return { zh: '含有半个字符', en: 'it has half a character (a lone surrogate)' }
  for (const part of name.split('/')) {
    if (part === '') return { zh: '有空的部分', en: 'a part of it is empty' }
    if (part.startsWith('.')) return { zh: '以点开头', en: 'it begins with a dot' }
    if (/[. ]$|^ /.test(part)) return { zh: '首尾有空格或点', en: 'it ends in a dot, or begins or ends with a space' }
    if (DEVICE.test(part)) return { zh: 'Windows 保留了这个名字', en: 'Windows reserves it for a device' }
    if (Buffer.byteLength(part) > MAX_BYTES)
      return { zh: `超过 ${MAX_BYTES} 字节`, en: `it has more than ${MAX_BYTES} bytes` }
  }
  return undefined
}

/** @param {string} column */
const empty = (column) =>
  new RowError(
    { zh: `文件名要用 ${column}，但这一行没有`, en: `the file name needs ${column}, which this row does not have` },
    { zh: `填写 ${column} 列，或修改 --name`, en: `Fill in the column ${column}, or change --name` },
    column,
  )
