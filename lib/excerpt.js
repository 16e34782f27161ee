'use strict'

const LONGEST = 80

/**
 * Of a text that others gave, as much as belongs into one line of an error: of a hundred megabytes too.
 *
 * @param {string} text
 */
function excerpt(text) {
  // What cannot be seen, or turns around what stands beside it, is written out.
  const shown = text
    .slice(0, LONGEST)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)
  return text.length > LONGEST || shown.length > LONGEST ? `${shown.slice(0, LONGEST - 1).toWellFormed()}…` : shown
}

/**
 * Where in a text half a character stands, counted in characters from 1.
 *
 * @param {string} text that is not well formed
 */
function loneSurrogateAt(text) {
  const before = text.slice(0, text.search(/\p{Surrogate}/u))
  const pairs = before.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0
  return before.length - pairs + 1
}

module.exports = { excerpt, loneSurrogateAt }
