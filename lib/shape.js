'use strict'

/**
 * Checks types and keys of what callers pass, before anything is converted. The addon's conversion would turn -1 into
 * 4294967295 and ignore a misspelt key. WeChat ignores one too: it opens the home page.
 */

const { invalid, misuse } = require('./errors')
const { excerpt, loneSurrogateAt } = require('./excerpt')
const { Bare, bare, own } = require('./own')
const { ADVICE, ALSO_KNOWN_AS, DATA_FORMAT_ERROR, OF_CALLS, SHAPES, WHOLE } = require('./shapes')

/** @typedef {import('./language').Language} Language */
/** @typedef {import('./shapes').Rule} Rule */
/** @typedef {import('./shapes').FieldRule} FieldRule */
/** @typedef {import('./shapes').Shape} Shape */
/** @typedef {import('./shapes').ShapeName} ShapeName */

/**
 * @typedef {object} Place
 * @property {string} [endpoint] for the error
 * @property {Language} [lang] for the error
 * @property {string} param what the whole is called
 * @property {string} prefix of the names of its fields
 * @property {ShapeName | undefined} name of the shape, where it is the outermost
 */

/**
 * A copy of `value` that has the shape, with nothing behind it, or an InvalidParamsError that names what has not. Every
 * property is read once.
 *
 * @param {ShapeName} name
 * @param {unknown} value
 * @param {string} [endpoint] for the error
 * @param {Language} [lang] of the client
 * @returns {any}
 */
function checked(name, value, endpoint, lang) {
  return object(value, SHAPES[name], { endpoint, lang, param: WHOLE[name] ?? 'params', prefix: '', name })
}

/**
 * The same as JSON. Written while it is checked: to make the copy first and to give it to JSON.stringify takes longer.
 *
 * @param {import('./shapes').EndpointName} name
 * @param {unknown} value
 * @param {Language} [lang] of the client
 */
function checkedJson(name, value, lang) {
  const shape = SHAPES[name]
  const at = { endpoint: name, lang, param: 'params', prefix: '', name }
  const isPlain = isPlainObject(value, shape, at)
  let json = ''
  for (const rule of shape.rules) {
    const taken = read(value, rule, isPlain, at)
    if (taken !== undefined) json += (json === '' ? rule.first : rule.next) + jsonOf(taken)
  }
  return json === '' ? '{}' : `${json}}`
}

/**
 * @param {string | number | boolean | object} taken a finite number; an object with nothing behind it
 */
const jsonOf = (taken) => (typeof taken === 'number' || typeof taken === 'boolean' ? `${taken}` : JSON.stringify(taken))

/**
 * Every call comes by here: nothing is made for what is left out or fits.
 *
 * @param {any} value
 * @param {Shape} shape
 * @param {Place} at
 */
function object(value, shape, at) {
  const isPlain = isPlainObject(value, shape, at)
  /** @type {Record<string, unknown>} */
  const copy = /** @type {any} */ (new Bare())
  for (const rule of shape.rules) {
    const taken = read(value, rule, isPlain, at)
    if (taken !== undefined) copy[rule.name] = taken
  }
  return copy
}

/**
 * Whether an object is of no class. Throws for what is no object, and for a name that the shape has not.
 *
 * @param {any} value
 * @param {Shape} shape
 * @param {Place} at
 */
function isPlainObject(value, shape, at) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw misuse(wrongType(AN_OBJECT, shape, value, at))
  for (const key of Object.keys(value)) {
    if (!shape.known.has(key)) throw misuse(unknown(key, shape, at))
  }
  return Object.getPrototypeOf(value) === Object.prototype
}

/**
 * What is used of a property, or undefined where it is left out.
 *
 * @param {any} value
 * @param {FieldRule} rule
 * @param {boolean} isPlain
 * @param {Place} at
 */
function read(value, rule, isPlain, at) {
  const { name } = rule
  const given = Object.hasOwn(value, name) ? value[name] : isPlain ? undefined : own(value, name)
  if (given !== undefined && !(given === '' && rule.emptyIsAbsent)) return field(given, rule, at)
  if (rule.required !== undefined) throw missing(rule, at, Object.hasOwn(value, name) ? given : ABSENT)
  return undefined
}

/**
 * @param {any} value
 * @param {FieldRule} rule
 * @param {Place} at
 */
function field(value, rule, at) {
  const taken = rule.take ? rule.take(value) : typeof value === rule.is ? value : undefined
  if (taken === undefined) return nested(value, rule, at)
  if (typeof taken === 'string' && !taken.isWellFormed()) throw illFormed(taken, inside(at, rule))
  return taken
}

/**
 * @param {any} value
 * @param {FieldRule} rule
 * @param {Place} at
 */
function nested(value, rule, at) {
  const here = inside(at, rule)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!rule.shape || !isObject) {
    const error = wrongType(rule, rule.shape, value, here)
    throw mayBeVisitors(rule, value) ? error : misuse(error)
  }
  const explanation = rule.mistaken?.(value)
  if (explanation) throw misuse(invalid({ endpoint: here.endpoint, param: here.param, explanation }, here.lang))
  return object(value, rule.shape, here)
}

/**
 * @param {Place} at
 * @param {FieldRule} rule
 * @returns {Place}
 */
function inside({ endpoint, lang, prefix }, { name }) {
  const param = prefix + name
  return { endpoint, lang, param, prefix: `${param}.`, name: undefined }
}

/**
 * Whether it may be what a visitor sent: a query parser makes an array or an object of a name that is repeated
 * (`?id=1&id=2`, `?id[a]=1`) where the code that calls expects a string, and text may be no colour.
 *
 * @param {FieldRule} rule
 * @param {unknown} value
 */
const mayBeVisitors = (rule, value) =>
  rule.is === 'string'
    ? typeof value === 'object' && value !== null
    : rule.is === undefined && rule.take !== undefined && typeof value === 'string'

/**
 * @param {string} key
 * @param {Shape} shape
 * @param {Place} at
 */
function unknown(key, { names }, { endpoint, lang, param, prefix, name }) {
  const wrong = excerpt(prefix + key)
  const meant = names.find((known) => plain(known) === plain(key)) ?? own(name && ALSO_KNOWN_AS[name], plain(key))
  const cause = { zh: `不认识的参数 ${wrong}`, en: `unknown parameter ${wrong}` }
  return invalid({ endpoint, param: wrong, explanation: { cause, fix: remedy() } }, lang)

  function remedy() {
    const advice = own(own(ADVICE, name ?? ''), key)
    if (advice) return advice
    if (meant) return { zh: `改为 ${prefix}${meant}`, en: `Use ${prefix}${meant} instead` }
    if (param === 'params' && OF_CALLS.includes(key))
      return {
        zh: `放在第二个参数里：(params, { ${key} })`,
        en: `Pass it in the second argument: (params, { ${key} })`,
      }
    const list = names.join(', ')
    const owner = CODES.includes(/** @type {ShapeName} */ (name)) && CODES.find((code) => SHAPES[code].known.has(key))
    if (owner)
      return {
        zh: `${wrong} 是 ${owner} 的参数；这里可用的参数：${list}`,
        en: `${wrong} belongs to ${owner}. Allowed parameters: ${list}`,
      }
    return { zh: `可用的参数：${list}`, en: `Allowed parameters: ${list}` }
  }
}

/** Whose parameters one may have had in mind. @type {ShapeName[]} */
const CODES = ['getQRCode', 'getUnlimitedQRCode', 'createQRCode']

/** @type {Rule} */
const AN_OBJECT = bare({ is: 'object', required: 0 })

/** @param {string} name */
const plain = (name) => (name.length > 40 ? name : name.replaceAll(/[_-]/g, '').toLowerCase())

/** That nothing was given, not even undefined. */
const ABSENT = Symbol('absent')

/**
 * @param {FieldRule} rule
 * @param {Place} at
 * @param {unknown} given undefined or '' where somebody did give that
 */
function missing(rule, at, given) {
  const { endpoint, lang, param } = inside(at, rule)
  const errcode = rule.required || undefined
  const state =
    given === ABSENT ? undefined : given === '' ? { zh: '为空', en: 'empty' } : { zh: '是 undefined', en: 'undefined' }
  const isOfEnvironment = state && endpoint === undefined
  const why = isOfEnvironment
    ? { zh: '：环境变量没有设置？', en: ': is the environment variable not set?' }
    : { zh: '', en: '' }
  const cause = state
    ? { zh: `${param} ${state.zh}${why.zh}`, en: `${param} is ${state.en}${why.en}` }
    : { zh: `缺少 ${param}`, en: `${param} is missing` }
  const where = param === 'appid' ? APPID_IS_AT : { zh: '', en: '' }
  const fix = isOfEnvironment
    ? { zh: where.zh + OF_THE_ENVIRONMENT.zh, en: where.en + OF_THE_ENVIRONMENT.en }
    : { zh: `传入 ${param}`, en: `Pass ${param}` }
  return invalid({ endpoint, param, errcode, explanation: { cause, fix } }, lang)
}

const OF_THE_ENVIRONMENT = {
  zh: '检查变量名，以及进程（容器、PM2、systemd）的环境',
  en: 'Check the name of the variable and the environment of the process (container, PM2, systemd)',
}
const APPID_IS_AT = {
  zh: 'AppID 在小程序后台 开发管理 → 开发设置；',
  en: 'You find the AppID on mp.weixin.qq.com under 开发管理 → 开发设置. ',
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
 * @param {Shape | undefined} shape
 * @param {unknown} value
 * @param {{ endpoint?: string, lang?: Language, param: string }} at
 */
function wrongType(rule, shape, value, { endpoint, lang, param }) {
  const { is = 'object', required, errcode } = rule
  const wants = rule.wants ?? TYPES[is]
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  const got = TYPES[type]
  const cause =
    rule.wants && !(shape && type !== 'object')
      ? { zh: `${param} 须为${wants.zh}`, en: `${param} must be ${wants.en}` }
      : { zh: `${param} 是${got.zh}，须为${wants.zh}`, en: `${param} is ${got.en}; it must be ${wants.en}` }
  const why =
    errcode === DATA_FORMAT_ERROR
      ? {
          zh: '，不做自动转换（微信对错误的类型返回 47001）',
          en: '; values are not converted (WeChat responds with 47001 to a wrong type)',
        }
      : { zh: '', en: '' }
  const of = shape && !rule.wants ? ` { ${shape.names.join(', ')} }` : ''
  const or = required === undefined ? { zh: '，或不传', en: ', or omit it' } : { zh: '', en: '' }
  const how = own(rule.instead, type) ?? { zh: '', en: '' }
  const fix = {
    zh: `传入${wants.zh}${of}${or.zh}${how.zh}${why.zh}`,
    en: `Pass ${wants.en}${of}${or.en}${how.en}${why.en}`,
  }
  return invalid({ endpoint, param, errcode, explanation: { cause, fix } }, lang)
}

/**
 * @param {string} text
 * @param {{ endpoint?: string, lang?: Language, param: string }} at
 */
function illFormed(text, { endpoint, lang, param }) {
  const place = loneSurrogateAt(text)
  const cause = {
    zh: `${param} 的第 ${place} 个字符是不成对的代理字符，不是合法的 Unicode`,
    en: `character ${place} of ${param} is a lone surrogate, which is not valid Unicode`,
  }
  const fix = {
    zh: "字符串可能在 emoji 中间被截断：按字符截取，如 [...text].slice(0, 10).join('')",
    en: "The string was probably cut inside an emoji: cut it by characters, like [...text].slice(0, 10).join('')",
  }
  return invalid({ endpoint, param, explanation: { cause, fix } }, lang)
}

module.exports = { checked, checkedJson }
