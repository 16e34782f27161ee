'use strict'

/**
 * The door: types and keys of what callers pass, before anything is converted. The addon's conversion would turn -1
 * into 4294967295 and ignore a misspelt key, and WeChat ignores one too: it opens the home page.
 */

const { invalid, misuse } = require('./errors')
const { ALSO_KNOWN_AS, DATA_FORMAT_ERROR, OF_CALLS, SHAPES, WHOLE } = require('./shapes')

/** @typedef {import('./shapes').Rule} Rule */
/** @typedef {import('./shapes').ShapeName} ShapeName */

/**
 * A copy of `value` that has the shape, or an InvalidParamsError that names what has not.
 *
 * @param {ShapeName} name
 * @param {unknown} value
 * @param {string} [endpoint] for the error
 * @returns {any}
 */
function checked(name, value, endpoint) {
  return object(value, SHAPES[name], {
    endpoint,
    aliases: ALSO_KNOWN_AS[name],
    param: WHOLE[name] ?? 'params',
    prefix: '',
  })
}

/**
 * @param {any} value
 * @param {Record<string, Rule>} rules
 * @param {{ endpoint?: string, aliases?: Record<string, string>, param: string, prefix: string }} at
 */
function object(value, rules, at) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw misuse(wrongType({ is: 'object', required: 0, fields: rules }, value, at))
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(rules, key)) throw misuse(unknown(key, rules, at))
  }
  /** @type {Record<string, unknown>} */
  const copy = {}
  for (const key of Object.keys(rules)) {
    const given = value[key]
    // Most are left out: nothing is made for them, because every call comes by here.
    if (given === undefined && rules[key].required === undefined) continue
    copy[key] = field(given, rules[key], { endpoint: at.endpoint, param: at.prefix + key })
  }
  return copy
}

/**
 * @param {any} value
 * @param {Rule} rule
 * @param {{ endpoint?: string, param: string }} at
 */
function field(value, rule, at) {
  if (value === undefined) throw missing(at, rule.required || undefined)
  if (rule.fields) return object(value, rule.fields, { endpoint: at.endpoint, param: at.param, prefix: `${at.param}.` })
  const fits = rule.test ? rule.test(value) : typeof value === rule.is
  if (!fits) {
    const error = wrongType(rule, value, at)
    throw rule.is === 'string' && comesFromQuery(value) ? error : misuse(error)
  }
  if (typeof value === 'string' && !value.isWellFormed()) throw illFormed(at)
  return value
}

/**
 * Whether it may be what a query parser makes of a name that a visitor repeats (`?id=1&id=2`, `?id[a]=1`) where the code
 * that calls expects a string.
 *
 * @param {unknown} value
 */
const comesFromQuery = (value) => typeof value === 'object' && value !== null

/**
 * @param {string} key
 * @param {Record<string, Rule>} rules
 * @param {{ endpoint?: string, aliases?: Record<string, string>, param: string, prefix: string }} at
 */
function unknown(key, rules, { endpoint, aliases, param, prefix }) {
  const plain = (/** @type {string} */ name) => name.replaceAll('_', '').toLowerCase()
  const known = Object.keys(rules)
  const meant =
    known.find((name) => plain(name) === plain(key)) ??
    (aliases && Object.hasOwn(aliases, plain(key)) ? aliases[plain(key)] : undefined)
  return invalid({
    endpoint,
    param: prefix + key,
    explanation: {
      cause: { zh: `不认识的参数 ${prefix}${key}`, en: `unknown parameter ${prefix}${key}` },
      fix: remedy(),
    },
  })

  function remedy() {
    if (meant) return { zh: `应写作 ${prefix}${meant}`, en: `It is spelt ${prefix}${meant} here` }
    if (param === 'params' && OF_CALLS.includes(key))
      return {
        zh: `放在第二个参数里：(params, { ${key} })`,
        en: `It belongs to the second argument: (params, { ${key} })`,
      }
    const list = known.join(', ')
    return { zh: `可用的参数：${list}`, en: `Known are ${list}` }
  }
}

/**
 * @param {{ endpoint?: string, param: string }} at
 * @param {number} [errcode]
 */
function missing({ endpoint, param }, errcode) {
  return invalid({
    endpoint,
    param,
    errcode,
    explanation: {
      cause: { zh: `缺少 ${param}`, en: `${param} is missing` },
      fix: { zh: `请传入 ${param}`, en: `Give ${param}` },
    },
  })
}

/** @type {Record<string, { zh: string, en: string }>} */
const TYPES = {
  string: { zh: '字符串', en: 'a string' },
  number: { zh: '数字', en: 'a number' },
  boolean: { zh: '布尔值', en: 'a boolean' },
  object: { zh: '对象', en: 'an object' },
  array: { zh: '数组', en: 'an array' },
  function: { zh: '函数', en: 'a function' },
  bigint: { zh: ' BigInt', en: 'a BigInt' },
  symbol: { zh: ' Symbol', en: 'a symbol' },
  null: { zh: ' null', en: 'null' },
  undefined: { zh: ' undefined', en: 'undefined' },
}

/**
 * The value itself is not repeated: it may be a secret at the wrong place.
 *
 * @param {Rule} rule
 * @param {unknown} value
 * @param {{ endpoint?: string, param: string }} at
 */
function wrongType({ is = 'object', wants = TYPES[is], test, fields, required, errcode }, value, { endpoint, param }) {
  const got = TYPES[value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value]
  const cause = test
    ? { zh: `${param} 须为${wants.zh}`, en: `${param} must be ${wants.en}` }
    : { zh: `${param} 是${got.zh}，须为${wants.zh}`, en: `${param} is ${got.en}; it must be ${wants.en}` }
  const why =
    errcode === DATA_FORMAT_ERROR
      ? { zh: '，不做自动转换（微信对错误的类型返回 47001）', en: '; nothing is converted, and WeChat answers 47001' }
      : { zh: '', en: '' }
  const of = fields ? ` { ${Object.keys(fields).join(', ')} }` : ''
  const or = required === undefined ? { zh: '，或不传', en: ', or leave it out' } : { zh: '', en: '' }
  return invalid({
    endpoint,
    param,
    errcode,
    explanation: {
      cause,
      fix: { zh: `请传入${wants.zh}${of}${or.zh}${why.zh}`, en: `Pass ${wants.en}${of}${or.en}${why.en}` },
    },
  })
}

/** @param {{ endpoint?: string, param: string }} at */
function illFormed({ endpoint, param }) {
  return invalid({
    endpoint,
    param,
    explanation: {
      cause: {
        zh: `${param} 含有不成对的代理字符，不是合法的 Unicode`,
        en: `${param} holds a lone surrogate and is not valid Unicode`,
      },
      fix: {
        zh: '字符串可能在表情符号中间被截断，请按字符截取',
        en: 'It was probably cut in the middle of an emoji: cut by characters',
      },
    },
  })
}

module.exports = { checked }
