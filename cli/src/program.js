import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { addBatch } from './commands/batch.js'
import { addCheck } from './commands/check.js'
import { addCodes } from './commands/codes.js'
import { addDoctor } from './commands/doctor.js'
import { addExplain } from './commands/explain.js'
import { addFake } from './commands/fake.js'
import { addPlatform } from './commands/platform.js'
import { addRid } from './commands/rid.js'
import { addToken } from './commands/token.js'
import { helpIn } from './help.js'

/** @import { Io } from './io.js' */

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const EXIT_CODES = {
  zh: `退出码：
  0    一切正常
  1    有码、列表的行或检查项失败
  2    用法或参数有误，没有发出请求
  3    账号被拒：凭据、IP 白名单、额度，或接入配置
  4    连不上微信或 Redis，或响应无法识别
  130  被 Ctrl-C 中断`,
  en: `Exit codes:
  0    success
  1    a code, a row or a check failed
  2    invalid usage or parameters; no request was sent
  3    WeChat refused the account: credentials, IP whitelist, quota or configuration
  4    WeChat or Redis could not be reached, or sent an invalid response
  130  stopped by Ctrl-C`,
}

/** What commander writes is all ours. @param {string} text */
const linesOf = (text) => text.replace(/\n$/, '').split('\n')

/**
 * The command line: every command in the order of the help.
 *
 * @param {Io} io
 */
export function createProgram(io) {
  const { say } = io
  const help = say({ zh: '显示帮助', en: 'show help' })
  const program = new Command('wxacode')
    .description(say({ zh: '微信小程序码命令行', en: 'WeChat mini-program codes (微信小程序码) on the command line' }))
    .configureHelp(helpIn(io.lang))
    .configureOutput({
      outputError() {},
      writeOut: (text) => io.output.print(linesOf(text)),
      writeErr: (text) => io.errorOutput.print(linesOf(text)),
    })
    .exitOverride()
    .version(version, '-V, --version', say({ zh: '显示版本', en: 'show the version' }))
    .helpOption('-h, --help', help)
    .helpCommand('help [command]', help)
    .option('--json', say({ zh: '以 JSON 输出结果', en: 'print the result as JSON' }))
    .addOption(
      new Option(
        '--lang <language>',
        say({ zh: '语言（默认：WXACODE_LANG，否则随系统）', en: 'language (default: WXACODE_LANG, else the locale)' }),
      ).choices(['zh', 'en']),
    )
    .addHelpText('after', `\n${say(EXIT_CODES)}\n`)
  for (const add of [addCodes, addBatch, addCheck, addExplain, addDoctor, addToken, addRid, addPlatform, addFake])
    add(program, io)
  return program
}
