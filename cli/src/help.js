/** @import { HelpConfiguration } from 'commander' */
/** @import { Language } from './language.js' */

/** commander's own words, which are English. @type {[RegExp, string][]} */
const WORDS = [
  [/^Usage:/, '用法：'],
  [/^Options:/, '选项：'],
  [/^Global Options:/, '全局选项：'],
  [/^Arguments:/, '参数：'],
  [/^Commands:/, '命令：'],
  [/\[options\]/g, '[选项]'],
  [/\[command\]/g, '[命令]'],
  [/choices: /g, '可选：'],
  [/default: /g, '默认：'],
]

/**
 * @param {Language} lang
 * @returns {HelpConfiguration}
 */
export function helpIn(lang) {
  const inLanguage = (/** @type {string} */ text) =>
    lang === 'en' ? text : WORDS.reduce((said, [english, chinese]) => said.replace(english, chinese), text)
  return {
    showGlobalOptions: true,
    styleTitle: inLanguage,
    styleUsage: inLanguage,
    styleOptionDescription: inLanguage,
    styleSubcommandTerm: inLanguage,
  }
}
