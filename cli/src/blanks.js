/** @import { Text } from './language.js' */

/** What looks like nothing: blanks of every width, no-break and full-width ones, breaks of lines, and marks of no width. */
const BLANK = '[\\s\\u00ad\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff]'
const ANY = new RegExp(BLANK, 'u')
/** A blank of ASCII may stand in a query; an invisible one, or one that breaks a line, is a mistake. */
const UNSEEN = /[^\S \u3000]|[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\p{Cc}]/u

/** @param {string} text */
export function trimmed(text) {
  let [from, to] = [0, text.length]
  while (from < to && ANY.test(text[from])) from++
  while (to > from && ANY.test(text[to - 1])) to--
  return text.slice(from, to)
}

/** @param {unknown} cell */
export const isBlank = (cell) =>
  cell === undefined || cell === null || cell === '' || (typeof cell === 'string' && trimmed(cell) === '')

/**
 * The blank in a page, which has none.
 *
 * @param {string} text
 */
export const blankInPage = (text) => told(text, text.search(ANY))

/**
 * The blank in a path that is not part of it: at its beginning or end, or an invisible one.
 *
 * @param {string} text
 */
export function blankInPath(text) {
  const kept = trimmed(text)
  if (kept === text) return told(text, text.search(UNSEEN))
  return told(text, text.startsWith(kept) ? kept.length : 0)
}

/**
 * @param {string} text
 * @param {number} index of the blank, or -1
 * @returns {Text | undefined}
 */
function told(text, index) {
  if (index === -1) return undefined
  const at = [...text.slice(0, index)].length + 1
  const code = `U+${text.charCodeAt(index).toString(16).toUpperCase().padStart(4, '0')}`
  return isBlank(text.slice(index))
    ? {
        zh: `末尾（第 ${at} 个字符）有空白或不可见字符 ${code}`,
        en: `it ends in a blank or invisible character, ${code} at position ${at}`,
      }
    : { zh: `第 ${at} 个字符是空白或不可见字符 ${code}`, en: `character ${at} is blank or invisible, ${code}` }
}
