'use strict'

const { invalid } = require('../../errors')
const { isAboutThePicture } = require('./exposure')

const DEFAULT_CACHE_CONTROL = 'private, max-age=3600'
const DAY_MS = 86_400_000

/** @typedef {{ zh: string, en: string }} Text */

/** @type {Record<string, { test: (value: any) => boolean, wants: Text }>} */
const RULES = {
  cacheControl: {
    test: (value) => value === false || (typeof value === 'string' && /^[\t -~]+$/.test(value)),
    wants: { zh: '一行非空的 ASCII 文本，或 false', en: 'a line of ASCII text, or false' },
  },
  download: {
    test: (value) => typeof value === 'boolean' || typeof value === 'function',
    wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
  },
  filename: {
    test: (value) => typeof value === 'string' || typeof value === 'function',
    wants: { zh: '字符串或函数', en: 'a string or a function' },
  },
  expose: {
    test: (value) => typeof value === 'boolean' || typeof value === 'function',
    wants: { zh: '布尔值或函数', en: 'a boolean or a function' },
  },
  onError: { test: isFunction, wants: { zh: '函数', en: 'a function' } },
  timeoutMs: {
    test: (value) => value > 0 && value <= DAY_MS && typeof value === 'number',
    wants: { zh: '大于 0、至多一天的毫秒数', en: 'a number of milliseconds, more than 0 and at most a day' },
  },
}

/**
 * @typedef {object} Settings what a handler is set to, every choice as a function
 * @property {Record<string, string>} cacheControl as headers
 * @property {(req: any) => boolean} download
 * @property {(code: any, req: any) => string | undefined} filename
 * @property {(error: import('../../../index').WxaCodeError) => boolean} expose
 * @property {(error: import('../../../index').WxaCodeError, note: any) => unknown} onError
 * @property {number} [timeoutMs]
 */

/**
 *
 * @param {any} wxa
 * @param {unknown} toCode
 * @param {any} [options]
 * @returns {Settings}
 */
function checkedSettings(wxa, toCode, options = {}) {
  if (!isFunction(wxa?.getUnlimitedQRCode)) throw wrong('wxa', { zh: ' WxaCode', en: 'a WxaCode' })
  if (!isFunction(toCode)) {
    throw wrong('toCode', { zh: '从请求给出参数的函数', en: 'a function from the request to the parameters of a code' })
  }
  if (typeof options !== 'object' || options === null) throw wrong('options', { zh: '对象', en: 'an object' })
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(RULES, name)) throw unknown(name)
    if (options[name] !== undefined && !RULES[name].test(options[name])) throw wrong(name, RULES[name].wants)
  }
  const { cacheControl = DEFAULT_CACHE_CONTROL, download = false, filename, expose = isAboutThePicture } = options
  return {
    cacheControl: cacheControl === false ? {} : { 'Cache-Control': cacheControl },
    download: chooser(download),
    filename: chooser(filename),
    expose: chooser(expose),
    onError: options.onError ?? log,
    timeoutMs: options.timeoutMs,
  }
}

/**
 * @param {any} choice
 * @returns {(...args: any[]) => any}
 */
const chooser = (choice) => (isFunction(choice) ? choice : () => choice)

/**
 * One line for what the operator has to know; a visitor who asks for nonsense has been told so.
 *
 * @param {Error} error
 * @param {{ status: number, instance: string }} note
 */
function log(error, { status, instance }) {
  if (status !== 400) console.error(`wxacode: ${status} ${instance} ${error.message}`)
}

/** @param {unknown} value */
function isFunction(value) {
  return typeof value === 'function'
}

/**
 * @param {string} param
 * @param {Text} wants
 */
const wrong = (param, wants) =>
  invalid({
    endpoint: 'codeHandler',
    param,
    explanation: {
      cause: { zh: `${param} 不是${wants.zh}`, en: `${param} is not ${wants.en}` },
      fix: { zh: `请传入${wants.zh}`, en: `Pass ${wants.en}` },
    },
  })

/** @param {string} name */
const unknown = (name) =>
  invalid({
    endpoint: 'codeHandler',
    param: name,
    explanation: {
      cause: { zh: `不认识的参数 ${name}`, en: `unknown parameter ${name}` },
      fix: { zh: `可用的参数：${Object.keys(RULES).join(', ')}`, en: `Known are ${Object.keys(RULES).join(', ')}` },
    },
  })

module.exports = { checkedSettings }
