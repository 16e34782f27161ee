'use strict'

const { safeGet } = require('./safe-object')

/** @typedef {'zh' | 'en'} Language */
/** @typedef {{ zh: string, en: string }} Text */

/** @typedef {Text & { both: string }} Message a line in each language, and shortened in both */

/**
 * @param {unknown} value
 * @returns {value is Language}
 */
const isLanguage = (value) => value === 'zh' || value === 'en'

/**
 * The language of errors that belong to no client, or to one that sets none. What else the variable holds counts as absent.
 *
 * @returns {Language | undefined} undefined for both
 */
function languageOfEnvironment() {
  const value = safeGet(process.env, 'WXACODE_LANG')
  return isLanguage(value) ? value : undefined
}

/**
 * @param {Message} message
 * @param {Language} [lang] of the client
 */
const inLanguage = ({ zh, en, both }, lang = languageOfEnvironment()) =>
  lang === undefined ? both : lang === 'zh' ? zh : en

/**
 * The message of an error that is made in JavaScript. `src/error/mod.rs` writes those of the addon in the same way.
 *
 * @param {string | undefined} endpoint
 * @param {{ cause: Text, fix: Text }} explanation
 * @returns {Message}
 */
function messageOf(endpoint, { cause, fix }) {
  const where = endpoint === undefined ? '' : `${endpoint}: `
  const short = shortened(fix)
  return {
    zh: `${where}${stopped(cause.zh, '。')}${fix.zh}。`,
    en: `${where}${stopped(cause.en, '.')} ${fix.en}.`,
    both: `${where}${stopped(cause.en, '.')} ${short.en}. | ${stopped(cause.zh, '。')}${short.zh}。`,
  }
}

/**
 * A sentence with its end, which a question has already.
 *
 * @param {string} text
 * @param {string} stop
 */
const stopped = (text, stop) => (/[?？]$/.test(text) ? text : text + stop)

/** Characters of English up to which a message in both languages has the whole of it. */
const LONG_FIX = 100
/** Characters that both languages may end with before they are written once. */
const LONG_TAIL = 40

/**
 * For a message in both languages: of a long fix the first clause, and once what both end with, such as a list of names.
 *
 * @param {Text} text
 * @returns {Text}
 */
function shortened(text) {
  const isShort = text.en.length <= LONG_FIX
  const zh = isShort ? text.zh : firstClause(text.zh)
  const en = isShort ? text.en : firstClause(text.en)
  let same = 0
  while (same < zh.length && zh.at(-1 - same) === en.at(-1 - same)) same += 1
  return { zh: same > LONG_TAIL ? `${zh.slice(0, -same)}…` : zh, en }
}

/**
 * What stands before the first semicolon or the end of the first sentence, outside brackets.
 *
 * @param {string} text
 */
function firstClause(text) {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if ('(（{['.includes(sign)) depth += 1
    else if (')）}]'.includes(sign)) depth = Math.max(0, depth - 1)
    else if (depth === 0 && ('；。'.includes(sign) || (';.'.includes(sign) && text[at + 1] === ' ')))
      return text.slice(0, at)
  }
  return text
}

module.exports = { inLanguage, isLanguage, messageOf }
