'use strict'

const { createHash } = require('node:crypto')

/**
 * A strong ETag, from the account and the identity of the picture. Codes never expire, so that a browser that has the picture
 * gets a 304 without a request to WeChat. A site that moves to another mini-program has other codes.
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
