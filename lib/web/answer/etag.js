'use strict'

const { createHash } = require('node:crypto')

/**
 * A strong ETag of what the picture depends on. Codes never expire: the same request has the same picture, and a browser
 * that has it is told so without a request to WeChat. The account is a part of it: a site that moves to another
 * mini-program has other codes.
 *
 * @param {string} appid
 * @param {string} identity
 */
function etagOf(appid, identity) {
  const digest = createHash('sha256')
    .update(JSON.stringify([appid, identity]))
    .digest('base64url')
  return `"${digest.slice(0, 27)}"`
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
