'use strict'

/**
 * Validates the types and keys of parameters and options before the addon converts them. The addon would turn -1 into
 * 4294967295 and ignore a misspelt key. WeChat ignores a misspelt key too, and opens the home page.
 */

const { invalid, misuse } = require('./errors')
const { excerpt, loneSurrogateAt } = require('./excerpt')
const { CODE_ENDPOINTS, isCodeEndpoint } = require('./kinds')
const { NullProto, nullProtoCopy, safeGet } = require('./safe-object')
const { ADVICE, ALIASES, CALL_OPTION_NAMES, DATA_FORMAT_ERROR, ROOT_NAMES, SCHEMAS } = require('./schemas')
const { mostSimilar, normalizeName } = require('./similar')

/** @typedef {import('./language').Language} Language */
/** @typedef {import('./schemas').Rule} Rule */
/** @typedef {import('./schemas').FieldRule} FieldRule */
/** @typedef {import('./schemas').Schema} Schema */
/** @typedef {import('./schemas').SchemaName} SchemaName */

/**
 * @typedef {object} ParamContext
 * @property {string} [endpoint] for the error
 * @property {Language} [lang] for the error
 * @property {string} param the name of the value, like `redis.url`
 * @property {string} prefix of the names of the value's fields
 * @property {SchemaName | undefined} name of the schema; undefined for a nested object
 */

/**
 * Returns a copy of `value` as a null-prototype object, or throws an InvalidParamsError that names the first property that
 * does not match the schema. Every property is read once.
 *
 * @param {SchemaName} name
 * @param {unknown} value
 * @param {string} [endpoint] for the error
 * @param {Language} [lang] of the client
 * @returns {any}
 */
function validate(name, value, endpoint, lang) {
  return validateObject(value, SCHEMAS[name], { endpoint, lang, param: ROOT_NAMES[name] ?? 'params', prefix: '', name })
}

/**
 * Validates like `validate` and returns JSON. The JSON is written during validation, because a copy and JSON.stringify
 * take longer.
 *
 * @param {import('./schemas').EndpointName} name
 * @param {unknown} value
 * @param {Language} [lang] of the client
 */
function validateToJson(name, value, lang) {
  const schema = SCHEMAS[name]
  const at = { endpoint: name, lang, param: 'params', prefix: '', name }
  const isPlain = isPlainObject(value, schema, at)
  let json = ''
  for (const rule of schema.rules) {
    const converted = readProperty(value, rule, isPlain, at)
    if (converted !== undefined) json += (json === '' ? rule.firstKey : rule.nextKey) + toJson(converted)
  }
  return json === '' ? '{}' : `${json}}`
}

/**
 * @param {string | number | boolean | object} converted a finite number, or a null-prototype object
 */
const toJson = (converted) =>
  typeof converted === 'number' || typeof converted === 'boolean' ? `${converted}` : JSON.stringify(converted)

/**
 * Validates an object. Every call runs this, so it allocates nothing for properties that are omitted or valid.
 *
 * @param {any} value
 * @param {Schema} schema
 * @param {ParamContext} at
 */
function validateObject(value, schema, at) {
  const isPlain = isPlainObject(value, schema, at)
  /** @type {Record<string, unknown>} */
  const copy = /** @type {any} */ (new NullProto())
  for (const rule of schema.rules) {
    const converted = readProperty(value, rule, isPlain, at)
    if (converted !== undefined) copy[rule.name] = converted
  }
  return copy
}

/**
 * Whether the prototype of an object is `Object.prototype`. Throws for a value that is no object, and for an unknown name.
 *
 * @param {any} value
 * @param {Schema} schema
 * @param {ParamContext} at
 */
function isPlainObject(value, schema, at) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw misuse(wrongType(OBJECT_RULE, schema, value, at))
  for (const key of Object.keys(value)) {
    if (!schema.known.has(key)) throw misuse(unknownParam(key, schema, at))
  }
  return Object.getPrototypeOf(value) === Object.prototype
}

/**
 * Returns the converted value of a property, or undefined if the property is omitted.
 *
 * @param {any} value
 * @param {FieldRule} rule
 * @param {boolean} isPlain
 * @param {ParamContext} at
 */
function readProperty(value, rule, isPlain, at) {
  const { name } = rule
  const given = Object.hasOwn(value, name) ? value[name] : isPlain ? undefined : safeGet(value, name)
  if (given !== undefined && !(given === '' && rule.emptyIsAbsent)) return validateValue(given, rule, at)
  if (rule.required !== undefined) throw missingParam(rule, at, Object.hasOwn(value, name) ? given : ABSENT)
  return undefined
}

/**
 * @param {any} value
 * @param {FieldRule} rule
 * @param {ParamContext} at
 */
function validateValue(value, rule, at) {
  const converted = rule.convert ? rule.convert(value, at) : typeof value === rule.type ? value : undefined
  if (converted === undefined) return validateNested(value, rule, at)
  if (typeof converted === 'string' && !converted.isWellFormed())
    throw illFormedString(converted, childContext(at, rule))
  return converted
}

/**
 * @param {any} value
 * @param {FieldRule} rule
 * @param {ParamContext} at
 */
function validateNested(value, rule, at) {
  const here = childContext(at, rule)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!rule.schema || !isObject) {
    const error = wrongType(rule, rule.schema, value, here)
    throw mayComeFromVisitor(rule, value) ? error : misuse(error)
  }
  const explanation = rule.explainMistake?.(value)
  if (explanation) throw misuse(invalid({ endpoint: here.endpoint, param: here.param, explanation }, here.lang))
  return validateObject(value, rule.schema, here)
}

/**
 * @param {ParamContext} at
 * @param {FieldRule} rule
 * @returns {ParamContext}
 */
function childContext({ endpoint, lang, prefix }, { name }) {
  const param = prefix + name
  return { endpoint, lang, param, prefix: `${param}.`, name: undefined }
}

/**
 * Whether a wrong value may come from a visitor: a query parser makes an array or an object of a repeated name
 * (`?id=1&id=2`, `?id[a]=1`) where the caller expects a string, and text may be no colour.
 *
 * @param {FieldRule} rule
 * @param {unknown} value
 */
const mayComeFromVisitor = (rule, value) =>
  rule.type === 'string'
    ? typeof value === 'object' && value !== null
    : rule.type === undefined && rule.convert !== undefined && typeof value === 'string'

/**
 * @param {string} key
 * @param {Schema} schema
 * @param {ParamContext} at
 */
function unknownParam(key, { names }, { endpoint, lang, param, prefix, name }) {
  const wrong = excerpt(prefix + key)
  const meant =
    names.find((known) => normalizeName(known) === normalizeName(key)) ??
    safeGet(name && ALIASES[name], normalizeName(key))
  const cause = { zh: `未知参数 ${wrong}`, en: `unknown parameter ${wrong}` }
  return invalid({ endpoint, param: wrong, explanation: { cause, fix: remedy() } }, lang)

  function remedy() {
    const advice = safeGet(safeGet(ADVICE, name ?? ''), key)
    if (advice) return advice
    if (meant) return useInstead(meant)
    if (param === 'params' && CALL_OPTION_NAMES.includes(key))
      return {
        zh: `放在第二个参数里：(params, { ${key} })`,
        en: `Pass it in the second argument: (params, { ${key} })`,
      }
    const list = names.join(', ')
    // The first row, getUnlimitedQRCode, has parameters of the other rows too, so it is the last choice.
    const owner = isCodeEndpoint(name) && CODE_ENDPOINTS.findLast((endpoint) => SCHEMAS[endpoint].known.has(key))
    if (owner)
      return {
        zh: `${wrong} 是 ${owner} 的参数；这里可用的参数：${list}`,
        en: `${wrong} belongs to ${owner}. Allowed parameters: ${list}`,
      }
    const similar = mostSimilar(key, names, normalizeName)
    return similar ? useInstead(similar) : { zh: `可用的参数：${list}`, en: `Allowed parameters: ${list}` }
  }

  /** @param {string} right */
  function useInstead(right) {
    return { zh: `改为 ${prefix}${right}`, en: `Use ${prefix}${right} instead` }
  }
}

/** @type {Rule} */
const OBJECT_RULE = nullProtoCopy({ type: 'object', required: 0 })

/** Marks a property that is absent, in contrast to undefined. */
const ABSENT = Symbol('absent')

/**
 * @param {FieldRule} rule
 * @param {ParamContext} at
 * @param {unknown} given undefined, '' or ABSENT
 */
function missingParam(rule, at, given) {
  const { endpoint, lang, param } = childContext(at, rule)
  const errcode = rule.required || undefined
  const state =
    given === ABSENT ? undefined : given === '' ? { zh: '为空', en: 'empty' } : { zh: '是 undefined', en: 'undefined' }
  const isFromEnvironment = state && endpoint === undefined
  const why = isFromEnvironment
    ? { zh: '：环境变量没有设置？', en: ': is the environment variable not set?' }
    : { zh: '', en: '' }
  const cause = state
    ? { zh: `${param} ${state.zh}${why.zh}`, en: `${param} is ${state.en}${why.en}` }
    : { zh: `缺少 ${param}`, en: `${param} is missing` }
  const where = param === 'appid' ? WHERE_TO_FIND_APPID : { zh: '', en: '' }
  const example = rule.example ?? { zh: '', en: '' }
  const fix = isFromEnvironment
    ? { zh: where.zh + ENVIRONMENT_FIX.zh, en: where.en + ENVIRONMENT_FIX.en }
    : { zh: `传入 ${param}${example.zh}`, en: `Pass ${param}${example.en}` }
  return invalid({ endpoint, param, errcode, explanation: { cause, fix } }, lang)
}

const ENVIRONMENT_FIX = {
  zh: '检查变量名，以及进程（容器、PM2、systemd）的环境',
  en: 'Check the name of the variable and the environment of the process (container, PM2, systemd)',
}
const WHERE_TO_FIND_APPID = {
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
 * An error for a value of the wrong type. The message does not repeat the value: it may be a secret in the wrong place.
 *
 * @param {Rule} rule
 * @param {Schema | undefined} schema
 * @param {unknown} value
 * @param {{ endpoint?: string, lang?: Language, param: string }} at
 */
function wrongType(rule, schema, value, { endpoint, lang, param }) {
  const { type: expectedType = 'object', required, errcode } = rule
  const expected = rule.expected ?? TYPES[expectedType]
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  const got = TYPES[type]
  const wrong = typeof value === 'string' ? rule.explainText?.(param, value) : undefined
  const cause =
    wrong ??
    (rule.expected && !(schema && type !== 'object')
      ? { zh: `${param} 须为${expected.zh}`, en: `${param} must be ${expected.en}` }
      : { zh: `${param} 是${got.zh}，须为${expected.zh}`, en: `${param} is ${got.en}; it must be ${expected.en}` })
  const why =
    errcode === DATA_FORMAT_ERROR
      ? {
          zh: '，不做自动转换（微信对错误的类型返回 47001）',
          en: '; values are not converted (WeChat responds with 47001 to a wrong type)',
        }
      : { zh: '', en: '' }
  const of = schema && !rule.expected ? ` { ${schema.names.join(', ')} }` : ''
  const or = required === undefined ? { zh: '，或不传', en: ', or omit it' } : { zh: '', en: '' }
  const how = safeGet(rule.conversionHints, type) ?? { zh: '', en: '' }
  const right = (rule.expected && rule.example) ?? expected
  const fix = {
    zh: `传入${right.zh}${of}${or.zh}${how.zh}${why.zh}`,
    en: `Pass ${right.en}${of}${or.en}${how.en}${why.en}`,
  }
  return invalid({ endpoint, param, errcode, explanation: { cause, fix } }, lang)
}

/**
 * @param {string} text
 * @param {{ endpoint?: string, lang?: Language, param: string }} at
 */
function illFormedString(text, { endpoint, lang, param }) {
  const position = loneSurrogateAt(text)
  const cause = {
    zh: `${param} 的第 ${position} 个字符是不成对的代理字符，不是合法的 Unicode`,
    en: `character ${position} of ${param} is a lone surrogate, which is not valid Unicode`,
  }
  const fix = {
    zh: "字符串可能在 emoji 中间被截断：按字符截取，如 [...text].slice(0, 10).join('')",
    en: "The string was probably cut inside an emoji: cut it by characters, like [...text].slice(0, 10).join('')",
  }
  return invalid({ endpoint, param, explanation: { cause, fix } }, lang)
}

module.exports = { validate, validateToJson }
