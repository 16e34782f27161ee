/**
 * What is not shown as itself: controls (escapes of a terminal among them), what turns the direction of text or ends a
 * line, what takes no room at all, and halves of a character. An emoji may be made with such characters, and is left whole.
 */
const CLASSES = ['Cc', 'Cf', 'Cs', 'Zl', 'Zp', 'Default_Ignorable_Code_Point', 'Noncharacter_Code_Point']
const EMOJI = '\\p{RGI_Emoji}'
const UNPRINTABLE = new RegExp(`${EMOJI}|[${CLASSES.map((name) => `\\p{${name}}`).join('')}]`, 'gv')
const IS_EMOJI = new RegExp(`^${EMOJI}$`, 'v')
const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/**
 * A text in one line of what can be seen: everything else stands there as the escape that JavaScript has for it.
 *
 * @param {string} text
 */
export const printable = (text) => text.replace(UNPRINTABLE, (one) => (IS_EMOJI.test(one) ? one : escapeOf(one)))

/**
 * JSON that a terminal may show: what JSON itself leaves as it is, it has an escape for too.
 *
 * @param {unknown} value
 */
export const printableJson = (value) =>
  JSON.stringify(value).replace(UNPRINTABLE, (one) =>
    IS_EMOJI.test(one) ? one : [...units(one)].map(unicode).join(''),
  )

/**
 * A name that is not verified: quoted, and no longer than names are.
 *
 * @param {unknown} name
 */
export function quoted(name) {
  const text = String(name ?? '').replace(/\s+/gu, ' ')
  const short = text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text
  return `“${printable(short).replace(/[“”]/g, '"')}”`
}

/** X.509 allows a common name so many characters. */
const MAX_NAME = 64

/** @param {string} one */
function escapeOf(one) {
  const code = /** @type {number} */ (one.codePointAt(0))
  if (code > 0xffff) return `\\u{${code.toString(16)}}`
  return SHORT.get(one) ?? (code <= 0xff ? `\\x${hex(code, 2)}` : unicode(code))
}

/** @param {string} text */
function* units(text) {
  for (let at = 0; at < text.length; at++) yield text.charCodeAt(at)
}

/** @param {number} unit */
const unicode = (unit) => `\\u${hex(unit, 4)}`

/**
 * @param {number} code
 * @param {number} digits
 */
const hex = (code, digits) => code.toString(16).padStart(digits, '0')
