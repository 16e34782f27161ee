/** @typedef {'zh' | 'en'} Language */

/**
 * What is said to people, in both languages.
 *
 * @typedef {{ zh: string, en: string }} Text
 */

/**
 * `--lang`, else `WXACODE_LANG`, else the locale of the environment, else that of the system. Looked up before arguments are
 * parsed, because the help is written in it.
 *
 * @param {string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {Language}
 */
export function languageFor(argv, env) {
  const asked = flagValue(argv, '--lang')
  for (const lang of [asked, env.WXACODE_LANG]) if (lang === 'zh' || lang === 'en') return lang
  const locale = env.LC_ALL || env.LC_MESSAGES || env.LANG || Intl.DateTimeFormat().resolvedOptions().locale
  return /^zh/i.test(locale) ? 'zh' : 'en'
}

/**
 * @param {string[]} argv
 * @param {string} name
 */
function flagValue(argv, name) {
  const at = argv.findIndex((arg) => arg === name || arg.startsWith(`${name}=`))
  if (at === -1) return undefined
  return argv[at] === name ? argv[at + 1] : argv[at].slice(name.length + 1)
}
