'use strict'

const { types } = require('node:util')
const { refusedPush, wrongArgument } = require('./errors')
const { nullProtoCopy, safeGet } = require('./safe-object')

/** @typedef {import('./language').Language} Language */

const A_PUSH = { en: 'an object { query, body }', zh: '对象 { query, body }' }
const A_QUERY = { en: 'an object of strings', zh: '值为字符串的对象' }

const NO_BODY = {
  en: 'the push has no body: nothing has read it, or what has read it left nothing',
  zh: '推送没有请求体：还没有读取，或者读取之后没有留下内容',
}
const A_FORM = {
  en: 'a parser of forms, such as express.urlencoded, has read the body of the push',
  zh: '推送的请求体被表单解析器读走了，例如 express.urlencoded',
}
const NO_ENCRYPT = {
  en: 'a parser has read the body of the push, and what it left has no xml.Encrypt',
  zh: '推送的请求体被解析器读走了，解析的结果里没有 xml.Encrypt',
}
const KEEP_THE_TEXT = {
  en: "Keep this parser away from the route of the push, or have the text kept, as express.text({ type: '*/xml' }) does",
  zh: "不要让这个解析器处理推送的路由，或者保留原文，例如 express.text({ type: '*/xml' })",
}

/** Names of an event's times, which JSON has as milliseconds. */
const TIMES = ['createTime', 'authorizationCodeExpiresAt']

/**
 * A push as the addon takes it. What is wrong with it is for the addon to say, unless a parser has not left enough of it.
 *
 * @param {unknown} push
 * @param {Language} [lang] of the platform
 * @returns {{ query: string[], raw?: Uint8Array, encrypt?: string }}
 */
function readPush(push, lang) {
  if (typeof push !== 'object' || push === null) throw wrongArgument('push', A_PUSH, 'receivePush', lang)
  const query = safeGet(push, 'query')
  if (typeof query !== 'object' || query === null) throw wrongArgument('query', A_QUERY, 'receivePush', lang)
  return { query: pairsOf(query), ...readBody(safeGet(push, 'body'), lang) }
}

/**
 * Names and values in turn. A name that is there twice has an array as its value, which the addon refuses.
 *
 * @param {object} query
 */
function pairsOf(query) {
  const entries = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  return entries.flatMap(([name, value]) =>
    (Array.isArray(value) ? Array.from(value) : [value])
      .filter((one) => typeof one === 'string')
      .flatMap((one) => [name, one]),
  )
}

/**
 * @param {unknown} body
 * @param {Language} [lang] of the platform
 * @returns {{ raw?: Uint8Array, encrypt?: string }}
 */
function readBody(body, lang) {
  const read = usableBody(body)
  if (read !== undefined) return read
  throw refusedPush({ reason: 'xml', explanation: { cause: whyUnusable(body), fix: KEEP_THE_TEXT } }, lang)
}

/**
 * @param {unknown} body
 * @returns {{ raw?: Uint8Array, encrypt?: string } | undefined} undefined for what is neither a text, nor bytes, nor what a
 *   parser of XML makes of a push
 */
function usableBody(body) {
  if (typeof body === 'string') return { raw: Buffer.from(body) }
  if (types.isUint8Array(body)) return { raw: body }
  if (types.isAnyArrayBuffer(body)) return { raw: new Uint8Array(/** @type {ArrayBuffer} */ (body)) }
  const xml = only(safeGet(body, 'xml'))
  // Some parsers write the names of elements in lower case.
  const encrypt = only(safeGet(xml, 'Encrypt') ?? safeGet(xml, 'encrypt'))
  return typeof encrypt === 'string' ? { encrypt } : undefined
}

/** @param {unknown} body that is not usable */
function whyUnusable(body) {
  const names = typeof body === 'object' && body !== null ? Object.keys(body) : undefined
  if (body === undefined || body === null || names?.length === 0) return NO_BODY
  // To a parser of forms, all before the first `=` of a text is a name.
  return names?.some((name) => name.trimStart().startsWith('<')) ? A_FORM : NO_ENCRYPT
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

module.exports = { pushEvent, readPush, usableBody }
