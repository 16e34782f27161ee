import { isUtf8 } from 'node:buffer'

/** Encodings that programs assume for UTF-8 without a mark. */
const MISTAKEN_FOR = ['windows-1252', 'gb18030']
const NOT_ASCII = /\P{ASCII}/u
/** Of the West one letter is enough, as in `CafÃ©`; in GBK short words are UTF-8 by accident. */
const IS_TEXT = {
  'windows-1252': /\P{ASCII}/u,
  gb18030: /[\u3000-\u30ff\u4e00-\u9fff].*[\u3000-\u30ff\u4e00-\u9fff]/u,
}

/**
 * Whether a text is UTF-8 that was read as something else: the bytes that it stands for there are good UTF-8.
 *
 * @param {string} text
 */
export function isGarbled(text) {
  return NOT_ASCII.test(text) && MISTAKEN_FOR.some((encoding) => isMistaken(text, encoding))
}

/**
 * @param {string} text
 * @param {string} encoding
 */
function isMistaken(text, encoding) {
  const bytes = bytesOf(text, encoding)
  if (bytes === undefined || !isUtf8(bytes)) return false
  return IS_TEXT[/** @type {keyof typeof IS_TEXT} */ (encoding)].test(Buffer.from(bytes).toString())
}

/**
 * @param {string} text
 * @param {string} encoding
 * @returns {Uint8Array | undefined}
 */
function bytesOf(text, encoding) {
  const table = tableOf(encoding)
  /** @type {number[]} */
  const bytes = []
  for (const one of text) {
    const code = table.get(one)
    if (code === undefined) return undefined
    if (code > 0xff) bytes.push(code >> 8)
    bytes.push(code & 0xff)
  }
  return Uint8Array.from(bytes)
}

/** @type {Map<string, Map<string, number>>} */
const tables = new Map()

/**
 * The code of each character that has one or two bytes.
 *
 * @param {string} encoding
 */
function tableOf(encoding) {
  const known = tables.get(encoding)
  if (known) return known
  const decoder = new TextDecoder(encoding)
  /** @type {Map<string, number>} */
  const table = new Map()
  for (let code = 0; code < (encoding === 'gb18030' ? 0xffff : 0x100); code++) {
    const one = decoder.decode(Uint8Array.from(code > 0xff ? [code >> 8, code & 0xff] : [code]))
    if ([...one].length === 1 && one !== '\ufffd' && !table.has(one)) table.set(one, code)
  }
  tables.set(encoding, table)
  return table
}
