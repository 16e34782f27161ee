'use strict'

const { invalid, misuse } = require('./errors')
const { excerpt } = require('./excerpt')
const { nullProtoCopy, safeGet } = require('./safe-object')
const { endpoints } = require('./endpoints')
const { SCHEMAS } = require('./schemas')

/** @typedef {import('../index').BatchJob['kind']} Kind */
/** @typedef {import('./schemas').CodeEndpoint} CodeEndpoint */

const codeEndpoints = endpoints.filter(({ group }) => group === 'code')

/**
 * The endpoint of each kind of a batch job, of `check` and of a `codeHandler`.
 *
 * @type {Record<Kind, CodeEndpoint>}
 */
const ENDPOINT_BY_KIND = /** @type {any} */ (Object.fromEntries(codeEndpoints.map(({ kind, name }) => [kind, name])))

/** The names of the endpoints that make codes, in the order of endpoints.json. @type {CodeEndpoint[]} */
const CODE_ENDPOINTS = Object.values(ENDPOINT_BY_KIND)

const withMinuteQuota = new Set(endpoints.filter(({ perMinute }) => perMinute !== undefined).map(({ name }) => name))

/** Names of the properties of a batch job or of a mapping's result, of all kinds. */
const NAMES = ['kind', 'meta', ...new Set(CODE_ENDPOINTS.flatMap((endpoint) => SCHEMAS[endpoint].names))]

/** @param {any} endpoint the `endpoint` of an error */
const isCodeEndpoint = (endpoint) => CODE_ENDPOINTS.includes(endpoint)

/**
 * Whether WeChat limits the calls of an endpoint by the minute (`perMinute` in endpoints.json).
 *
 * @param {any} endpoint the `endpoint` of an error, or of a kind
 */
const hasMinuteQuota = (endpoint) => withMinuteQuota.has(endpoint)

/**
 * The endpoint of a kind. Throws for an unknown kind.
 *
 * @param {unknown} kind
 * @param {import('./language').Language} [lang]
 */
function endpointOf(kind, lang) {
  if (typeof kind === 'string' && Object.hasOwn(ENDPOINT_BY_KIND, kind))
    return ENDPOINT_BY_KIND[/** @type {Kind} */ (kind)]
  throw misuse(invalid({ param: 'kind', explanation: { cause: wrongKind(kind), fix: KINDS_FIX } }, lang))
}

const KINDS = Object.keys(ENDPOINT_BY_KIND)
const KINDS_FIX = { zh: `kind 取 ${KINDS.join('、')} 之一`, en: `Set kind to one of ${KINDS.join(', ')}` }

/** @param {unknown} kind */
function wrongKind(kind) {
  if (kind === undefined) return { zh: '缺少 kind', en: 'kind is missing' }
  if (typeof kind !== 'string') return { zh: 'kind 不是字符串', en: 'kind is not a string' }
  return { zh: `未知的 kind“${excerpt(kind)}”`, en: `unknown kind “${excerpt(kind)}”` }
}

/**
 * Copies a batch job, or the result of a mapping. Each property is read once, getters of a class included.
 *
 * @param {object} code
 * @returns {Record<string, any>} a null-prototype object
 */
function codeFields(code) {
  /** @type {Record<string, any>} */
  const fields = nullProtoCopy(code)
  for (const name of NAMES) {
    const value = Object.hasOwn(fields, name) ? undefined : safeGet(code, name)
    if (value !== undefined) fields[name] = value
  }
  return fields
}

module.exports = { CODE_ENDPOINTS, ENDPOINT_BY_KIND, codeFields, endpointOf, hasMinuteQuota, isCodeEndpoint }
