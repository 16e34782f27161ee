import { clientOptions } from '../client.js'
import { createContext } from '../doctor/context.js'
import { examine } from '../doctor/index.js'
import { EXIT } from '../exit-codes.js'
import { addClientFlags } from '../flags.js'
import { padded } from '../width.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Finding } from '../doctor/finding.js' */
/** @import { ClientFlags } from '../flags.js' */
/** @import { Io } from '../io.js' */
/** @import { Text } from '../language.js' */

const TITLE_COLUMNS = 14

/**
 * `wxacode doctor`: what keeps an account from its codes, line by line, with the fix.
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
    .addHelpText('after', examples(['wxacode doctor', 'wxacode doctor --page pages/goods/detail --json'], io))
    .action(run(io, (flags) => doctor(flags, io)))
  addClientFlags(command, io)
}

/**
 * @param {ClientFlags & { page?: string }} flags
 * @param {Io} io
 */
async function doctor(flags, io) {
  const { signal, env } = io
  const context = createContext(await clientOptions(flags, io), { page: flags.page, signal, env })
  const findings = []
  for await (const finding of examine(context)) {
    printFinding(finding, io)
    findings.push(finding)
  }
  context.tokenEvents.stop()
  context.redisEvents.stop()
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
