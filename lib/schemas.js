'use strict'

/** The schemas of parameters and options: names, types, and aliases from WeChat's documents and other packages. */

const { types } = require('node:util')
const {
  acceptIf,
  explainColor,
  isFunction,
  isSignal,
  isString,
  toColor,
  toNumber,
  toPairs,
  toSeconds,
  toStrings,
  toUrls,
} = require('./convert')
const { isLanguage } = require('./language')
const { NullProto, nullProtoCopy, safeGet } = require('./safe-object')
const { ADVICE, ALIASES } = require('./aliases')
const { endpoints } = require('./endpoints')
const { toExtra } = require('./extra')
const { explainRedisOptions } = require('./redis-options')
const { isCodeStore } = require('./is-code-store')
const { isStore } = require('./platform-store')

/** @typedef {import('../index').Explanation} Explanation */

/**
 * @typedef {object} Rule
 * @property {'string' | 'number' | 'boolean' | 'object'} [type] the required type
 * @property {(value: any, at: { endpoint?: string, lang?: import('./language').Language }) => any} [convert] returns what is used
 *   of a value, as a copy if it is mutable, or undefined for an invalid value
 * @property {{ zh: string, en: string }} [expected] describes valid values in errors
 * @property {{ zh: string, en: string }} [example] of a valid value, for a fix: instead of `expected`, or after the name of a missing parameter
 * @property {(param: string, text: string) => { zh: string, en: string }} [explainText] explains an invalid string where others are valid
 * @property {number} [required] set if required: the errcode of WeChat's response without it, or 0 if it is an option of ours
 * @property {number} [errcode] the errcode of WeChat's response to a wrong type
 * @property {Record<string, Rule>} [fields] of an object
 * @property {Record<string, { zh: string, en: string }>} [conversionHints] how to convert a value of another type
 * @property {true} [emptyIsAbsent] `''` counts as omitted: docker-compose passes it for a variable that is not set
 * @property {(value: object) => Explanation | undefined} [explainMistake] explains an object meant for another package, and what
 *   to write instead
 */

/** @typedef {Rule & { name: string, firstKey: string, nextKey: string, schema?: Schema }} FieldRule with every property set, and the
 *   key in JSON as the first property of an object and as a later one */

/**
 * @typedef {object} Schema
 * @property {string[]} names
 * @property {Set<string>} known the names as a set
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
 * @typedef {EndpointName | 'request' | 'batch' | 'call' | 'close' | 'tokenCall' | 'codeHandler' | 'options' | 'platform' | 'merchant'
 *   | 'authorizationUrl' | 'importAuthorizer' | 'platformRequest' | 'madeRefusal' | 'madeFailure'} SchemaName
 */

/** WeChat's errcode for a wrong JSON type. Some parameters have another one. */
const DATA_FORMAT_ERROR = 47001
const DAY_MS = 86_400_000

/** Every property of a rule. */
const EMPTY_RULE = {
  type: undefined,
  convert: undefined,
  expected: undefined,
  example: undefined,
  explainText: undefined,
  required: undefined,
  errcode: undefined,
  conversionHints: undefined,
  emptyIsAbsent: undefined,
  explainMistake: undefined,
  name: '',
  firstKey: '',
  nextKey: '',
  schema: undefined,
}

/** @type {Record<string, Rule>} */
const CALL = {
  signal: { convert: acceptIf(isSignal), expected: { zh: ' AbortSignal', en: 'an AbortSignal' } },
  timeoutMs: { type: 'number' },
}

/** @type {Rule} the timeout of a batch, a handler or close(): of more than one call */
const TIMEOUT = {
  convert: acceptIf((value) => typeof value === 'number' && value > 0 && value <= DAY_MS),
  expected: { zh: '大于 0、至多一天的毫秒数', en: 'a number of milliseconds, more than 0 and at most a day' },
}

/** @type {Rule} an option that may come from an environment variable */
const SETTING = { type: 'string', emptyIsAbsent: true }

/** @type {Rule} */
const PEM = {
  expected: { zh: ' PEM 字符串或 Buffer', en: 'a PEM string or a Buffer' },
  // A copy: the caller may change the bytes.
  convert: (value) => (types.isUint8Array(value) ? Buffer.from(value).toString() : isString(value) ? value : undefined),
  emptyIsAbsent: true,
}

/** @type {Rule} */
const LIMIT = {
  expected: { zh: '不小于 1 的整数，或 Infinity', en: 'a whole number from 1 on, or Infinity' },
  convert: acceptIf((value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 1)),
}

/** The rule of each type in endpoints.json. @type {Record<string, Rule>} */
const TYPES = nullProtoCopy({
  string: { type: 'string' },
  enum: { type: 'string' },
  boolean: { type: 'boolean' },
  integer: { type: 'number', convert: toNumber },
  number: { type: 'number', convert: toNumber },
  time: { convert: toSeconds, expected: { zh: '有效的 Date', en: 'a valid Date' } },
  color: {
    convert: toColor,
    expected: {
      zh: "对象 { r, g, b } 或 '#ff0000' 这样的颜色",
      en: "an object { r, g, b } or a colour like '#ff0000'",
    },
    example: { zh: " '#ff0000' 或 { r: 255, g: 0, b: 0 }", en: "'#ff0000' or { r: 255, g: 0, b: 0 }" },
    explainText: explainColor,
  },
  object: {},
  extra: {
    convert: toExtra,
    expected: { zh: '对象，如 { show_something: true }', en: 'an object, such as { show_something: true }' },
  },
})

/** How to make the string that a scene has to be. @type {Record<string, { zh: string, en: string }>} */
const SCENE = nullProtoCopy({
  object: {
    zh: '，如 new URLSearchParams(obj).toString()，或用 wxacode-scene',
    en: ', such as new URLSearchParams(obj).toString(), or use wxacode-scene',
  },
  number: { zh: '，如 String(42)', en: ', such as String(42)' },
  bigint: { zh: '，如 String(42n)', en: ', such as String(42n)' },
})

/** Of required parameters, by their rule in endpoints.json. @type {Record<string, { zh: string, en: string }>} */
const EXAMPLES = nullProtoCopy({
  scene: { zh: "，1 到 32 个字符，如 'id=42'", en: ", 1 to 32 characters, such as 'id=42'" },
  path: { zh: "，如 'pages/index/index?id=42'", en: ", such as 'pages/index/index?id=42'" },
})

/**
 * The rules of an endpoint's parameters, by name, from endpoints.json.
 *
 * @param {any[]} [params]
 * @returns {Record<string, Rule>}
 */
const rulesOf = (params = []) =>
  Object.fromEntries(
    params.map((param) => {
      const { name, type, rule, required, typeErrcode, fields } = nullProtoCopy(param)
      const conversionHints = name === 'scene' ? SCENE : undefined
      return [
        name,
        {
          ...TYPES[type],
          ...(required === undefined ? undefined : { required, example: safeGet(EXAMPLES, rule ?? '') }),
          errcode: typeErrcode,
          conversionHints,
          fields: fields && rulesOf(fields),
        },
      ]
    }),
  )

/** @type {Record<string, Rule>} */
const CACHE = {
  maxBytes: TYPES.number,
  ttlMs: TYPES.number,
  redis: { type: 'boolean' },
  maxEntryBytes: TYPES.number,
  directory: SETTING,
  maxDiskBytes: TYPES.number,
  store: {
    expected: { zh: '带有 get、set 两个函数的对象', en: 'an object with the functions get and set' },
    convert: acceptIf(isCodeStore),
  },
}

/** Options that clients and platforms have. @type {Record<string, Rule>} */
const SHARED_OPTIONS = {
  baseUrl: {
    expected: { zh: '字符串或非空的字符串数组', en: 'a string or a non-empty array of strings' },
    convert: toUrls,
    emptyIsAbsent: true,
  },
  propagateTraceparent: { type: 'boolean' },
  redis: {
    expected: { zh: " 'redis://主机:端口' 或 { url }", en: "'redis://host:port' or { url }" },
    convert: (value) => (isString(value) ? nullProtoCopy({ url: value.toWellFormed() }) : undefined),
    emptyIsAbsent: true,
    explainMistake: explainRedisOptions,
    fields: {
      url: { ...SETTING, required: 0 },
      ca: PEM,
      timeoutMs: TYPES.number,
      keyPrefix: { type: 'string' },
      allowUnsharedRotation: { type: 'boolean' },
    },
  },
  lang: { convert: acceptIf(isLanguage), expected: { zh: " 'zh' 或 'en'", en: "'zh' or 'en'" }, emptyIsAbsent: true },
  timeoutMs: TYPES.number,
  retries: TYPES.number,
  proxy: SETTING,
  ca: PEM,
}

/** @type {Rule} */
const CACHE_OPTION = {
  expected: { zh: '布尔值或对象', en: 'a boolean or an object' },
  convert: (value) => (value === true ? new NullProto() : value === false ? false : undefined),
  fields: CACHE,
}

/** @type {Rule} */
const QUERY = {
  convert: toPairs,
  expected: {
    zh: '值为字符串、数字或布尔值的普通对象（URLSearchParams 和 Map 用 Object.fromEntries() 转换）',
    en: 'a plain object of strings, numbers and booleans (made of URLSearchParams or a Map by Object.fromEntries())',
  },
}

/** @type {Rule} */
const BODY = {
  convert: acceptIf((value) => typeof value === 'object' && value !== null),
  expected: { zh: '普通对象', en: 'a plain object' },
}

/** @type {Record<SchemaName, Record<string, Rule>>} */
const RULES = {
  .../** @type {any} */ (
    Object.fromEntries(
      endpoints
        .filter(({ group }) => group !== 'token' && group !== 'component')
        .map(({ name, params }) => [name, rulesOf(params)]),
    )
  ),
  request: {
    ...CALL,
    method: {
      convert: acceptIf((value) => value === 'GET' || value === 'POST'),
      expected: { zh: " 'GET' 或 'POST'", en: "'GET' or 'POST'" },
    },
    query: QUERY,
    body: BODY,
    retries: { type: 'number' },
  },
  batch: {
    ...CALL,
    timeoutMs: TIMEOUT,
    concurrency: {
      convert: acceptIf((value) => Number.isInteger(value) && value >= 1 && value <= 1000),
      expected: { zh: ' 1 到 1000 的整数', en: 'a whole number from 1 to 1000' },
    },
  },
  call: CALL,
  close: { timeoutMs: TIMEOUT },
  tokenCall: { ...CALL, forceRefresh: { type: 'boolean' } },
  codeHandler: {
    cacheControl: {
      convert: acceptIf((value) => value === false || (isString(value) && /^[\t -~]+$/.test(value))),
      expected: { zh: '一行非空的 ASCII 文本，或 false', en: 'a line of ASCII text, or false' },
    },
    download: {
      convert: acceptIf((value) => typeof value === 'boolean' || isFunction(value)),
      expected: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    filename: {
      convert: acceptIf((value) => isString(value) || isFunction(value)),
      expected: { zh: '字符串或函数', en: 'a string or a function' },
    },
    expose: {
      convert: acceptIf((value) => typeof value === 'boolean' || isFunction(value)),
      expected: { zh: '布尔值或函数', en: 'a boolean or a function' },
    },
    onError: { convert: acceptIf(isFunction), expected: { zh: '函数', en: 'a function' } },
    timeoutMs: TIMEOUT,
    ratePerMinute: LIMIT,
    concurrency: LIMIT,
  },
  options: {
    appid: { ...SETTING, required: 40013 },
    secret: SETTING,
    token: {
      expected: { zh: " 'stable'、'classic'、'none' 或函数", en: "'stable', 'classic', 'none' or a function" },
      convert: acceptIf((value) => isFunction(value) || ['stable', 'classic', 'none'].includes(value)),
      emptyIsAbsent: true,
    },
    baseUrl: SHARED_OPTIONS.baseUrl,
    propagateTraceparent: SHARED_OPTIONS.propagateTraceparent,
    redis: SHARED_OPTIONS.redis,
    fromAppid: SETTING,
    lang: SHARED_OPTIONS.lang,
    timeoutMs: TYPES.number,
    retries: TYPES.number,
    ratePerMinute: TYPES.number,
    cache: CACHE_OPTION,
    proxy: SETTING,
    ca: PEM,
  },
  platform: {
    appid: { ...SETTING, required: 40013 },
    secret: { ...SETTING, required: 41004 },
    pushToken: SETTING,
    encodingAESKey: {
      expected: { zh: '字符串，或 [新的, 旧的]', en: 'a string, or [current, previous]' },
      convert: toStrings,
      emptyIsAbsent: true,
    },
    store: {
      expected: {
        zh: " 'file:路径'、'memory' 或 { get, set, delete }",
        en: "'file:' and a path, 'memory', or an object with get, set and delete",
      },
      convert: acceptIf((value) => isString(value) || isStore(value)),
      emptyIsAbsent: true,
    },
    ...SHARED_OPTIONS,
  },
  merchant: {
    cache: CACHE_OPTION,
    ratePerMinute: TYPES.number,
    timeoutMs: TYPES.number,
    retries: TYPES.number,
  },
  authorizationUrl: {
    redirectUri: { type: 'string', required: 0 },
    authType: {
      convert: acceptIf((value) => Number.isInteger(value) && value >= 1 && value <= 99),
      expected: { zh: '正整数', en: 'a positive whole number' },
    },
    bizAppid: { type: 'string' },
    mobile: { type: 'boolean' },
  },
  importAuthorizer: {
    appid: { ...SETTING, required: 40013 },
    refreshToken: { ...SETTING, required: 0 },
  },
  platformRequest: {
    ...CALL,
    query: QUERY,
    body: BODY,
    retries: { type: 'number' },
  },
  madeRefusal: {
    endpoint: { type: 'string' },
    errmsg: { type: 'string' },
    rid: { type: 'string' },
    page: { type: 'string' },
    lang: SHARED_OPTIONS.lang,
  },
  madeFailure: { endpoint: { type: 'string' }, retryAfterMs: TIMEOUT, lang: SHARED_OPTIONS.lang },
}

/** The name of the validated object in errors, if it is not `params`.
 * @type {Partial<Record<SchemaName, string>>} */
const ROOT_NAMES = nullProtoCopy({
  call: 'call',
  tokenCall: 'call',
  options: 'options',
  request: 'options',
  batch: 'options',
  close: 'options',
  codeHandler: 'options',
  platform: 'options',
  merchant: 'options',
  authorizationUrl: 'options',
  importAuthorizer: 'authorizer',
  platformRequest: 'options',
  madeRefusal: 'options',
  madeFailure: 'options',
})

/**
 * Sets every property of every rule, so that no lookup reaches a prototype.
 *
 * @param {Record<string, Rule>} fields
 * @returns {Schema}
 */
function compile(fields) {
  const names = Object.keys(fields)
  const rules = names.map((name) => {
    const { fields: inner, ...rule } = nullProtoCopy(fields[name])
    return nullProtoCopy({
      ...EMPTY_RULE,
      ...rule,
      name,
      firstKey: `{"${name}":`,
      nextKey: `,"${name}":`,
      schema: inner && compile(inner),
    })
  })
  return nullProtoCopy({ names, known: new Set(names), rules })
}

/** Names of the options in the second argument of a call. */
const CALL_OPTION_NAMES = Object.keys(CALL)

/** @type {Record<SchemaName, Schema>} */
const SCHEMAS = nullProtoCopy(
  /** @type {any} */ (Object.fromEntries(Object.entries(RULES).map((entry) => [entry[0], compile(entry[1])]))),
)

module.exports = { ADVICE, ALIASES, CALL_OPTION_NAMES, DATA_FORMAT_ERROR, ROOT_NAMES, SCHEMAS }
