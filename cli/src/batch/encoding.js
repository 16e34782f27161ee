import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { UsageError } from '../errors.js'

/** @import { Text } from '../language.js' */

const HEAD_BYTES = 64 * 1024

/** What a file says of itself at its beginning. @type {[number[], string][]} */
const MARKS = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
]

/** How files begin that are no list, whatever their name says, in hexadecimal. @type {[string, Text][]} */
const OTHERS = [
  ['504b0304', { zh: 'Excel 工作簿（.xlsx）', en: 'an Excel workbook (.xlsx)' }],
  ['d0cf11e0', { zh: '旧式 Excel 工作簿（.xls）', en: 'an old Excel workbook (.xls)' }],
  ['255044462d', { zh: 'PDF', en: 'a PDF' }],
  ['1f8b', { zh: '压缩文件', en: 'a compressed file' }],
]
const PAGE = /^\s*<(!doctype|html|head|meta|style|table|\?xml|!--)/i

/**
 * The beginning of a file.
 *
 * @param {string} path
 */
export async function headOf(path) {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/**
 * In which encoding a list is: what a mark at its beginning says, else what was asked for, else what it looks like.
 *
 * @param {string} path
 * @param {Buffer} head
 * @param {string} [asked]
 */
export async function encodingOf(path, head, asked) {
  refuseOther(path, head)
  const marked = MARKS.find(([mark]) => mark.every((byte, at) => head[at] === byte))
  if (marked) return marked[1]
  if (asked !== undefined) return asked
  return wideEncodingOf(path, head) ?? (await narrowEncodingOf(path))
}

/**
 * @param {string} path
 * @param {Buffer} head
 */
function refuseOther(path, head) {
  const other = OTHERS.find(([bytes]) => head.subarray(0, bytes.length / 2).toString('hex') === bytes)
  if (other) throw noList(path, other[1])
}

/**
 * Some systems call a web page with a table .xls or .csv, and Excel opens it.
 *
 * @param {string} path
 * @param {string} text
 */
export function refusePage(path, text) {
  if (PAGE.test(text)) throw noList(path, { zh: '网页或 XML', en: 'a web page or XML' })
}

/**
 * UTF-16 has zeros where other texts have none.
 *
 * @param {string} path
 * @param {Buffer} head
 */
function wideEncodingOf(path, head) {
  const zeros = [0, 0]
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2]++
  if (zeros[0] + zeros[1] === 0) return undefined
  const encoding = zeros[0] < zeros[1] ? 'utf-16le' : 'utf-16be'
  if (new TextDecoder(encoding).decode(head).includes('\0')) {
    throw noList(path, { zh: '二进制文件', en: 'a binary file' })
  }
  return encoding
}

/**
 * UTF-8 if all of it is, else the encoding of Chinese Excel if it looks like that.
 *
 * @param {string} path
 */
async function narrowEncodingOf(path) {
  const line = await badLine(path, 'utf-8')
  if (line === undefined) return 'utf-8'
  if ((await badLine(path, 'gb18030')) === undefined && (await isMostlyChinese(path))) return 'gb18030'
  throw undecided(path, line)
}

/**
 * The line at whose chunk a file stops being what it should be.
 *
 * @param {string} path
 * @param {string} encoding
 */
async function badLine(path, encoding) {
  try {
    for await (const _ of decoded(path, encoding));
    return undefined
  } catch (error) {
    if (error instanceof NotInEncoding) return error.line
    throw error
  }
}

/**
 * GB18030 takes nearly everything for Chinese, words with an accent of the West too. The characters that Chinese people
 * use are pairs of high bytes there.
 *
 * @param {string} path
 */
async function isMostlyChinese(path) {
  let common = 0
  let rare = 0
  for await (const chunk of createReadStream(path, { encoding: 'latin1' })) {
    for (const [pair] of chunk.matchAll(/[\x81-\xfe][\x30-\xff]/g)) {
      if (pair[0] >= '\xa1' && pair[1] >= '\xa1') common++
      else rare++
    }
  }
  return common > rare * 2
}

/** A file that is not in the encoding that it was read in. */
class NotInEncoding extends UsageError {
  /**
   * @param {string} path
   * @param {string} encoding
   * @param {number} line
   */
  constructor(path, encoding, line) {
    super(
      {
        zh: `${path} 在第 ${line} 行之后不是 ${encoding}`,
        en: `${path} is not ${encoding}, somewhere from line ${line} on`,
      },
      {
        zh: '去掉 --encoding 让 wxacode 自动判断，或另存为“CSV UTF-8”',
        en: 'Omit --encoding to detect it, or save as "CSV UTF-8"',
      },
    )
    this.line = line
  }
}

/**
 * The text of a file, bit by bit.
 *
 * @param {string} path
 * @param {string} encoding
 */
export async function* decoded(path, encoding) {
  const decoder = decoderOf(encoding)
  let line = 1
  /** @param {Buffer} [chunk] */
  const decode = (chunk) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new NotInEncoding(path, encoding, line)
    }
  }
  for await (const chunk of createReadStream(path)) {
    const text = decode(chunk)
    line += text.split('\n').length - 1
    yield text
  }
  yield decode()
}

/**
 * The text of a file's beginning, where a character may be cut off.
 *
 * @param {Buffer} head
 * @param {string} encoding
 */
export const textOf = (head, encoding) => decoderOf(encoding, { fatal: false }).decode(head, { stream: true })

/**
 * @param {string} encoding
 * @param {{ fatal: boolean }} [options]
 */
function decoderOf(encoding, options = { fatal: true }) {
  try {
    return new TextDecoder(encoding, options)
  } catch {
    throw new UsageError(
      { zh: `不支持的编码 ${encoding}`, en: `unknown encoding ${encoding}` },
      { zh: '常用的有 utf-8、gb18030、utf-16le', en: 'Common ones are utf-8, gb18030 and utf-16le' },
    )
  }
}

/**
 * @param {string} path
 * @param {Text} what
 */
const noList = (path, what) =>
  new UsageError(
    { zh: `${path} 是${what.zh}，不是列表`, en: `${path} is ${what.en}, not a list` },
    {
      zh: '在 Excel 或 WPS 里打开，另存为“CSV UTF-8（逗号分隔）”',
      en: 'Open it in Excel or similar and save it as "CSV UTF-8 (comma delimited)"',
    },
  )

/**
 * @param {string} path
 * @param {number} line
 */
const undecided = (path, line) =>
  new UsageError(
    {
      zh: `看不出 ${path} 的编码：第 ${line} 行之后不是 UTF-8，也不像 GBK`,
      en: `the encoding of ${path} is unknown: from about line ${line} on it is not UTF-8, and it does not look like GBK`,
    },
    {
      zh: '用 --encoding 说明，如 gb18030、big5、windows-1252；或另存为“CSV UTF-8”',
      en: 'Use --encoding, like gb18030, big5 or windows-1252; or save as "CSV UTF-8"',
    },
  )
