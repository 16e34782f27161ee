import { InvalidArgumentError, Option } from 'commander'
import { UsageError } from './errors.js'
import { readParam } from './params.js'

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
    option('--secret-file <path>', {
      zh: '从文件读取 AppSecret，或 WXACODE_SECRET',
      en: 'a file with the AppSecret, or WXACODE_SECRET',
    })
    option('--secret-stdin', {
      zh: '从标准输入读取 AppSecret',
      en: 'read the AppSecret from the standard input',
    }).conflicts('secretFile')
    option('--secret [text]', { zh: '', en: '' }).argParser(refuseSecret).preset('').hideHelp()
    option('--token <family>', { zh: '令牌的来源', en: 'where the access token comes from' })
      .choices(['stable', 'classic', 'none'])
      .default('stable')
    option('--base-url <url>', {
      zh: '微信的地址，如假服务器，或 WXACODE_BASE_URL',
      en: "WeChat's address, a fake's for example, or WXACODE_BASE_URL",
    })
    option('--redis <url>', {
      zh: '共享令牌的 Redis，或 WXACODE_REDIS',
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
  })
}

/** The flag of each parameter. @type {Record<string, [string, Text]>} */
const PARAM_FLAGS = {
  scene: ['--scene <text>', { zh: '1 到 32 个可见字符', en: '1 to 32 visible characters' }],
  path: [
    '--path <path>',
    { zh: '页面与参数，如 pages/index/index?id=42', en: 'page and query, like pages/index/index?id=42' },
  ],
  page: [
    '--page <path>',
    { zh: '页面，如 pages/index/index（默认主页）', en: 'a page, like pages/index/index (default: the main page)' },
  ],
  checkPath: ['--no-check-path', { zh: '页面可以尚未发布', en: 'the page need not be published' }],
  envVersion: ['--env-version <version>', { zh: 'release、trial 或 develop', en: 'release, trial or develop' }],
  width: ['--width <pixels>', { zh: '280 到 1280（默认 430）', en: '280 to 1280 (default: 430)' }],
  autoColor: ['--auto-color', { zh: '由微信选择线条颜色', en: 'WeChat picks the colour of the lines' }],
  lineColor: ['--line-color <color>', { zh: '"0,100,0" 或 "#006400"', en: '"0,100,0" or "#006400"' }],
  isHyaline: ['--is-hyaline', { zh: '透明底，PNG', en: 'a transparent background, PNG' }],
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
    const [flags, text] = PARAM_FLAGS[param]
    const option = new Option(flags, say(text))
    if (flags.endsWith('>')) {
      option.argParser((given) => {
        const { value, wants, blank } = readParam(param, given)
        if (blank) throw new InvalidArgumentError(say(blank))
        if (wants) throw new InvalidArgumentError(say({ zh: `应为${wants.zh}`, en: `It takes ${wants.en}` }))
        return value
      })
    }
    command.addOption(option)
  }
}

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
  if (asked.checkPath === true) delete asked.checkPath
  return asked
}

/**
 * @param {Io['say']} say
 * @param {RegExp} pattern
 */
export const number = (say, pattern) => (/** @type {string} */ text) => {
  if (!pattern.test(text)) throw new InvalidArgumentError(say({ zh: '应为数字', en: 'It takes a number' }))
  return Number(text)
}

/** Whatever was given is not repeated. */
function refuseSecret() {
  throw new UsageError(
    {
      zh: '--secret 不接受明文：命令行会留在 shell 历史和进程列表里',
      en: '--secret is not taken: a command line stays in the history of the shell and is seen in the list of processes',
    },
    {
      zh: '使用 --secret-file、--secret-stdin 或 WXACODE_SECRET；这个 AppSecret 若已进入历史记录，请清除',
      en: 'Use --secret-file, --secret-stdin or WXACODE_SECRET, and delete this line from the history of the shell',
    },
  )
}

/** @param {string} variable */
const withoutPassword = (variable) => (/** @type {string} */ url) => {
  if (!/\/\/[^/@]*:[^/@]+@/.test(url)) return url
  throw new UsageError(
    {
      zh: '命令行里的地址含有密码，别人能在进程列表里看到',
      en: 'the address has a password, and others see it in the list of processes',
    },
    { zh: `改用环境变量 ${variable}`, en: `Give it by ${variable} instead` },
  )
}
