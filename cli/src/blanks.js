/** @import { Text } from './language.js' */

/** What looks like nothing: blanks of every width, no-break and full-width ones, breaks of lines, and marks of no width. */
const BLANK = '[\\s\\u00ad\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff]'
const ANY = new RegExp(BLANK, 'u')
const EDGES = new RegExp(`^${BLANK}+|${BLANK}+$`, 'gu')
const AT_EDGE = new RegExp(`^${BLANK}|${BLANK}(?=${BLANK}*$)`, 'u')
/** A blank of ASCII may stand in a query; what nobody sees, or breaks a line, was not meant. */
const UNSEEN = /[^\S \u3000]|[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\p{Cc}]/u

/** @param {string} text */
export const trimmed = (text) => text.replace(EDGES, '')

/** @param {unknown} cell */
export const isBlank = (cell) =>
  cell === undefined || cell === null || (typeof cell === 'string' && trimmed(cell) === '')

/**
 * The blank in a page, which has none.
 *
 * @param {string} text
 */
export const blankInPage = (text) => told(text, ANY.exec(text))

/**
 * The blank in a path that is not part of it: at its beginning or end, or one that nobody sees.
 *
 * @param {string} text
 */
export const blankInPath = (text) => told(text, AT_EDGE.exec(text) ?? UNSEEN.exec(text))

/**
 * @param {string} text
 * @param {RegExpExecArray | null} found
 * @returns {Text | undefined}
 */
function told(text, found) {
  if (found === null) return undefined
  const at = [...text.slice(0, found.index)].length + 1
  const code = `U+${found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
  const isLast = trimmed(text.slice(found.index)) === ''
  return isLast
    ? {
        zh: `末尾（第 ${at} 个字符）有空白或不可见字符 ${code}`,
        en: `it ends in a blank or invisible character, ${code} at position ${at}`,
      }
    : { zh: `第 ${at} 个字符是空白或不可见字符 ${code}`, en: `its character ${at} is a blank or invisible, ${code}` }
}
