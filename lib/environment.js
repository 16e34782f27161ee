'use strict'

const { InvalidParamsError, invalid, wrongArgument } = require('./errors')
const { isLanguage } = require('./language')
const { safeGet } = require('./safe-object')

/** The environment variable of each option, as for the command line. @type {Record<string, string>} */
const VARIABLES = {
  appid: 'WXACODE_APPID',
  secret: 'WXACODE_SECRET',
  baseUrl: 'WXACODE_BASE_URL',
  redis: 'WXACODE_REDIS',
  proxy: 'WXACODE_PROXY',
}

/**
 * Creates a client from environment variables and `options`; an option has precedence over its variable. An empty variable
 * counts as not set, because docker-compose passes one for `${NOT_SET}`. An error in a variable names the variable.
 *
 * @template T
 * @param {Record<string, unknown>} options
 * @param {(options: any) => T} make
 * @param {Record<string, string | undefined>} [env]
 * @returns {T}
 */
function createFromEnv(options, make, env = process.env) {
  if (typeof options !== 'object' || options === null) throw wrongArgument('options', { zh: '对象', en: 'an object' })
  const lang = safeGet(options, 'lang')
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const open = Object.entries(VARIABLES).filter(([name]) => !Object.hasOwn(given, name))
  const set = open.filter(([, variable]) => env[variable])
  try {
    return make({ ...Object.fromEntries(set.map(([name, variable]) => [name, env[variable]])), ...given })
  } catch (error) {
    const name = error instanceof InvalidParamsError ? /** @type {any} */ (error).param.split('.')[0] : undefined
    const variable = open.find(([option]) => option === name)?.[1]
    throw variable === undefined
      ? error
      : ofVariable(variable, /** @type {any} */ (error), env[variable], isLanguage(lang) ? lang : undefined)
  }
}

/**
 * @param {string} variable
 * @param {import('../index').InvalidParamsError} error of the option that comes from it
 * @param {string} [value]
 * @param {import('./language').Language} [lang]
 */
function ofVariable(variable, { param, errcode, explanation: { cause, fix } }, value, lang) {
  const explanation = value
    ? {
        cause: { zh: `环境变量 ${variable}：${cause.zh}`, en: `environment variable ${variable}: ${cause.en}` },
        fix,
      }
    : {
        cause: { zh: `没有设置环境变量 ${variable}`, en: `the environment variable ${variable} is not set` },
        fix: { zh: `设置它，或传入 ${param}`, en: `Set it, or pass ${param}` },
      }
  return invalid({ param, errcode, explanation }, lang)
}

module.exports = { createFromEnv }
