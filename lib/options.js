'use strict'

const { invalid } = require('./errors')
const { isLanguage } = require('./language')
const { safeGet } = require('./safe-object')
const { validate } = require('./validate')

/** What WeChat answers where there is no AppSecret. */
const NO_SECRET = 41004

/**
 * The options of a client: as JSON for the addon, the token function and the store of codes beside them, and the account whose
 * codes they get.
 *
 * @param {unknown} options
 * @returns {{ json: string, appid: string, lang?: import('./language').Language, provider?: import('../index').TokenProvider,
 *   store?: import('../index').CodeStore, writesBehind: boolean }}
 */
function validateOptions(options) {
  const wanted = safeGet(options, 'lang')
  const lang = isLanguage(wanted) ? wanted : undefined
  const settings = validate('options', options, undefined, lang)
  // The addon knows no language: its failures come in both.
  settings.lang = undefined
  const { token, secret } = settings
  const provider = typeof token === 'function' ? token : undefined
  if (provider) settings.token = undefined
  if (settings.cache === false) settings.cache = undefined
  if (secret === undefined && !provider && token !== 'none') throw noSecret(lang)
  const appid = settings.fromAppid ?? settings.appid
  return { ...withoutStore(settings), appid, lang, provider }
}

/**
 * The options of a merchant's client, in the same parts.
 *
 * @param {unknown} options
 * @param {import('./language').Language} [lang] of the platform
 * @returns {{ json: string, store?: import('../index').CodeStore, writesBehind: boolean }}
 */
function validateMerchantOptions(options, lang) {
  const settings = validate('merchant', options, undefined, lang)
  if (settings.cache === false) settings.cache = undefined
  return withoutStore(settings)
}

/**
 * Options as JSON, without the caller's own store of codes. `writesBehind`: codes are stored after their calls have ended.
 *
 * @param {any} settings of `validate`
 */
function withoutStore(settings) {
  const { cache } = settings
  const store = cache?.store
  if (store !== undefined) cache.store = undefined
  const writesBehind = store !== undefined || (cache !== undefined && cache.directory !== undefined)
  return { json: JSON.stringify(settings), store, writesBehind }
}

/**
 * The options of a platform: as JSON for the addon, and the caller's own store beside them.
 *
 * @param {unknown} options
 * @returns {{ json: string, appid: string, lang?: import('./language').Language, store?: import('../index').PlatformStore }}
 */
function validatePlatformOptions(options) {
  const wanted = safeGet(options, 'lang')
  const lang = isLanguage(wanted) ? wanted : undefined
  const settings = validate('platform', options, undefined, lang)
  settings.lang = undefined
  const own = typeof settings.store === 'object' ? settings.store : undefined
  if (own) settings.store = undefined
  return { json: JSON.stringify(settings), appid: settings.appid, lang, store: own }
}

/** @param {import('./language').Language} [lang] */
const noSecret = (lang) =>
  invalid(
    {
      param: 'secret',
      errcode: NO_SECRET,
      explanation: {
        cause: { zh: '缺少 secret（AppSecret），或者它是空的', en: 'secret (the AppSecret) is missing or empty' },
        fix: {
          zh: '来自环境变量时，多半是变量没有设置：检查变量名和进程的环境；AppSecret 在小程序后台 开发管理 → 开发设置；access_token 由自己的服务提供时，传 token 函数',
          en: 'If it comes from an environment variable, that variable is probably not set: check its name and the environment of the process; you find the AppSecret on mp.weixin.qq.com under 开发管理 → 开发设置; if a service of yours provides the access_token, pass token as a function',
        },
      },
    },
    lang,
  )

module.exports = { validateMerchantOptions, validateOptions, validatePlatformOptions }
