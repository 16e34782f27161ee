'use strict'

const { bare, own } = require('./own')
const { SHAPES } = require('./shapes')

/** Which call each kind of code is, by the words of batches, of `check` and of codes over HTTP. */
const KINDS = /** @type {const} */ ({
  unlimited: 'getUnlimitedQRCode',
  limited: 'getQRCode',
  qrcode: 'createQRCode',
})

/** What a job or a mapping may say of a code, all kinds together. */
const NAMES = ['kind', 'meta', ...new Set(Object.values(KINDS).flatMap((method) => SHAPES[method].names))]

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

module.exports = { KINDS, codeFields }
