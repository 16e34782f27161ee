'use strict'

const { createHash } = require('node:crypto')
const { bare, own, omitUndefined } = require('../../own')
const { colorOf } = require('../../shapes')

/**
 * A strong ETag over the question: codes never expire, so the same question has the same answer, and whether a browser
 * has it already can be told without asking WeChat. The account belongs to the question: a site that moves to another
 * mini-program has other codes.
 *
 * @param {string} appid
 * @param {string} kind
 * @param {Record<string, any>} params that have passed their check
 */
function etagOf(appid, kind, params) {
  const question = JSON.stringify([appid, kind, ...Object.entries(withoutDefaults(params)).sort()])
  return `"${createHash('sha256').update(question).digest('base64url').slice(0, 27)}"`
}

/**
 * What is left of a question when everything goes that WeChat assumes anyway; the cache of the client takes the same
 * questions for the same.
 *
 * @param {Record<string, any>} params
 * @returns {Record<string, unknown>}
 */
function withoutDefaults(params) {
  const { width, envVersion, checkPath, autoColor, isHyaline, lineColor, ...rest } = bare(params)
  const color = colorOf(lineColor) ?? lineColor
  const parts = ['r', 'g', 'b'].map((part) => own(color, part) ?? 0)
  return omitUndefined({
    ...rest,
    width: width === 430 ? undefined : width,
    envVersion: envVersion === 'release' ? undefined : envVersion,
    checkPath: checkPath === true ? undefined : checkPath,
    autoColor: autoColor || undefined,
    isHyaline: isHyaline || undefined,
    // WeChat does not look at it where it picks the colour itself.
    lineColor: autoColor || parts.every((part) => part === 0) ? undefined : parts,
  })
}

/**
 * Whether If-None-Match names the ETag, by weak comparison. {@link https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2}
 *
 * @param {string} etag
 * @param {string} [ifNoneMatch]
 */
function isKnown(etag, ifNoneMatch = '') {
  if (ifNoneMatch.trim() === '*') return true
  /** @type {string[]} */
  const named = ifNoneMatch.match(/"[^"]*"/g) ?? []
  return named.includes(etag)
}

module.exports = { etagOf, isKnown }
