'use strict'

const { URL } = require('node:url')
const { types } = require('node:util')
const { isOpaque } = require('./body')
const { excerpt } = require('./excerpt')
const { nullProtoCopy, safeGet } = require('./safe-object')

// Each gives a value as it is sent, or undefined where it is not what it should be.

/**
 * @param {(value: any) => boolean} fits
 * @returns {(value: any) => any}
 */
function acceptIf(fits) {
  return (value) => (fits(value) ? value : undefined)
}

/** @param {unknown} value */
function isString(value) {
  return typeof value === 'string'
}

/** @param {unknown} value */
function isFunction(value) {
  return typeof value === 'function'
}

/** @param {unknown} value one string or several */
function toStrings(value) {
  const texts = Array.isArray(value) ? Array.from(value) : [value]
  if (texts.length === 0 || !texts.every(isString)) return undefined
  const copy = texts.map((text) => text.toWellFormed())
  // JSON.stringify looks for the toJSON of an array.
  Object.setPrototypeOf(copy, null)
  return copy
}

/**
 * The host of a URL may have letters of any script. Node writes it in ASCII here: the addon has no Unicode tables.
 *
 * @param {unknown} value one string or several
 */
function toUrls(value) {
  const texts = toStrings(value)
  if (texts === undefined) return undefined
  for (let at = 0; at < texts.length; at++) texts[at] = withAsciiHost(texts[at])
  return texts
}

/** @param {string} text */
function withAsciiHost(text) {
  return /[^\0-\x7f]/.test(text) && URL.canParse(text) ? new URL(text).href : text
}

/** @param {unknown} value `#ff0000` or `#f00`, as designers hand it over */
function toColor(value) {
  if (typeof value !== 'string' || !/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value)) return undefined
  const digits = value.replace('#', '')
  const parts = digits.match(digits.length === 3 ? /./g : /../g) ?? []
  const part = (/** @type {number} */ at) =>
    Number.parseInt(parts[at].length === 1 ? parts[at] + parts[at] : parts[at], 16)
  return nullProtoCopy({ r: part(0), g: part(1), b: part(2) })
}

/**
 * Repeats a short text only: a long one may be a secret in the wrong place.
 *
 * @param {string} param
 * @param {string} text that is no colour
 */
function explainColor(param, text) {
  if (text.length > LONGEST_COLOR)
    return { zh: `${param} 不是十六进制颜色`, en: `${param} is not a hexadecimal colour` }
  const shown = excerpt(text)
  return {
    zh: `${param} 的“${shown}”不是十六进制颜色`,
    en: `${param} is “${shown}”, which is not a hexadecimal colour`,
  }
}

/** As long as the longest name of a colour in CSS. */
const LONGEST_COLOR = 20

/** @param {any} value an AbortSignal of this realm, of another, or of a polyfill: checked by the members that we use */
function isSignal(value) {
  return (
    typeof value === 'object' &&
    typeof safeGet(value, 'aborted') === 'boolean' &&
    typeof safeGet(value, 'addEventListener') === 'function' &&
    typeof safeGet(value, 'removeEventListener') === 'function'
  )
}

/** @param {unknown} value a number; NaN and Infinity become strings, because JSON has no such numbers and the addon reads them */
function toNumber(value) {
  if (typeof value !== 'number') return undefined
  return Number.isFinite(value) ? value : String(value)
}

/** @param {unknown} value a Date of any realm, converted to WeChat's seconds */
function toSeconds(value) {
  if (!types.isDate(value)) return undefined
  const time = Date.prototype.getTime.call(value)
  return Number.isNaN(time) ? undefined : time / 1000
}

/** @param {unknown} value a query object, converted to alternating names and values */
function toPairs(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isOpaque(value)) return undefined
  const pairs = Object.entries(value).flat()
  return pairs.every(isQueryValue) ? pairs.map(String) : undefined
}

/** @param {any} value */
const isQueryValue = (value) =>
  (typeof value === 'string' && value.isWellFormed()) || typeof value === 'boolean' || Number.isFinite(value)

module.exports = {
  acceptIf,
  explainColor,
  isFunction,
  isSignal,
  isString,
  toColor,
  toNumber,
  toPairs,
  toSeconds,
  toStrings,
  toUrls,
}
