import { InvalidArgumentError, Option } from 'commander'
import { UsageError } from './errors.js'
import { PARAM_OF, readParam } from './params.js'

/** @import { Command } from 'commander' */
/** @import { Io } from './io.js' */
/** @import { Text } from './language.js' */

/**
 * @typedef {object} ClientFlags
 * @property {string} [appid]
 * @property {string} [secretFile]
 * @property {boolean} [secretStdin]
 * @property {'stable' | 'classic' | 'none'} [token]
 * @property {string} [baseUrl]
 * @property {string} [redis]
 * @property {string} [proxy]
 * @property {string} [ca]
 * @property {number} [timeout] seconds
 * @property {number} [retries]
 * @property {number} [rate] codes per minute
 */

/** @typedef {Omit<ClientFlags, 'token' | 'rate'> & { store?: string }} PlatformFlags */

/**
 * Adds options when all is said of them: commander looks at a default only once.
 *
 * @param {Command} command
 * @param {Io['say']} say
 * @param {(option: (flags: string, text: Text) => Option) => void} describe
 */
export function addOptions(command, say, describe) {
  /** @type {Option[]} */
  const options = []
  describe((flags, text) => {
    const option = new Option(flags, say(text))
    options.push(option)
    return option
  })
  for (const option of options) command.addOption(option)
}

/** @typedef {(flags: string, text: Text) => Option} Describe */

/**
 * Of every command that talks to WeChat.
 *
 * @param {Command} command
 * @param {Io} io
 */
export function addClientFlags(command, { say }) {
  command.optionsGroup(say({ zh: '账号与网络：', en: 'Account and network:' }))
  addOptions(command, say, (option) => {
    option('--appid <id>', { zh: '小程序 AppID，或 WXACODE_APPID', en: "the mini-program's AppID, or WXACODE_APPID" })
    describeSecret(option, 'WXACODE_SECRET')
    option('--token <family>', { zh: 'access_token 的来源', en: 'where the access token comes from' })
      .choices(['stable', 'classic', 'none'])
      .default('stable')
    describeNetwork(option, say)
  })
}

/**
 * Of a command that is for third-party platforms only.
 *
 * @param {Command} command
 * @param {Io} io
 */
export function addPlatformFlags(command, { say }) {
  command.optionsGroup(say({ zh: '第三方平台与网络：', en: 'Platform and network:' }))
  addOptions(command, say, (option) => {
    option('--appid <id>', {
      zh: '第三方平台 AppID，或 WXACODE_PLATFORM_APPID',
      en: "the platform's AppID, or WXACODE_PLATFORM_APPID",
    })
    describeSecret(option, 'WXACODE_PLATFORM_SECRET')
    describeStore(option)
    describeNetwork(option, say)
  })
}

/** @param {Describe} option */
export const describeStore = (option) =>
  option('--store <file>', {
    zh: '服务保存 ticket 与 refresh token 的 file:路径，或 WXACODE_PLATFORM_STORE（默认在 Redis）',
    en: 'the file: of the server with its tickets and refresh tokens, or WXACODE_PLATFORM_STORE (default: in Redis)',
  })

/**
 * @param {Describe} option
 * @param {string} variable
 */
function describeSecret(option, variable) {
  option('--secret-file <path>', {
    zh: `从文件读取 AppSecret，或 ${variable}`,
    en: `a file with the AppSecret, or ${variable}`,
  })
  option('--secret-stdin', {
    zh: '从标准输入读取 AppSecret，终端里会提示输入',
    en: 'read the AppSecret from the standard input',
  }).conflicts('secretFile')
  option('--secret [text]', { zh: '', en: '' }).argParser(refuseSecret(variable)).preset('').hideHelp()
}

/**
 * @param {Describe} option
 * @param {Io['say']} say
 */
function describeNetwork(option, say) {
  option('--base-url <url>', {
    zh: '微信的地址，如模拟微信服务，或 WXACODE_BASE_URL',
    en: "WeChat's address, a fake's for example, or WXACODE_BASE_URL",
  })
  option('--redis <url>', {
    zh: '共享 access_token 的 Redis，或 WXACODE_REDIS',
    en: 'the Redis that shares the token, or WXACODE_REDIS',
  }).argParser(withoutPassword('WXACODE_REDIS'))
  option('--proxy <url>', {
    zh: '代理，或 env，或 WXACODE_PROXY',
    en: 'a proxy, or the word env, or WXACODE_PROXY',
  }).argParser(withoutPassword('WXACODE_PROXY'))
  option('--ca <path>', { zh: '额外的根证书，PEM', en: 'extra root certificates, PEM' })
  option('--timeout <seconds>', { zh: '每次调用的时限（默认 10）', en: 'for each call (default: 10)' }).argParser(
    number(say, /^\d+(\.\d+)?$/),
  )
  option('--retries <n>', {
    zh: '微信繁忙时的重试次数（默认 2）',
    en: 'how often to try again while WeChat is busy (default: 2)',
  }).argParser(number(say, /^\d+$/))
}

/**
 * Of what is asked.
 *
 * @param {Command} command
 * @param {string[]} params
 * @param {Io} io
 */
export function addParamFlags(command, params, { say }) {
  command.optionsGroup(say({ zh: '小程序码：', en: 'The code:' }))
  for (const param of params) {
    const { flags, text, type } = paramOf(param)
    const option = new Option(flags, say(text))
    if (flags.endsWith('>')) {
      option.argParser((given, before) => {
        const { value, wants, blank } = readParam(param, given)
        if (blank) throw new InvalidArgumentError(say(blank))
        if (wants) throw new InvalidArgumentError(say({ zh: `应为${wants.zh}`, en: `Use ${wants.en}` }))
        return type === 'extra' ? { .../** @type {any} */ (before), .../** @type {any} */ (value) } : value
      })
    }
    command.addOption(option)
  }
}

/** @param {string} name */
const paramOf = (name) => /** @type {import('./endpoints.js').CodeParam} */ (PARAM_OF.get(name))

/**
 * What is asked, from flags of any command.
 *
 * @param {string[]} params
 * @param {Record<string, any>} flags
 */
export function paramsFromFlags(params, flags) {
  const given = params.filter((param) => flags[param] !== undefined).map((param) => [param, flags[param]])
  const asked = Object.fromEntries(given)
  // commander makes every --no-x true by default, and what was not asked is not sent.
  for (const param of params) {
    if (asked[param] === true && paramOf(param).flags.startsWith('--no-')) delete asked[param]
  }
  return asked
}

/**
 * @param {Io['say']} say
 * @param {RegExp} pattern
 */
export const number = (say, pattern) => (/** @type {string} */ text) => {
  if (!pattern.test(text)) throw new InvalidArgumentError(say({ zh: '应为数字', en: 'Use a number' }))
  return Number(text)
}

/** Whatever was given is not repeated. @param {string} variable */
const refuseSecret = (variable) => () => {
  throw new UsageError(
    {
      zh: '--secret 不接受明文：命令行会留在 shell 历史和进程列表里',
      en: '--secret is not supported: the shell keeps a command line in its history, and other users see it in the process list',
    },
    {
      zh: `使用 --secret-file、--secret-stdin 或 ${variable}；这个 AppSecret 若已进入历史记录，请清除`,
      en: `Use --secret-file, --secret-stdin or ${variable}, and delete this line from the shell history`,
    },
  )
}

/** @param {string} variable */
const withoutPassword = (variable) => (/** @type {string} */ url) => {
  if (!/\/\/[^/@]*:[^/@]+@/.test(url)) return url
  throw new UsageError(
    {
      zh: '命令行里的地址含有密码，别人能在进程列表里看到',
      en: 'the address contains a password, which other users see in the process list',
    },
    { zh: `改用环境变量 ${variable}`, en: `Set ${variable} instead` },
  )
}
