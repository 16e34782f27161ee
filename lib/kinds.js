'use strict'

const { wrongArgument } = require('./errors')
const { bare, own } = require('./own')
const { endpoints } = require('./endpoints')
const { SCHEMAS } = require('./schemas')

/**
 * Which call each kind of code is, by the words of batches, of `check` and of codes over HTTP.
 *
 * @type {Record<import('../index').BatchJob['kind'], import('./schemas').CodeEndpoint>}
 */
const KINDS = /** @type {any} */ (
  Object.fromEntries(endpoints.filter(({ group }) => group === 'code').map(({ kind, name }) => [kind, name]))
)

/** What a job or a mapping may say of a code, all kinds together. */
const NAMES = ['kind', 'meta', ...new Set(Object.values(KINDS).flatMap((method) => SCHEMAS[method].names))]

/**
 * The call of a kind.
 *
 * @param {unknown} kind
 * @param {import('./language').Language} [lang]
 */
function endpointOf(kind, lang) {
  if (typeof kind === 'string' && Object.hasOwn(KINDS, kind)) return KINDS[/** @type {keyof typeof KINDS} */ (kind)]
  const kinds = Object.keys(KINDS)
  throw wrongArgument('kind', { en: `one of ${kinds.join(', ')}`, zh: ` ${kinds.join('、')} 之一` }, undefined, lang)
}

/**
 * A job, or what a mapping gave, as a copy: each property read once, those of a class's getters too.
 *
 * @param {object} code
 * @returns {Record<string, any>} with nothing behind it
 */
function codeFields(code) {
  /** @type {Record<string, any>} */
  const fields = bare(code)
  for (const name of NAMES) {
    const value = Object.hasOwn(fields, name) ? undefined : own(code, name)
    if (value !== undefined) fields[name] = value
  }
  return fields
}

module.exports = { KINDS, codeFields, endpointOf }
