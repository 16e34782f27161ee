import { PARAM_OF } from './params.js'

/** @import { Explanation } from 'wxacode' */
/** @import { Text } from './language.js' */

/**
 * How a text of wxacode calls parameters and options. It calls them as its API does; a user of the command line has
 * flags.
 *
 * @typedef {(explanation: Told, error: { param?: string }) => Told} Spelling
 */

/** @typedef {{ cause: Text, fix?: Text }} Told */

/** Of a code. WeChat's own names are here too: some texts use them. @type {Record<string, string>} */
const PARAMS = Object.fromEntries(
  [...PARAM_OF.values()].flatMap(({ name, wire = name, flags }) =>
    [name, wire].map((word) => [word, flags.split(' ')[0]]),
  ),
)

/** Of the client. @type {Record<string, string>} */
const OPTIONS = {
  appid: '--appid',
  secret: '--secret-file',
  token: '--token',
  baseUrl: '--base-url',
  redis: '--redis',
  proxy: '--proxy',
  ca: '--ca',
  timeoutMs: '--timeout',
  retries: '--retries',
  ratePerMinute: '--rate',
}

/** Where an option may come from as well. @type {Record<string, string>} */
const VARIABLES = {
  appid: 'WXACODE_APPID',
  secret: 'WXACODE_SECRET',
  baseUrl: 'WXACODE_BASE_URL',
  redis: 'WXACODE_REDIS',
  proxy: 'WXACODE_PROXY',
}

/** The same of a third-party platform; its token and key of pushes are no flags. @type {Record<string, string>} */
const PLATFORM_OPTIONS = {
  ...OPTIONS,
  store: '--store',
  pushToken: 'WXACODE_PLATFORM_PUSH_TOKEN',
  encodingAESKey: 'WXACODE_PLATFORM_ENCODING_AES_KEY',
}

/** @type {Record<string, string>} */
const PLATFORM_VARIABLES = {
  ...VARIABLES,
  appid: 'WXACODE_PLATFORM_APPID',
  secret: 'WXACODE_PLATFORM_SECRET',
  store: 'WXACODE_PLATFORM_STORE',
}

/** Names that are words too mean the parameter in Chinese, and in English behind one of these. */
const WORDS = ['scene', 'page', 'path', 'width', 'redis', 'proxy', 'ca']
const BEFORE = ['from', 'into', 'give', 'pass', 'use', 'send', 'set', 'shorten', 'clamp', 'share a', 'by']

/** For a row of a list, whose columns are called as the parameters are: options are flags. @type {Spelling} */
export function inColumns(told, error) {
  const { cause, fix } = spelled(told, error, OPTIONS, instead)
  return {
    cause,
    fix: fix && {
      zh: fix.zh.replace(PASSED.zh, '把 $1 列填为 $2'),
      en: fix.en.replace(PASSED.en, 'set the column $1 to $2'),
    },
  }
}

/** A parameter with its value, as a program passes it. */
const PASSED = { zh: /传 (checkPath): (false)/g, en: /pass (checkPath): (false)/g }

/** For a command whose flags the parameters are. @type {Spelling} */
export const inFlags = (told, error) => spelled(told, error, { ...OPTIONS, ...PARAMS }, instead)

/** For the options of a third-party platform. @type {Spelling} */
export const inPlatformFlags = (told, error) => spelled(told, error, PLATFORM_OPTIONS, instead, PLATFORM_VARIABLES)

/** For who may be asking on behalf of a program: both. @type {Spelling} */
export const withFlags = (told, error) =>
  spelled(
    { ...told, fix: told.fix && each(told.fix, (text, lang) => renamed(text, PARAMS, beside[lang])) },
    error,
    OPTIONS,
    instead,
  )

/**
 * @param {Told} told
 * @param {{ param?: string }} error
 * @param {Record<string, string>} flags
 * @param {Spell} spell
 * @param {Record<string, string>} [variables]
 * @returns {Told}
 */
function spelled({ cause, fix }, { param = '' }, flags, spell, variables = VARIABLES) {
  const own = Object.hasOwn(flags, param) ? new RegExp(`(?<![\\w.-])${param}(?![\\w-])`, 'g') : undefined
  const name = variables[param] ? `${flags[param]} (${variables[param]})` : flags[param]
  return {
    cause: own ? each(cause, (text) => text.replace(own, name)) : each(cause, (text) => renamed(text, flags, spell)),
    fix: fix && each(fix, (text, lang) => renamed(withFlagNames(text, lang, flags), flags, spell)),
  }
}

/**
 * @param {Text} text
 * @param {(text: string, lang: 'zh' | 'en') => string} change
 * @returns {Text}
 */
const each = ({ zh, en }, change) => ({ zh: change(zh, 'zh'), en: change(en, 'en') })

/** @typedef {(flag: string, name: string, value?: string) => string} Spell */

/** `checkPath: false` is `--no-check-path`, `token: 'none'` is `--token none`. @type {Spell} */
const instead = (flag, _name, value) =>
  value === undefined || /^(true|false)$/.test(value) ? flag : `${flag} ${value}`

/** @type {{ zh: Spell, en: Spell }} */
const beside = {
  zh: (flag, name, value) => `${given(name, value)}（${instead(flag, name, value)}）`,
  en: (flag, name, value) => `${given(name, value)} (${instead(flag, name, value)})`,
}

/** @param {string} name @param {string} [value] */
const given = (name, value) => (value === undefined ? name : `${name}: ${value}`)

/**
 * Names that are not words, with what is given for them.
 *
 * @param {string} text
 * @param {Record<string, string>} flags
 * @param {Spell} spell
 */
function renamed(text, flags, spell) {
  const plain = Object.keys(flags).filter((name) => /[A-Z_]/.test(name))
  const words = Object.keys(flags).filter((name) => !/[A-Z_]/.test(name))
  const alone = new RegExp(
    `(?<![\\w.-])(${plain.join('|')})(?:: ?'?([\\w-]+)'?)?(?![\\w(])(?: ?[(（][a-z]+_[a-z]+[)）])?`,
    'g',
  )
  const chosen = new RegExp(`(?<![\\w.-])(${words.join('|')}): '([\\w-]+)'`, 'g')
  const flagged = (/** @type {string} */ _all, /** @type {string} */ name, /** @type {string} */ value) =>
    spell(flags[name], name, value)
  return text.replace(alone, flagged).replace(chosen, flagged)
}

/**
 * @param {string} text
 * @param {'zh' | 'en'} lang
 * @param {Record<string, string>} flags
 */
function withFlagNames(text, lang, flags) {
  const words = WORDS.filter((word) => Object.hasOwn(flags, word)).join('|')
  const before = lang === 'zh' ? '' : `(?<=\\b(?:${BEFORE.join('|')}) )`
  return text.replace(new RegExp(`(?<![\\w./-])${before}(${words})(?![\\w./:-])`, 'gi'), (word) => flags[word] ?? word)
}
