'use strict'

const { isUtf8 } = require('node:buffer')

/** @typedef {'string' | 'integer' | 'boolean' | 'object' | 'color'} FieldType */

/**
 * What a body says. Fields that are not listed are ignored silently, as WeChat does:
 * https://developers.weixin.qq.com/community/develop/doc/0d58e0311634dca7d355551e970c2f50
 * @param {Buffer} body
 * @param {Record<string, FieldType>} fields
 * @returns {number | Record<string, unknown>} the errcode of the refusal, or the object
 */
function readJson(body, fields) {
  if (body.length === 0) return 44002
  const params = isUtf8(body) ? parse(body.toString()) : undefined
  return isObject(params) && haveTypes(params, fields) ? params : 47001
}

/**
 * @param {Record<string, unknown>} params
 * @param {Record<string, FieldType>} fields
 */
function haveTypes(params, fields) {
  return Object.entries(fields).every(([name, type]) => params[name] === undefined || hasType(params[name], type))
}

/**
 * WeChat is strict about types: no `1` for `true`, no `"430"` for 430.
 * https://developers.weixin.qq.com/community/personal/oCJUsw7HH-afwlIcBPOITkQJi12E/question
 * https://developers.weixin.qq.com/community/develop/doc/000e0898b7069010cf83dc0cf64400
 * Only the members of `line_color` pass as numbers and as strings, and WeChat does not check that they are below 256:
 * https://developers.weixin.qq.com/community/develop/doc/000c08f43d44d823011eb64195d800
 * @param {unknown} value
 * @param {FieldType} type
 */
function hasType(value, type) {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return isObject(value)
  if (type !== 'color') return typeof value === type
  if (!isObject(value)) return false
  return ['r', 'g', 'b'].every((name) => {
    const member = value[name]
    return Number.isInteger(member) || (typeof member === 'string' && /^-?\d+$/.test(member))
  })
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Writers that escape `&` as \u0026 were refused where a plain `&` passed:
 * https://developers.weixin.qq.com/community/develop/doc/000c0ed0b346a03be271ec3186b000
 * @param {Buffer} body
 * @param {string} name of a string field, at any depth
 */
function escapesAmpersand(body, name) {
  const raw = new RegExp(`"${name}"\\s*:\\s*"((?:[^"\\\\]|\\\\.)*)"`, 'gs')
  return [...body.toString().matchAll(raw)].some(([, text]) => text.includes('\\u0026'))
}

module.exports = { readJson, haveTypes, escapesAmpersand }
