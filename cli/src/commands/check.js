import { Option } from 'commander'
import { check } from 'wxacode'
import { addParamFlags, paramsFromFlags } from '../flags.js'
import { PARAMS, PARAMS_BY_KIND } from '../params.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Io } from '../io.js' */
/** @import { Kind } from '../params.js' */

/**
 * `wxacode check`: whether parameters are good, without asking WeChat and without credentials.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addCheck(program, io) {
  const { say } = io
  const command = program
    .command('check')
    .description(say({ zh: '只在本地检查参数，不发请求', en: 'check parameters; no request is sent' }))
    .addOption(
      new Option(
        '--kind <kind>',
        say({
          zh: '种类（默认：有 --path 时为 limited，否则 unlimited）',
          en: 'default: limited with --path, else unlimited',
        }),
      ).choices(Object.keys(PARAMS_BY_KIND)),
    )
    .addHelpText(
      'after',
      examples(
        [
          'wxacode check --scene id=42 --page pages/index/index',
          'wxacode check --kind qrcode --path "pages/index/index?id=42"',
        ],
        io,
      ),
    )
    .action(run(io, (flags) => checkCode(flags, io)))
  addParamFlags(command, PARAMS, io)
}

/**
 * @param {Record<string, any>} flags
 * @param {Io} io
 */
function checkCode(flags, { say, colors }) {
  /** @type {Kind} */
  const kind = flags.kind ?? (flags.path === undefined ? 'unlimited' : 'limited')
  const params = paramsFromFlags(PARAMS, flags)
  const refused = check(/** @type {any} */ (kind), /** @type {any} */ (params))
  if (refused) throw refused
  const good = say({
    zh: `${kind} 的参数没有问题（页面是否已发布只有微信知道）`,
    en: `valid for ${kind} (only WeChat knows whether the page is published)`,
  })
  return { json: { ok: true, kind, params }, text: `${colors.green('✓')} ${good}` }
}
