'use strict'

/**
 * `extra`: parameters that WeChat has and wxacode does not know yet. They are sent as they are, so a name that has a parameter
 * of its own, and one that could change the account, the page or the scene, is refused.
 */

const { Buffer } = require('node:buffer')
const { isOpaque, jsonObject } = require('./body')
const { endpoints } = require('./endpoints')
const { invalid, misuse } = require('./errors')
const { excerpt } = require('./excerpt')
const { normalizeName } = require('./similar')

/** @typedef {import('../index').Explanation} Explanation */
/** @typedef {{ endpoint: string, name: string, wire?: string }} CodeParam */

const MAX_BYTES = 4096

/** What the three codes take, except `extra` itself. @type {CodeParam[]} */
const PARAMS = endpoints
  .filter(({ group }) => group === 'code')
  .flatMap(({ name: endpoint, params = [] }) =>
    params.filter(({ type }) => type !== 'extra').map(({ name, wire }) => Object.freeze({ endpoint, name, wire })),
  )

/** What a code opens: no endpoint may get it in a second way. */
const CONTENT = ['scene', 'page', 'path']

/** What says whose call it is, normalized. */
const CREDENTIALS = [
  ...['access_token', 'authorizer_access_token', 'component_access_token', 'cloudbase_access_token'],
  ...['appid', 'app_id', 'authorizer_appid', 'component_appid', 'from_appid', 'secret', 'appsecret'],
].map(normalizeName)

/**
 * The JSON of `extra`, the same whatever the order of its keys; `''` if it has none. Undefined if it is not an object.
 *
 * @param {any} value
 * @param {{ endpoint?: string, lang?: import('./language').Language }} at
 */
function toExtra(value, { endpoint, lang }) {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isOpaque(value)) return undefined
  const copy = jsonObject(value, { endpoint, lang, param: 'extra' })
  const names = Object.keys(copy)
  const wrong = names.find((name) => refusalOf(name, endpoint))
  if (wrong !== undefined) throw refused(`extra.${excerpt(wrong)}`, refusalOf(wrong, endpoint))
  const text = names.length === 0 ? '' : JSON.stringify(sorted(copy))
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_BYTES) throw refused('extra', tooLong(bytes))
  return text

  /**
   * @param {string} param
   * @param {any} explanation
   */
  function refused(param, explanation) {
    return misuse(invalid({ endpoint, param, explanation }, lang))
  }
}

/**
 * Why a name may not stand in `extra`.
 *
 * @param {string} name
 * @param {string} [endpoint]
 * @returns {Explanation | undefined}
 */
function refusalOf(name, endpoint) {
  const normalized = normalizeName(name)
  if (CREDENTIALS.includes(normalized)) return changesTheAccount(name)
  const known = PARAMS.filter((param) => normalizeName(param.name) === normalized)
  const here = known.find((param) => param.endpoint === endpoint)
  if (here) return hasItsOwnName(name, here)
  // WeChat may add to one endpoint what another one has had, under the same name.
  const isNew = known.every(({ wire }) => wire === name) && !CONTENT.includes(normalized)
  return known.length === 0 || isNew ? undefined : belongsElsewhere(name, known)
}

/** @param {string} name */
function changesTheAccount(name) {
  const shown = excerpt(name)
  return {
    cause: { zh: `extra.${shown} 会改变调用的身份`, en: `extra.${shown} would change whose call it is` },
    fix: {
      zh: '删去它；AppID、AppSecret 和 access_token 由实例的选项决定',
      en: 'Remove it: the options of the client decide about AppID, AppSecret and token',
    },
  }
}

/**
 * @param {string} given
 * @param {CodeParam} param
 */
function hasItsOwnName(given, { name }) {
  const shown = excerpt(given)
  return {
    cause: { zh: `extra.${shown} 是已有的参数 ${name}`, en: `extra.${shown} is the parameter ${name}` },
    fix: { zh: `直接传 ${name}，不要放在 extra 里`, en: `Pass ${name} itself, not in extra` },
  }
}

/**
 * @param {string} given
 * @param {CodeParam[]} known
 */
function belongsElsewhere(given, known) {
  const shown = excerpt(given)
  const owners = known.map(({ endpoint }) => endpoint).join(', ')
  return {
    cause: { zh: `extra.${shown} 是 ${owners} 的参数`, en: `extra.${shown} is a parameter of ${owners}` },
    fix: { zh: `删去它，或调用 ${owners}`, en: `Remove it, or call ${owners}` },
  }
}

/**
 * @param {number} bytes
 * @returns {Explanation}
 */
const tooLong = (bytes) => ({
  cause: {
    zh: `extra 的 JSON 有 ${bytes} 字节，最多 ${MAX_BYTES}`,
    en: `the JSON of extra has ${bytes} bytes; at most ${MAX_BYTES} are allowed`,
  },
  fix: { zh: '只写微信新增的参数', en: 'Pass nothing but the parameters that WeChat has added' },
})

/**
 * A copy with its keys in order, at every depth.
 *
 * @param {any} value of JSON
 * @returns {any}
 */
function sorted(value) {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const copy = Object.create(null)
  Object.keys(value)
    .sort()
    .forEach((key) => {
      copy[key] = sorted(value[key])
    })
  return copy
}

module.exports = { toExtra }
