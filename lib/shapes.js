'use strict'

/** What callers may pass: names, types, and the names that people bring along. */

const { types } = require('node:util')
const { isClosed } = require('./body')
const { isLanguage } = require('./language')
const { Bare, bare, own } = require('./own')
const { endpoints } = require('./schema')
const { redisExplained } = require('./redis-shape')

/** @typedef {import('../index').Explanation} Explanation */

/**
 * @typedef {object} Rule
 * @property {'string' | 'number' | 'boolean' | 'object'} [is] the type it has to be of
 * @property {(value: any) => any} [take] gives what is used of a value, a copy where it could change, and undefined for one
 *   that does not fit
 * @property {{ zh: string, en: string }} [wants] what fits
 * @property {number} [required] the errcode that WeChat answers without it, or 0 where it is ours to ask
 * @property {number} [errcode] the errcode that WeChat answers to a wrong type
 * @property {Record<string, Rule>} [fields] of an object
 * @property {Record<string, { zh: string, en: string }>} [instead] what to write for a value of another type
 * @property {true} [emptyIsAbsent] that `''` is what docker-compose makes of a variable that is not set
 * @property {(value: object) => Explanation | undefined} [mistaken] what an object of somebody else's shape is, and what to
 *   write instead
 */

/** @typedef {Rule & { name: string, first: string, next: string, shape?: Shape }} FieldRule with every property there is; its name as the
 *   first of an object in JSON and as another one */

/**
 * @typedef {object} Shape
 * @property {string[]} names
 * @property {Set<string>} known the same
 * @property {FieldRule[]} rules
 */

/**
 * @typedef {'getUnlimitedQRCode' | 'getQRCode' | 'createQRCode'} CodeEndpoint
 */

/**
 * @typedef {CodeEndpoint | 'generateScheme' | 'generateUrlLink'
 *   | 'generateShortLink' | 'generateNFCScheme' | 'queryScheme' | 'queryUrlLink' | 'getQuota' | 'clearQuota'
 *   | 'getRid'} EndpointName
 */

/**
 * @typedef {EndpointName | 'request' | 'batch' | 'call' | 'tokenCall' | 'codeHandler' | 'options'} ShapeName
 */

/** WeChat answers 47001 to a wrong JSON type, but not to every one. */
const DATA_FORMAT_ERROR = 47001
const DAY_MS = 86_400_000

/** All that a rule may have. */
const NO_RULE = {
  is: undefined,
  take: undefined,
  wants: undefined,
  required: undefined,
  errcode: undefined,
  instead: undefined,
  emptyIsAbsent: undefined,
  mistaken: undefined,
  name: '',
  first: '',
  next: '',
  shape: undefined,
}

/** @type {Record<string, Rule>} */
const CALL = {
  signal: { take: only(isSignal), wants: { zh: ' AbortSignal', en: 'an AbortSignal' } },
  timeoutMs: { is: 'number' },
}

/** @type {Rule} of what is set once for many calls */
const TIMEOUT = {
  take: only((value) => typeof value === 'number' && value > 0 && value <= DAY_MS),
  wants: { zh: '大于 0、至多一天的毫秒数', en: 'a number of milliseconds, more than 0 and at most a day' },
}

/** @type {Rule} of an option that may come from the environment */
const SETTING = { is: 'string', emptyIsAbsent: true }

/** @type {Rule} */
const PEM = {
  wants: { zh: ' PEM 字符串或 Buffer', en: 'a PEM string or a Buffer' },
  // A copy: the caller may change the bytes.
  take: (value) => (types.isUint8Array(value) ? Buffer.from(value).toString() : isText(value) ? value : undefined),
  emptyIsAbsent: true,
}

/** @type {Rule} */
const LIMIT = {
  wants: { zh: '不小于 1 的整数，或 Infinity', en: 'a whole number from 1 on, or Infinity' },
  take: only((value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 1)),
}

/** How a value of each type of the schema is taken. @type {Record<string, Rule>} */
const TYPES = bare({
  string: { is: 'string' },
  enum: { is: 'string' },
  boolean: { is: 'boolean' },
  integer: { is: 'number', take: numberOf },
  number: { is: 'number', take: numberOf },
  time: { take: secondsOf, wants: { zh: '有效的 Date', en: 'a valid Date' } },
  color: {
    take: colorOf,
    wants: { zh: "对象 { r, g, b } 或 '#ff0000' 这样的颜色", en: "an object { r, g, b } or a colour like '#ff0000'" },
  },
  object: {},
})

/** A scene is a text; this is how to make one. @type {Record<string, { zh: string, en: string }>} */
const SCENE = bare({
  object: {
    zh: '，如 new URLSearchParams(obj).toString()，或用 wxacode-scene',
    en: ', such as new URLSearchParams(obj).toString(), or use wxacode-scene',
  },
  number: { zh: '，如 String(42)', en: ', such as String(42)' },
  bigint: { zh: '，如 String(42n)', en: ', such as String(42n)' },
})

/**
 * The rules of parameters, by name, as the schema has them.
 *
 * @param {any[]} [params]
 * @returns {Record<string, Rule>}
 */
const declared = (params = []) =>
  Object.fromEntries(
    params.map((param) => {
      const { name, type, required, typeErrcode, fields } = bare(param)
      const instead = name === 'scene' ? SCENE : undefined
      return [name, { ...TYPES[type], required, errcode: typeErrcode, instead, fields: fields && declared(fields) }]
    }),
  )

/** @type {Record<ShapeName, Record<string, Rule>>} */
const DECLARED = {
  .../** @type {any} */ (
    Object.fromEntries(
      endpoints.filter(({ group }) => group !== 'token').map(({ name, params }) => [name, declared(params)]),
    )
  ),
  request: {
    ...CALL,
    method: {
      take: only((value) => value === 'GET' || value === 'POST'),
      wants: { zh: " 'GET' 或 'POST'", en: "'GET' or 'POST'" },
    },
    query: {
      take: pairsOf,
      wants: {
        zh: '值为字符串、数字或布尔值的普通对象（URLSearchParams 和 Map 用 Object.fromEntries() 转换）',
        en: 'a plain object of strings, numbers and booleans (made of URLSearchParams or a Map by Object.fromEntries())',
      },
    },
    body: {
      take: only((value) => typeof value === 'object' && value !== null),
      wants: { zh: '普通对象', en: 'a plain object' },
    },
    retries: { is: 'number' },
  },
  batch: {
    ...CALL,
    timeoutMs: TIMEOUT,
    concurrency: {
      take: only((value) => Number.isInteger(value) && value >= 1 && value <= 1000),
      wants: { zh: ' 1 到 1000 的整数', en: 'a whole number from 1 to 1000' },
    },
  },
  call: CALL,
  tokenCall: { ...CALL, forceRefresh: { is: 'boolean' } },
  codeHandler: {
    cacheControl: {
      take: only((value) => value === false || (isText(value) && /^[\t -~]+$/.test(value))),
      wants: { zh: '一行非空的 ASCII 文本，或 false', en: 'a line of ASCII text, or false' },
    },
    download: {
      take: only((value) => typeof value === 'boolean' || isFunction(value)),
      wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    filename: {
      take: only((value) => isText(value) || isFunction(value)),
      wants: { zh: '字符串或函数', en: 'a string or a function' },
    },
    expose: {
      take: only((value) => typeof value === 'boolean' || isFunction(value)),
      wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    onError: { take: only(isFunction), wants: { zh: '函数', en: 'a function' } },
    timeoutMs: TIMEOUT,
    ratePerMinute: LIMIT,
    concurrency: LIMIT,
  },
  options: {
    appid: { ...SETTING, required: 40013 },
    secret: SETTING,
    token: {
      wants: { zh: " 'stable'、'classic'、'none' 或函数", en: "'stable', 'classic', 'none' or a function" },
      take: only((value) => isFunction(value) || ['stable', 'classic', 'none'].includes(value)),
      emptyIsAbsent: true,
    },
    baseUrl: {
      wants: { zh: '字符串或非空的字符串数组', en: 'a string or a non-empty array of strings' },
      take: textsOf,
      emptyIsAbsent: true,
    },
    redis: {
      wants: { zh: " 'redis://主机:端口' 或 { url }", en: "'redis://host:port' or { url }" },
      take: (value) => (isText(value) ? bare({ url: value.toWellFormed() }) : undefined),
      emptyIsAbsent: true,
      mistaken: redisExplained,
      fields: {
        url: { ...SETTING, required: 0 },
        ca: PEM,
        timeoutMs: TYPES.number,
        keyPrefix: { is: 'string' },
        allowUnsharedRotation: { is: 'boolean' },
      },
    },
    fromAppid: SETTING,
    lang: { take: only(isLanguage), wants: { zh: " 'zh' 或 'en'", en: "'zh' or 'en'" }, emptyIsAbsent: true },
    timeoutMs: TYPES.number,
    retries: TYPES.number,
    ratePerMinute: TYPES.number,
    cache: {
      wants: { zh: '布尔值或对象', en: 'a boolean or an object' },
      take: (value) => (value === true ? new Bare() : value === false ? false : undefined),
      fields: {
        maxBytes: TYPES.number,
        ttlMs: TYPES.number,
        redis: { is: 'boolean' },
        maxEntryBytes: TYPES.number,
      },
    },
    proxy: SETTING,
    ca: PEM,
  },
}

/** What the whole is called in an error, where it is not `params`.
 * @type {Partial<Record<ShapeName, string>>} */
const WHOLE = bare({
  call: 'call',
  tokenCall: 'call',
  options: 'options',
  request: 'options',
  batch: 'options',
  codeHandler: 'options',
})

/** Names that people bring from WeChat's documents and from other packages.
 * @type {Partial<Record<ShapeName, Record<string, string>>>} */
const ALSO_KNOWN_AS = bare({
  getQRCode: { page: 'path' },
  getUnlimitedQRCode: { path: 'page' },
  createQRCode: { page: 'path' },
  generateScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  generateUrlLink: { page: 'path', pageurl: 'path' },
  generateShortLink: { page: 'pageUrl', path: 'pageUrl', title: 'pageTitle' },
  generateNFCScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  queryScheme: { openlink: 'scheme' },
  queryUrlLink: { url: 'urlLink', link: 'urlLink' },
  request: { timeout: 'timeoutMs', data: 'body', json: 'body', params: 'query', qs: 'query', searchparams: 'query' },
  batch: { timeout: 'timeoutMs' },
  options: {
    appkey: 'secret',
    appsecret: 'secret',
    secretkey: 'secret',
    accesstoken: 'token',
    gettoken: 'token',
    timeout: 'timeoutMs',
    host: 'baseUrl',
    origin: 'baseUrl',
    endpoint: 'baseUrl',
    agent: 'proxy',
    httpsagent: 'proxy',
    redisurl: 'redis',
    language: 'lang',
    locale: 'lang',
  },
  call: { timeout: 'timeoutMs' },
  codeHandler: { timeout: 'timeoutMs', attachment: 'download', max: 'ratePerMinute', limit: 'ratePerMinute' },
  tokenCall: { timeout: 'timeoutMs', force: 'forceRefresh' },
})

/** What to do about a name that belongs to another call. @type {Partial<Record<ShapeName, Record<string, { zh: string, en: string }>>>} */
const ADVICE = bare({
  getQRCode: {
    scene: {
      zh: "scene 是 getUnlimitedQRCode 的参数，getQRCode 的参数写在 path 的 ? 之后，如 path: 'pages/index/index?id=42'",
      en: "scene belongs to getUnlimitedQRCode, while getQRCode carries parameters after the ? in path, as in path: 'pages/index/index?id=42'",
    },
  },
  createQRCode: {
    scene: {
      zh: "scene 是 getUnlimitedQRCode 的参数，createQRCode 的参数写在 path 的 ? 之后，如 path: 'pages/index/index?id=42'",
      en: "scene belongs to getUnlimitedQRCode, while createQRCode carries parameters after the ? in path, as in path: 'pages/index/index?id=42'",
    },
  },
})

/**
 * @param {(value: any) => boolean} fits
 * @returns {(value: any) => any}
 */
function only(fits) {
  return (value) => (fits(value) ? value : undefined)
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === 'string'
}

/** @param {unknown} value */
function isFunction(value) {
  return typeof value === 'function'
}

/** @param {unknown} value one text or several, as several */
function textsOf(value) {
  const texts = Array.isArray(value) ? Array.from(value) : [value]
  if (texts.length === 0 || !texts.every(isText)) return undefined
  const copy = texts.map((text) => text.toWellFormed())
  // JSON.stringify looks for the toJSON of an array.
  Object.setPrototypeOf(copy, null)
  return copy
}

/** @param {unknown} value `#ff0000` or `#f00`, as designers hand it over */
function colorOf(value) {
  if (typeof value !== 'string' || !/^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value)) return undefined
  const digits = value.replace('#', '')
  const parts = digits.match(digits.length === 3 ? /./g : /../g) ?? []
  const part = (/** @type {number} */ at) =>
    Number.parseInt(parts[at].length === 1 ? parts[at] + parts[at] : parts[at], 16)
  return bare({ r: part(0), g: part(1), b: part(2) })
}

/** @param {any} value one of this realm, of another, or of a polyfill: what is used of it is what it needs */
function isSignal(value) {
  return (
    typeof value === 'object' &&
    typeof own(value, 'aborted') === 'boolean' &&
    typeof own(value, 'addEventListener') === 'function' &&
    typeof own(value, 'removeEventListener') === 'function'
  )
}

/** @param {unknown} value a number; one that JSON does not have as text, which the addon reads */
function numberOf(value) {
  if (typeof value !== 'number') return undefined
  return Number.isFinite(value) ? value : String(value)
}

/** @param {unknown} value a Date of any realm, as seconds: WeChat counts time in them */
function secondsOf(value) {
  if (!types.isDate(value)) return undefined
  const time = Date.prototype.getTime.call(value)
  return Number.isNaN(time) ? undefined : time / 1000
}

/** @param {unknown} value a query, as names and values in turn */
function pairsOf(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isClosed(value)) return undefined
  const pairs = Object.entries(value).flat()
  return pairs.every(isOfQuery) ? pairs.map(String) : undefined
}

/** @param {any} value */
const isOfQuery = (value) =>
  (typeof value === 'string' && value.isWellFormed()) || typeof value === 'boolean' || Number.isFinite(value)

/**
 * Every rule with every property, so that none is looked up behind it.
 *
 * @param {Record<string, Rule>} fields
 * @returns {Shape}
 */
function compiled(fields) {
  const names = Object.keys(fields)
  const rules = names.map((name) => {
    const { fields: inner, ...rule } = bare(fields[name])
    return bare({
      ...NO_RULE,
      ...rule,
      name,
      first: `{"${name}":`,
      next: `,"${name}":`,
      shape: inner && compiled(inner),
    })
  })
  return bare({ names, known: new Set(names), rules })
}

/** What belongs to the second argument, beside the parameters. */
const OF_CALLS = Object.keys(CALL)

/** @type {Record<ShapeName, Shape>} */
const SHAPES = bare(
  /** @type {any} */ (Object.fromEntries(Object.entries(DECLARED).map((entry) => [entry[0], compiled(entry[1])]))),
)

module.exports = { ADVICE, ALSO_KNOWN_AS, DATA_FORMAT_ERROR, OF_CALLS, SHAPES, WHOLE }
