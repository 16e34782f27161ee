'use strict'

/** What callers may pass: names, types, and the names that people bring along. */

/**
 * @typedef {object} Rule
 * @property {'string' | 'number' | 'boolean' | 'object'} [is] the type it has to be of
 * @property {(value: any) => boolean} [test] what it has to pass instead
 * @property {{ zh: string, en: string }} [wants] what passes the test
 * @property {number} [required] the errcode that WeChat answers without it, or 0 where it is ours to ask
 * @property {number} [errcode] the errcode that WeChat answers to a wrong type
 * @property {Record<string, Rule>} [fields] of an object
 */

/**
 * @typedef {'getQRCode' | 'getUnlimitedQRCode' | 'createQRCode' | 'generateScheme' | 'generateUrlLink'
 *   | 'generateShortLink' | 'generateNFCScheme' | 'queryScheme' | 'queryUrlLink' | 'getQuota' | 'clearQuota' | 'getRid'
 *   | 'request' | 'batch' | 'call' | 'tokenCall' | 'codeHandler' | 'options'} ShapeName
 */

/** WeChat answers 47001 to a wrong JSON type, but not to every one. */
const DATA_FORMAT_ERROR = 47001
const DAY_MS = 86_400_000

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
  signal: { test: isSignal, wants: { zh: ' AbortSignal', en: 'an AbortSignal' } },
  timeoutMs: { is: 'number' },
}

/** @type {Rule} */
const PEM = {
  wants: { zh: ' PEM 字符串或 Buffer', en: 'a PEM string or a Buffer' },
  test: (value) => isText(value) || value instanceof Uint8Array,
}

/** @type {Rule} */
const JUMP_WXA = { fields: { path: { is: 'string' }, query: { is: 'string' }, envVersion: { is: 'string' } } }

/** @type {Rule} */
const LIMIT = {
  wants: { zh: '不小于 1 的整数，或 Infinity', en: 'a whole number from 1 on, or Infinity' },
  test: (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 1),
}

/** @type {Record<string, Rule>} */
const EXPIRY = {
  expireTime: { test: isDate, wants: { zh: '有效的 Date', en: 'a valid Date' } },
  expireInterval: { is: 'number' },
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
  generateScheme: { jumpWxa: JUMP_WXA, ...EXPIRY },
  generateUrlLink: {
    ...JUMP_WXA.fields,
    ...EXPIRY,
    cloudBase: {
      fields: {
        env: { is: 'string', required: 0 },
        domain: { is: 'string' },
        path: { is: 'string' },
        query: { is: 'string' },
        resourceAppid: { is: 'string' },
      },
    },
  },
  generateShortLink: {
    pageUrl: { is: 'string', required: 0 },
    pageTitle: { is: 'string' },
    isPermanent: { is: 'boolean', errcode: DATA_FORMAT_ERROR },
  },
  generateNFCScheme: { jumpWxa: JUMP_WXA, modelId: { is: 'string', required: 0 }, sn: { is: 'string' } },
  queryScheme: { scheme: { is: 'string' }, queryType: { is: 'number' } },
  queryUrlLink: { urlLink: { is: 'string' }, queryType: { is: 'number' } },
  getQuota: { path: { is: 'string', required: 76021 } },
  clearQuota: {},
  getRid: { rid: { is: 'string', required: 76002 } },
  request: {
    ...CALL,
    method: {
      test: (value) => value === 'GET' || value === 'POST',
      wants: { zh: " 'GET' 或 'POST'", en: "'GET' or 'POST'" },
    },
    query: {
      test: isQuery,
      wants: { zh: '值为字符串、数字或布尔值的对象', en: 'an object of strings, numbers and booleans' },
    },
    body: { is: 'object' },
    retries: { is: 'number' },
  },
  batch: {
    ...CALL,
    concurrency: {
      test: (value) => Number.isInteger(value) && value >= 1 && value <= 1000,
      wants: { zh: ' 1 到 1000 的整数', en: 'a whole number from 1 to 1000' },
    },
  },
  call: CALL,
  tokenCall: { ...CALL, forceRefresh: { is: 'boolean' } },
  codeHandler: {
    cacheControl: {
      test: (value) => value === false || (isText(value) && /^[\t -~]+$/.test(value)),
      wants: { zh: '一行非空的 ASCII 文本，或 false', en: 'a line of ASCII text, or false' },
    },
    download: {
      test: (value) => typeof value === 'boolean' || isFunction(value),
      wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    filename: {
      test: (value) => isText(value) || isFunction(value),
      wants: { zh: '字符串或函数', en: 'a string or a function' },
    },
    expose: {
      test: (value) => typeof value === 'boolean' || isFunction(value),
      wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    onError: { test: isFunction, wants: { zh: '函数', en: 'a function' } },
    ratePerMinute: LIMIT,
    concurrency: LIMIT,
    timeoutMs: {
      test: (value) => typeof value === 'number' && value > 0 && value <= DAY_MS,
      wants: { zh: '大于 0、至多一天的毫秒数', en: 'a number of milliseconds, more than 0 and at most a day' },
    },
  },
  options: {
    appid: { is: 'string', required: 40013 },
    secret: { is: 'string' },
    token: {
      wants: { zh: " 'stable'、'classic'、'none' 或函数", en: "'stable', 'classic', 'none' or a function" },
      test: (value) => typeof value === 'function' || ['stable', 'classic', 'none'].includes(value),
    },
    baseUrl: {
      wants: { zh: '字符串或非空的字符串数组', en: 'a string or a non-empty array of strings' },
      test: (value) => isText(value) || (Array.isArray(value) && value.length > 0 && [...value].every(isText)),
    },
    redis: {
      fields: {
        url: { is: 'string', required: 0 },
        ca: PEM,
        timeoutMs: { is: 'number' },
        keyPrefix: { is: 'string' },
        allowUnsharedRotation: { is: 'boolean' },
      },
    },
    fromAppid: { is: 'string' },
    timeoutMs: { is: 'number' },
    retries: { is: 'number' },
    ratePerMinute: { is: 'number' },
    cache: {
      fields: {
        maxBytes: { is: 'number' },
        ttlMs: { is: 'number' },
        redis: { is: 'boolean' },
        maxEntryBytes: { is: 'number' },
      },
    },
    proxy: { is: 'string' },
    ca: PEM,
  },
}

/** What the whole is called in an error, where it is not `params`.
 * @type {Partial<Record<ShapeName, string>>} */
const WHOLE = {
  call: 'call',
  tokenCall: 'call',
  options: 'options',
  request: 'options',
  batch: 'options',
  codeHandler: 'options',
}

/** Names that people bring from WeChat's documents and from other packages.
 * @type {Partial<Record<ShapeName, Record<string, string>>>} */
const ALSO_KNOWN_AS = {
  getQRCode: { page: 'path' },
  getUnlimitedQRCode: { path: 'page' },
  createQRCode: { page: 'path' },
  generateScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  generateUrlLink: { page: 'path', pageurl: 'path' },
  generateShortLink: { page: 'pageUrl', path: 'pageUrl', title: 'pageTitle' },
  generateNFCScheme: { path: 'jumpWxa', query: 'jumpWxa', page: 'jumpWxa' },
  queryScheme: { openlink: 'scheme' },
  queryUrlLink: { url: 'urlLink', link: 'urlLink' },
  request: { timeout: 'timeoutMs', data: 'body', params: 'query' },
  batch: { timeout: 'timeoutMs' },
  options: { appsecret: 'secret', timeout: 'timeoutMs', host: 'baseUrl', origin: 'baseUrl' },
  call: { timeout: 'timeoutMs' },
  codeHandler: { timeout: 'timeoutMs', attachment: 'download', max: 'ratePerMinute', limit: 'ratePerMinute' },
  tokenCall: { timeout: 'timeoutMs', force: 'forceRefresh' },
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === 'string'
}

/** @param {unknown} value */
function isFunction(value) {
  return typeof value === 'function'
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

/** @param {unknown} value */
function isDate(value) {
  return value instanceof Date && !Number.isNaN(value.getTime())
}

/** @param {unknown} value */
function isQuery(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(
    (one) => (typeof one === 'string' && one.isWellFormed()) || typeof one === 'boolean' || Number.isFinite(one),
  )
}

/** What belongs to the second argument, beside the parameters. */
const OF_CALLS = Object.keys(CALL)

module.exports = { ALSO_KNOWN_AS, DATA_FORMAT_ERROR, OF_CALLS, SHAPES, WHOLE }
