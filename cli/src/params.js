import { blankInPage, blankInPath, trimmed } from './blanks.js'

/** @import { Text } from './language.js' */

/** What may be asked, as index.d.ts of wxacode spells it, by kind of code. */
export const KINDS = {
  unlimited: ['scene', 'page', 'checkPath', 'envVersion', 'width', 'autoColor', 'lineColor', 'isHyaline'],
  limited: ['path', 'envVersion', 'width', 'autoColor', 'lineColor', 'isHyaline'],
  qrcode: ['path', 'width'],
}

/** @typedef {keyof typeof KINDS} Kind */

/** @type {Record<string, { read: (text: string) => unknown, wants: Text }>} */
const TYPES = {
  word: { read: (text) => text, wants: { zh: '', en: '' } },
  boolean: { read: readBoolean, wants: { zh: 'true 或 false（1 或 0 亦可）', en: 'true or false, or 1 or 0' } },
  number: { read: readNumber, wants: { zh: '整数，如 430', en: 'a whole number, like 430' } },
  color: {
    read: readColor,
    wants: { zh: '颜色，如 "0,100,0" 或 "#006400"', en: 'a colour, like "0,100,0" or "#006400"' },
  },
}

/** The parameters that are not text. @type {Record<string, keyof typeof TYPES>} */
const TYPE_OF = {
  envVersion: 'word',
  checkPath: 'boolean',
  autoColor: 'boolean',
  isHyaline: 'boolean',
  width: 'number',
  lineColor: 'color',
}

/** Those that are text and may have a blank in them that nobody sees. @type {Record<string, (text: string) => Text | undefined>} */
const BLANK_IN = { page: blankInPage, path: blankInPath }

/** Every parameter of every kind. */
export const PARAMS = [...new Set(Object.values(KINDS).flat())]

/**
 * The value that a text stands for: a cell of a list, or a flag. Blanks around it are dropped where no value has any; in
 * a page or path they are told, and in a scene WeChat's rules tell them.
 *
 * @param {string} param
 * @param {string} text
 * @returns {{ value?: unknown, wants?: Text, blank?: Text }} the value, or what it should be, or where a blank is in it
 */
export function readParam(param, text) {
  const type = TYPES[TYPE_OF[param]]
  if (type === undefined) {
    const blank = BLANK_IN[param]?.(text)
    return blank ? { blank } : { value: text }
  }
  const value = type.read(trimmed(text))
  return value === undefined ? { wants: type.wants } : { value }
}

/** @param {string} text */
function readBoolean(text) {
  if (/^(true|1)$/i.test(text)) return true
  return /^(false|0)$/i.test(text) ? false : undefined
}

/** @param {string} text */
function readNumber(text) {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** @param {string} text */
function readColor(text) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text)
  const decimal = /^(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})$/.exec(text)
  const [r, g, b] = hex ? hex.slice(1).map((part) => Number.parseInt(part, 16)) : (decimal?.slice(1).map(Number) ?? [])
  return b === undefined ? undefined : { r, g, b }
}
