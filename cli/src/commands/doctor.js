import { Option } from 'commander'
import { clientOptions } from '../client.js'
import { CHECKS } from '../doctor/checks.js'
import { createContext } from '../doctor/context.js'
import { examine } from '../doctor/examine.js'
import { PLATFORM_CHECKS } from '../doctor/platform/checks.js'
import { createPlatformContext } from '../doctor/platform/context.js'
import { EXIT } from '../exit-codes.js'
import { addClientFlags, addOptions, describeStore } from '../flags.js'
import { platformOptions } from '../platform.js'
import { padded } from '../width.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Finding } from '../doctor/finding.js' */
/** @import { ClientFlags } from '../flags.js' */
/** @import { Io, Result } from '../io.js' */
/** @import { Text } from '../language.js' */

const TITLE_COLUMNS = 14

/** @typedef {ClientFlags & { page?: string, platform?: boolean, merchant?: string, store?: string }} DoctorFlags */

/**
 * `wxacode doctor`: what keeps an account, or a merchant of a third-party platform, from its codes, line by line, with the fix.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addDoctor(program, io) {
  const { say } = io
  const command = program
    .command('doctor')
    .description(
      say({
        zh: '检查网络、时钟、Redis、凭据、白名单、额度、页面与 access_token',
        en: 'check network, clock, Redis, credentials, whitelist, quota, page and token',
      }),
    )
    .option('--page <path>', say({ zh: '要检查的页面（默认首页）', en: 'the page to check (default: the main page)' }))
    .addHelpText('after', examples(EXAMPLES, io))
    .action(run(io, (flags) => doctor(flags, io)))
  addPlatformOptions(command, io)
  addClientFlags(command, io)
}

const EXAMPLES = [
  'wxacode doctor',
  'wxacode doctor --page pages/goods/detail --json',
  'wxacode doctor --platform --store file:/var/lib/shop/wechat.json --merchant wx1234567890abcdef',
]

/**
 * @param {Command} command
 * @param {Io} io
 */
function addPlatformOptions(command, { say }) {
  command.optionsGroup(say({ zh: '第三方平台：', en: 'Third-party platform:' }))
  command.addOption(
    new Option(
      '--platform',
      say({
        zh: '检查第三方平台：store、ticket、token、IP 白名单、商户；账号为 WXACODE_PLATFORM_APPID、WXACODE_PLATFORM_SECRET',
        en: 'check a third-party platform: store, ticket, token, IP whitelist, merchants; with WXACODE_PLATFORM_APPID and WXACODE_PLATFORM_SECRET',
      }),
    ).conflicts('token'),
  )
  addOptions(command, say, (option) => {
    option('--merchant <appid>', {
      zh: '再检查一个商户：授权、权限集，并取一个码',
      en: 'a merchant too: its authorisation, its permission sets, and one code',
    }).implies({ platform: true })
    describeStore(option).implies({ platform: true })
  })
}

/**
 * @param {DoctorFlags} flags
 * @param {Io} io
 */
const doctor = (flags, io) => (flags.platform ? ofPlatform(flags, io) : ofAccount(flags, io))

/**
 * @param {DoctorFlags} flags
 * @param {Io} io
 */
async function ofAccount(flags, io) {
  const { page } = flags
  const { signal, env } = io
  const context = createContext(await clientOptions(flags, io), { page, signal, env })
  const result = await report(examine(CHECKS, context), io)
  context.tokenEvents.stop()
  context.redisEvents.stop()
  return result
}

/**
 * @param {DoctorFlags} flags
 * @param {Io} io
 */
async function ofPlatform(flags, io) {
  const { merchant, page } = flags
  const { signal, env } = io
  const context = createPlatformContext(await platformOptions(flags, io), { merchant, page, signal, env })
  try {
    return await report(examine(PLATFORM_CHECKS, context), io)
  } finally {
    context.tokenEvents.stop()
    context.redisEvents.stop()
    // A refresh token on its way is saved before the file is free.
    await context.wxa.close()
  }
}

/**
 * @param {AsyncIterable<Finding & { name: string, title: Text }>} found
 * @param {Io} io
 * @returns {Promise<Result>}
 */
async function report(found, io) {
  const findings = []
  for await (const finding of found) {
    printFinding(finding, io)
    findings.push(finding)
  }
  const worst = findings.find(({ ok }) => ok === false)
  const checks = findings.map((finding) => toJson(finding, io))
  return { json: { ok: worst === undefined, checks }, text: '', exitCode: worst?.exitCode ?? EXIT.ok }
}

/**
 * @param {Finding & { title: Text }} finding
 * @param {Io} io
 */
function printFinding({ title, ok, detail, cause, fix }, { say, colors, line }) {
  const mark = ok === 'skip' ? colors.dim('-') : ok ? colors.green('✓') : colors.red('✗')
  const said = cause ? colors.red(say(cause)) : detail ? say(detail) : ''
  line(`${mark} ${padded(say(title), TITLE_COLUMNS)}`, ok === 'skip' ? colors.dim(said) : said)
  if (fix) line(`  ${padded('', TITLE_COLUMNS)}${colors.dim(say({ zh: '处理', en: 'fix' }))}  `, say(fix))
}

/**
 * @param {Finding & { name: string }} finding
 * @param {Io} io
 */
function toJson({ name, ok, detail, cause, fix, errcode, rid }, { say }) {
  const text = (/** @type {Text | undefined} */ one) => one && say(one)
  return { name, ok, detail: text(detail), cause: text(cause), fix: text(fix), errcode, rid }
}
