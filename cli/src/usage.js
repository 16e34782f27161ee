import { UsageError } from './errors.js'

/** @import { CommanderError } from 'commander' */
/** @import { Text } from './language.js' */

/**
 * commander's sentences, which are English, with what is quoted in them. What may be a secret that got to the wrong
 * place is not quoted.
 *
 * @type {Record<string, { pattern: RegExp, text: (...quoted: string[]) => Text }>}
 */
const SENTENCES = {
  'commander.unknownOption': {
    pattern: /unknown option '(--[^'=\s]*|-.)/,
    text: (flag) => ({ zh: `没有 ${flag} 这个选项`, en: `unknown option ${flag}` }),
  },
  'commander.optionMissingArgument': {
    pattern: /option '(.+)' argument missing/,
    text: (flag) => ({ zh: `选项 ${flag} 缺少值`, en: `the option ${flag} needs a value` }),
  },
  'commander.missingMandatoryOptionValue': {
    pattern: /required option '(.+)' not specified/,
    text: (flag) => ({ zh: `缺少必需的选项 ${flag}`, en: `the option ${flag} is required` }),
  },
  'commander.conflictingOption': {
    pattern: /option '(.+)' cannot be used with option '(.+)'/,
    text: (flag, other) => ({ zh: `${flag} 与 ${other} 不能同时使用`, en: `${flag} cannot be used with ${other}` }),
  },
  'commander.missingArgument': {
    pattern: /missing required argument '(.+)'/,
    text: (name) => ({ zh: `缺少参数 <${name}>`, en: `the argument <${name}> is missing` }),
  },
  'commander.invalidArgument': {
    pattern: /option '(.+?)' argument .* is invalid\. (.+)$/s,
    text: (flag, why) => ({
      zh: `${flag} 的值无效：${why.replace('Allowed choices are', '可选').replace(/\.$/, '')}`,
      en: `invalid value for ${flag}. ${why.replace(/\.$/, '')}`,
    }),
  },
  'commander.unknownCommand': {
    pattern: /unknown command/,
    text: () => ({ zh: '没有这个命令', en: 'unknown command' }),
  },
  'commander.excessArguments': {
    pattern: /too many arguments/,
    text: () => ({ zh: '参数过多', en: 'too many arguments' }),
  },
}

const SUGGESTION = /\(Did you mean (?:one of )?(.+)\?\)/s

/**
 * @param {CommanderError} error
 * @returns {UsageError}
 */
export function usageOf({ code, message }) {
  const sentence = SENTENCES[code]
  const found = sentence?.pattern.exec(message)
  const text = found ? sentence.text(...found.slice(1)) : { zh: message, en: message }
  const meant = SUGGESTION.exec(message)?.[1]
  return new UsageError(
    text,
    meant
      ? { zh: `是否想用 ${meant}？`, en: `Did you mean ${meant}?` }
      : { zh: '用 --help 查看用法', en: 'See --help' },
  )
}
