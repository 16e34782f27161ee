'use strict'

/**
 * The body of a request as JSON without escapes, as WeChat reads it. JSON.stringify writes a value that JSON cannot represent
 * as `{}` or `null`, and WeChat would respond to that, so such a value is rejected here.
 */

const { types } = require('node:util')
const { invalid } = require('./errors')
const { excerpt, loneSurrogateAt } = require('./excerpt')
const { safeGet } = require('./safe-object')

/** No API of WeChat needs a deeper body. A circular reference exceeds this depth. */
const MAX_DEPTH = 100

/**
 * Each value is read once, getters and `toJSON` included.
 *
 * @param {object | undefined} body
 * @param {string} endpoint
 * @param {import('./language').Language} [lang] of the client
 * @returns {string | undefined}
 */
function json(body, endpoint, lang) {
  return body === undefined ? undefined : JSON.stringify(jsonObject(body, { endpoint, lang, param: 'body' }))
}

/**
 * A copy of an object that JSON can represent.
 *
 * @param {object} value
 * @param {{ endpoint?: string, lang?: import('./language').Language, param: string }} at
 * @returns {any}
 */
function jsonObject(value, at) {
  const whole = { ...at, root: at.param, key: '', depth: 0 }
  const copy = toJsonValue(value, whole)
  if (typeof copy !== 'object') throw notJson(whole, TEXTS.opaque)
  return copy
}

/**
 * @typedef {object} ParamContext
 * @property {string} [endpoint]
 * @property {import('./language').Language} [lang]
 * @property {string} root like `body`
 * @property {string} param like `body.list[0]`
 * @property {string} key
 * @property {number} depth
 */

/**
 * Copies a value to one that JSON can represent. Like JSON.stringify, it omits undefined properties.
 *
 * @param {any} given
 * @param {ParamContext} at
 * @returns {any}
 */
function toJsonValue(given, at) {
  if (at.depth > MAX_DEPTH) throw notJson({ ...at, param: at.root }, TEXTS.deep)
  if (ArrayBuffer.isView(given) || types.isAnyArrayBuffer(given)) throw notJson(at, TEXTS.bytes)
  const value = applyToJson(given, at.key)
  if (typeof value === 'string') return wellFormed(value, at)
  if (typeof value === 'number' && !Number.isFinite(value)) throw notJson(at, TEXTS.number)
  if (typeof value === 'boolean' || typeof value === 'number') return value
  if (value === null) {
    if (given === null && at.depth > 0) return value
    throw notJson(at, TEXTS.null)
  }
  if (typeof value !== 'object') throw notJson(at, typeof value === 'bigint' ? TEXTS.bigint : TEXTS.nothing)
  if (Array.isArray(value)) return Array.from(value, (one, index) => toJsonValue(one, childContext(at, index)))
  if (isOpaque(value)) throw notJson(at, TEXTS.opaque)
  return toJsonFields(value, at)
}

/**
 * Calls the `toJSON` of an object or of its class, like that of a Date.
 *
 * @param {any} given
 * @param {string} key
 */
function applyToJson(given, key) {
  if (types.isBoxedPrimitive(given)) return given.valueOf()
  const toJSON = typeof given === 'object' ? safeGet(given, 'toJSON') : undefined
  return typeof toJSON === 'function' ? toJSON.call(given, key) : given
}

/**
 * @param {any} value
 * @param {ParamContext} at
 */
function toJsonFields(value, at) {
  const copy = Object.create(null)
  for (const key of Object.keys(value)) {
    const one = value[key]
    if (one !== undefined) copy[wellFormed(key, at)] = toJsonValue(one, childContext(at, key))
  }
  return copy
}

/**
 * Whether JSON cannot see the contents of an object: a Map, a Promise, URLSearchParams, a Blob, a stream or an Error, of any
 * realm.
 *
 * @param {any} value
 */
function isOpaque(value) {
  if (types.isNativeError(value) || typeof safeGet(value, 'pipe') === 'function') return true
  return (
    !['Object', 'Module'].includes(Object.prototype.toString.call(value).slice(8, -1)) &&
    Object.keys(value).length === 0
  )
}

/**
 * @param {string} value
 * @param {ParamContext} at
 */
function wellFormed(value, at) {
  if (value.isWellFormed()) return value
  const position = loneSurrogateAt(value)
  throw notJson(at, {
    cause: {
      zh: `第 ${position} 个字符是不成对的代理字符，不是合法的 Unicode`,
      en: `has a lone surrogate as character ${position} and is not valid Unicode`,
    },
    fix: {
      zh: '字符串可能在表情符号中间被截断，请按字符截取',
      en: 'The string was probably cut inside an emoji: cut it by characters',
    },
  })
}

/**
 * @param {ParamContext} at
 * @param {string | number} key
 * @returns {ParamContext}
 */
const childContext = (at, key) => ({
  ...at,
  param: typeof key === 'number' ? `${at.param}[${key}]` : `${at.param}.${excerpt(key)}`,
  key: String(key),
  depth: at.depth + 1,
})

const PLAIN_OBJECT = {
  zh: '传入普通对象，其中只有字符串、有限的数字、布尔值、null、数组和普通对象',
  en: 'Pass a plain object of strings, finite numbers, booleans, null, arrays and plain objects',
}

/** Errors, without the name of the parameter at the beginning. @type {Record<string, import('../index').Explanation>} */
const TEXTS = {
  deep: {
    cause: { zh: '嵌套过深，或含有循环引用', en: 'is nested too deeply, or contains itself' },
    fix: PLAIN_OBJECT,
  },
  bytes: {
    cause: { zh: '是二进制数据，JSON 无法表示', en: 'is binary data, which JSON cannot represent' },
    fix: {
      zh: "用 .toString() 或 .toString('base64') 转成字符串；上传文件（multipart）的接口请用 getAccessToken() 自行请求",
      en: "Convert it with .toString() or .toString('base64'); for an API that takes files (multipart) use getAccessToken() and send the request yourself",
    },
  },
  number: {
    cause: { zh: '是 NaN 或 Infinity，JSON 会写成 null', en: 'is NaN or Infinity, which JSON writes as null' },
    fix: { zh: '检查它是怎么算出来的；没有值时不要传', en: 'Check how it is computed; omit it if there is no value' },
  },
  null: {
    cause: { zh: '是 null（无效的 Date 也会写成 null）', en: 'is null (JSON also writes an invalid Date as null)' },
    fix: { zh: '没有值时不要传；整个值须为对象', en: 'Omit it if there is no value; the whole must be an object' },
  },
  bigint: {
    cause: { zh: '是 BigInt，JSON 无法表示', en: 'is a BigInt, which JSON cannot represent' },
    fix: { zh: '按接口的类型转成 Number 或 String', en: 'Convert it to a Number or a String, as the API requires' },
  },
  nothing: {
    cause: {
      zh: '是函数、Symbol 或数组中的 undefined，JSON 会丢掉它或写成 null',
      en: 'is a function, a symbol, or undefined in an array, which JSON omits or writes as null',
    },
    fix: PLAIN_OBJECT,
  },
  opaque: {
    cause: {
      zh: '是 Map、Set、Promise、FormData、URLSearchParams、Blob、流或 Error 之类的对象，JSON 会写成 {}',
      en: 'is a Map, Set, Promise, FormData, URLSearchParams, Blob, stream, Error or similar, which JSON writes as {}',
    },
    fix: {
      zh: '改用普通对象：Promise 先 await，Map 和 URLSearchParams 用 Object.fromEntries()，Set 用 [...set]；上传文件（multipart）的接口请用 getAccessToken() 自行请求',
      en: 'Pass a plain object: await a Promise, use Object.fromEntries() for a Map or URLSearchParams, [...set] for a Set; for an API that takes files (multipart) use getAccessToken() and send the request yourself',
    },
  },
}

/**
 * @param {ParamContext} at
 * @param {import('../index').Explanation} explanation
 */
function notJson({ endpoint, lang, param }, { cause, fix }) {
  const name = excerpt(param)
  const explanation = { cause: { zh: `${name} ${cause.zh}`, en: `${name} ${cause.en}` }, fix }
  return invalid({ endpoint, param: name, explanation }, lang)
}

module.exports = { isOpaque, json, jsonObject }
