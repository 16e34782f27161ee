'use strict'

const sharp = require('sharp')
const { invalidOption } = require('./errors.js')

/** @import { Color } from '../index.js' */

/**
 * @template {string} T
 * @param {string} param
 * @param {unknown} value
 * @param {readonly T[]} names
 * @param {T} byDefault
 * @returns {T}
 */
function oneOf(param, value, names, byDefault) {
  if (value === undefined) return byDefault
  const found = names.find((name) => name === value)
  if (!found) throw invalidOption(param, value, names.map((name) => `'${name}'`).join(', '))
  return found
}

/**
 * @param {string} param
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 * @returns {number}
 */
function numberIn(param, value, min, max) {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw invalidOption(param, value, `a number from ${min} to ${max}`, ` ${min} 到 ${max} 之间的数`)
}

/**
 * @param {string} param
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 */
function wholeIn(param, value, min, max) {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw invalidOption(param, value, `a whole number from ${min} to ${max}`, ` ${min} 到 ${max} 之间的整数`)
}

/**
 * Red, green, blue and opacity, each 0 to 255. Sharp knows the names.
 * @param {string} param
 * @param {unknown} value
 * @returns {Promise<Uint8Array>}
 */
async function rgbaOf(param, value) {
  try {
    // Some versions of sharp take a number for a colour.
    if (typeof value !== 'string' && typeof value !== 'object') throw new TypeError()
    const background = /** @type {Color} */ (value)
    return await sharp({ create: { width: 1, height: 1, channels: 4, background } })
      .raw()
      .toBuffer()
  } catch {
    throw invalidOption(param, value, "a colour such as 'white' or '#07c160'", "颜色，如 'white'、'#07c160'")
  }
}

/**
 * @param {string} param
 * @param {unknown} value
 */
async function opaqueColor(param, value) {
  const [red, green, blue, alpha] = await rgbaOf(param, value)
  if (alpha < 255) throw invalidOption(param, value, 'an opaque colour', '不透明的颜色')
  return { r: red, g: green, b: blue }
}

module.exports = { oneOf, numberIn, wholeIn, rgbaOf, opaqueColor }
