'use strict'

const { types } = require('node:util')
const { wrongArgument } = require('./errors')
const { nullProtoCopy, safeGet } = require('./safe-object')

/** @typedef {import('./language').Language} Language */

const A_PUSH = { en: 'an object { query, body }', zh: '对象 { query, body }' }
const A_QUERY = { en: 'an object of strings', zh: '值为字符串的对象' }

/** Names of an event's times, which JSON has as milliseconds. */
const TIMES = ['createTime', 'authorizationCodeExpiresAt']

/**
 * A push as the addon takes it. What is wrong with it is for the addon to say: a query or a body of WeChat's is never wrong here.
 *
 * @param {unknown} push
 * @param {Language} [lang] of the platform
 * @returns {{ query: string[], raw?: Uint8Array, encrypt?: string }}
 */
function readPush(push, lang) {
  if (typeof push !== 'object' || push === null) throw wrongArgument('push', A_PUSH, 'receivePush', lang)
  const query = safeGet(push, 'query')
  if (typeof query !== 'object' || query === null) throw wrongArgument('query', A_QUERY, 'receivePush', lang)
  return { query: pairsOf(query), ...readBody(safeGet(push, 'body')) }
}

/**
 * Names and values in turn. Parsers make an array of a name that is there twice: the addon refuses such a name, and so an array of
 * one is given twice.
 *
 * @param {object} query
 */
function pairsOf(query) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  return entries.flatMap(([name, value]) =>
    (Array.isArray(value) ? [...Array.from(value), ...Array.from(value)] : [value])
      .filter((one) => typeof one === 'string')
      .flatMap((one) => [name, one]),
  )
}

/**
 * @param {unknown} body a text, bytes, or what a parser of XML has made of it
 * @returns {{ raw?: Uint8Array, encrypt?: string }}
 */
function readBody(body) {
  if (typeof body === 'string') return { raw: Buffer.from(body) }
  if (types.isUint8Array(body)) return { raw: body }
  if (types.isAnyArrayBuffer(body)) return { raw: new Uint8Array(/** @type {ArrayBuffer} */ (body)) }
  const encrypt = only(safeGet(only(safeGet(body, 'xml')), 'Encrypt'))
  return { encrypt: typeof encrypt === 'string' ? encrypt : '' }
}

/**
 * Parsers put values into arrays of one.
 *
 * @param {unknown} value
 */
const only = (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value)

/**
 * The event of a push, with Dates.
 *
 * @param {string} text JSON
 * @returns {any}
 */
function pushEvent(text) {
  const event = withoutPrototypes(JSON.parse(text))
  for (const name of TIMES) {
    if (Object.hasOwn(event, name)) event[name] = new Date(event[name])
  }
  // The event itself is ours: only what WeChat has named is kept apart from `Object.prototype`.
  return { ...event }
}

/**
 * @param {any} value
 * @returns {any}
 */
function withoutPrototypes(value) {
  if (Array.isArray(value)) return value.map(withoutPrototypes)
  if (typeof value !== 'object' || value === null) return value
  return nullProtoCopy(Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withoutPrototypes(one)])))
}

module.exports = { pushEvent, readPush }
