import { blankInPage, blankInPath, trimmed } from './blanks.js'
import { CODE_PARAMS } from './endpoints.js'

/** @import { CodeParam } from './endpoints.js' */
/** @import { Text } from './language.js' */

/** @typedef {keyof typeof CODE_PARAMS} Kind */

/** The names of what each kind of code takes, as index.d.ts of wxacode spells them. */
export const PARAMS_BY_KIND = /** @type {Record<Kind, string[]>} */ (
  Object.fromEntries(Object.entries(CODE_PARAMS).map(([kind, params]) => [kind, params.map(({ name }) => name)]))
)

/** What there is to know of each parameter, of whichever kind. @type {Map<string, CodeParam>} */
export const PARAM_OF = new Map(
  Object.values(CODE_PARAMS)
    .flat()
    .map((param) => [param.name, param]),
)

/** How a text is read that stands for something else. @type {Record<string, { read: (text: string) => unknown, wants: Text }>} */
const TYPES = {
  enum: { read: (text) => text, wants: { zh: '', en: '' } },
  boolean: { read: readBoolean, wants: { zh: 'true 或 false（1 或 0 亦可）', en: 'true or false, or 1 or 0' } },
  integer: { read: readNumber, wants: { zh: '整数，如 430', en: 'a whole number, like 430' } },
  color: {
    read: readColor,
    wants: { zh: '颜色，如 "0,100,0" 或 "#006400"', en: 'a colour, like "0,100,0" or "#006400"' },
  },
  extra: {
    read: readExtra,
    wants: {
      zh: '参数名=JSON，如 show_something=true 或 title="文字"，也可以是一个 JSON 对象',
      en: 'a name and JSON, like show_something=true or title="text", or a JSON object',
    },
  },
}

/** Those that are text and may contain an invisible blank. @type {Record<string, (text: string) => Text | undefined>} */
const BLANK_IN = { page: blankInPage, path: blankInPath }

/** Every parameter of every kind. */
export const PARAMS = [...PARAM_OF.keys()]

/**
 * The value that a text stands for: a cell of a list, or a flag. Blanks around it are dropped where no value has any; in
 * a page or path they are told, and in a scene WeChat's rules tell them.
 *
 * @param {string} param
 * @param {string} text
 * @returns {{ value?: unknown, wants?: Text, blank?: Text }} the value, or what it should be, or where a blank is in it
 */
export function readParam(param, text) {
  const type = TYPES[PARAM_OF.get(param)?.type ?? '']
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

/** @param {string} text an object, or a name and its value */
function readExtra(text) {
  const [, name, json] = /^([^={}"\s]+)=(.*)$/s.exec(text) ?? []
  const value = parseJson(json ?? text)
  if (name !== undefined) return value === undefined ? undefined : { [name]: value }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

/** @param {string} text */
function parseJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param {string} text */
function readColor(text) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text)
  const decimal = /^(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})$/.exec(text)
  const [r, g, b] = hex ? hex.slice(1).map((part) => Number.parseInt(part, 16)) : (decimal?.slice(1).map(Number) ?? [])
  return b === undefined ? undefined : { r, g, b }
}
