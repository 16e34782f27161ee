'use strict'

const { safeGet } = require('../safe-object')

/**
 * Headers to be set on an answer that others have begun: what it varies by already, it goes on to.
 *
 * @param {Record<string, string>} headers
 * @param {unknown} before the `Vary` that is set
 */
function withVary(headers, before) {
  const more = safeGet(headers, 'Vary')
  if (more === undefined || !before) return headers
  const fields = String(before).split(/\s*,\s*/)
  const isNamed = fields.some((field) => field === '*' || field.toLowerCase() === more.toLowerCase())
  return { ...headers, Vary: isNamed ? fields.join(', ') : [...fields, more].join(', ') }
}

module.exports = { withVary }
