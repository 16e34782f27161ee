'use strict'

/**
 * The door: types and keys of what callers pass, before anything is converted. The addon's conversion would turn -1
 * into 4294967295 and ignore a misspelt key, and WeChat ignores one too: it opens the home page.
 */

const { invalid } = require('./errors')

/**
 * @typedef {object} Rule
 * @property {string} is what it has to be, as `typeof` or in words
 * @property {(value: any) => boolean} [test] default: `typeof value === is`
 * @property {number} [required] the errcode that WeChat answers without it, or 0 where it is ours to ask
 * @property {number} [errcode] the errcode that WeChat answers to a wrong type
 * @property {Record<string, Rule>} [fields] of an object
 */

/** @typedef {'getQRCode' | 'getUnlimitedQRCode' | 'createQRCode' | 'call' | 'tokenCall' | 'options'} ShapeName */

/** WeChat answers 47001 to a wrong JSON type, but not to every one. */
const DATA_FORMAT_ERROR = 47001

/** @type {Record<string, Rule>} */
const STYLE = {
  width: { is: 'number', errcode: DATA_FORMAT_ERROR },
  autoColor: { is: 'boolean', errcode: DATA_FORMAT_ERROR },
  lineColor: {
    is: 'object',
    fields: {
      r: { is: 'number', required: 0 },
      g: { is: 'number', required: 0 },
      b: { is: 'number', required: 0 },
    },
  },
  isHyaline: { is: 'boolean', errcode: DATA_FORMAT_ERROR },
}

/** @type {Rule} */
const PATH = { is: 'string', required: 40159 }

/** @type {Record<string, Rule>} */
const CALL = {
  signal: { is: 'an AbortSignal', test: isSignal },
  timeoutMs: { is: 'number' },
}

/** @type {Record<ShapeName, Record<string, Rule>>} */
const SHAPES = {
  getQRCode: { path: PATH, envVersion: { is: 'string' }, ...STYLE },
  getUnlimitedQRCode: {
    scene: { is: 'string', required: 40169 },
    page: { is: 'string' },
    checkPath: { is: 'boolean', errcode: DATA_FORMAT_ERROR },
    envVersion: { is: 'string' },
    ...STYLE,
  },
  createQRCode: { path: PATH, width: STYLE.width },
  call: CALL,
  tokenCall: { ...CALL, forceRefresh: { is: 'boolean' } },
  options: {
    appid: { is: 'string', required: 40013 },
    secret: { is: 'string' },
    token: {
      is: "'stable', 'classic', 'none' or a function",
      test: (value) => typeof value === 'function' || ['stable', 'classic', 'none'].includes(value),
    },
    baseUrl: {
      is: 'a string or a non-empty array of strings',
      test: (value) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
    },
    fromAppid: { is: 'string' },
    timeoutMs: { is: 'number' },
    retries: { is: 'number' },
    ratePerMinute: { is: 'number' },
    proxy: { is: 'string' },
    ca: { is: 'a PEM string or a Buffer', test: (value) => isText(value) || value instanceof Uint8Array },
  },
}

/** What the whole is called in an error.
 * @type {Record<ShapeName, string>} */
const WHOLE = {
  getQRCode: 'params',
  getUnlimitedQRCode: 'params',
  createQRCode: 'params',
  call: 'call',
  tokenCall: 'call',
  options: 'options',
}

/** Names that people bring from WeChat's documents and from other packages.
 * @type {Partial<Record<ShapeName, Record<string, string>>>} */
const ALSO_KNOWN_AS = {
  getQRCode: { page: 'path' },
  getUnlimitedQRCode: { path: 'page' },
  createQRCode: { page: 'path' },
  options: { appsecret: 'secret', timeout: 'timeoutMs', host: 'baseUrl', origin: 'baseUrl' },
  call: { timeout: 'timeoutMs' },
  tokenCall: { timeout: 'timeoutMs', force: 'forceRefresh' },
}

/**
 * A copy of `value` that has the shape, or an InvalidParamsError that names what has not.
 *
 * @param {ShapeName} name
 * @param {unknown} value
 * @param {string} [endpoint] for the error
 * @returns {any}
 */
function checked(name, value, endpoint) {
  return object(value, SHAPES[name], { endpoint, aliases: ALSO_KNOWN_AS[name], param: WHOLE[name], prefix: '' })
}

/**
 * @param {any} value
 * @param {Record<string, Rule>} rules
 * @param {{ endpoint?: string, aliases?: Record<string, string>, param: string, prefix: string }} at
 */
function object(value, rules, at) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongType(at.param, 'object', value, at)
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(rules, key)) throw unknown(key, rules, at)
  }
  /** @type {Record<string, unknown>} */
  const copy = {}
  for (const key of Object.keys(rules)) {
    const given = field(value[key], rules[key], { ...at, param: at.prefix + key })
    if (given !== undefined) copy[key] = given
  }
  return copy
}

/**
 * @param {any} value
 * @param {Rule} rule
 * @param {{ endpoint?: string, param: string }} at
 */
function field(value, rule, at) {
  if (value === undefined) {
    if (rule.required !== undefined) throw missing(at, rule.required || undefined)
    return undefined
  }
  if (rule.fields) return object(value, rule.fields, { endpoint: at.endpoint, param: at.param, prefix: `${at.param}.` })
  // biome-ignore lint/suspicious/useValidTypeof: the rule's own word
  const fits = rule.test ? rule.test(value) : typeof value === rule.is
  if (!fits) throw wrongType(at.param, rule.is, value, at, rule.errcode)
  if (typeof value === 'string' && !value.isWellFormed()) throw illFormed(at)
  return value
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === 'string'
}

/** @param {any} value one of this realm, of another, or of a polyfill */
function isSignal(value) {
  return (
    typeof value?.aborted === 'boolean' &&
    typeof value.addEventListener === 'function' &&
    typeof value.removeEventListener === 'function' &&
    typeof value.throwIfAborted === 'function'
  )
}

/**
 * @param {string} key
 * @param {Record<string, Rule>} rules
 * @param {{ endpoint?: string, aliases?: Record<string, string>, prefix: string }} at
 */
function unknown(key, rules, { endpoint, aliases, prefix }) {
  const plain = (/** @type {string} */ name) => name.replaceAll('_', '').toLowerCase()
  const known = Object.keys(rules)
  const meant = known.find((name) => plain(name) === plain(key)) ?? aliases?.[plain(key)]
  const list = known.join(', ')
  return invalid({
    endpoint,
    param: prefix + key,
    explanation: {
      cause: { zh: `不认识的参数 ${prefix}${key}`, en: `unknown parameter ${prefix}${key}` },
      fix: meant
        ? { zh: `应写作 ${prefix}${meant}`, en: `It is spelt ${prefix}${meant} here` }
        : { zh: `可用的参数：${list}`, en: `Known are ${list}` },
    },
  })
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

/**
 * The value itself is not repeated: it may be a secret at the wrong place.
 *
 * @param {string} param
 * @param {string} is
 * @param {unknown} value
 * @param {{ endpoint?: string }} at
 * @param {number} [errcode]
 */
function wrongType(param, is, value, { endpoint }, errcode) {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  const type = `${is === 'object' ? 'an' : 'a'} ${is}`
  const wanted = is.includes(' ') || is.includes("'") ? is : type
  return invalid({
    endpoint,
    param,
    errcode,
    explanation: {
      cause: {
        zh: `${param} 的类型是 ${got}，须为 ${is}`,
        en: `${param} is ${got === 'object' ? 'an object' : got}; it must be ${wanted}`,
      },
      fix: {
        zh: '按类型传值，不做自动转换（微信对错误的类型返回 47001）；不需要时不传或传 undefined',
        en: 'Pass the right type, nothing is converted (WeChat answers wrong types with 47001); leave it out or undefined when not needed',
      },
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
