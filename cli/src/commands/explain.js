import { explain } from 'wxacode'
import { UsageError } from '../errors.js'
import { EXIT } from '../exit-codes.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Io } from '../io.js' */

/**
 * `wxacode explain`: what an errcode means and what to do.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addExplain(program, io) {
  const { say } = io
  program
    .command('explain')
    .description(say({ zh: '解释一个 errcode：原因与处理', en: 'what an errcode means, and what to do' }))
    .argument('<errcode>', say({ zh: '如 40169', en: 'like 40169' }))
    .option(
      '--endpoint <name>',
      say({
        zh: '出错的接口，如 getUnlimitedQRCode、stable_token',
        en: 'where it came from, like getUnlimitedQRCode or stable_token',
      }),
    )
    .addHelpText(
      'after',
      examples(['wxacode explain 40169', 'wxacode explain 40001 --endpoint stable_token', 'wxacode explain -- -1'], io),
    )
    .action(run(io, (flags, errcode) => explained(errcode, flags.endpoint, io)))
}

/**
 * @param {string} given
 * @param {string | undefined} endpoint
 * @param {Io} io
 */
function explained(given, endpoint, io) {
  if (!/^-?\d{1,9}$/.test(given)) {
    throw new UsageError(
      { zh: 'errcode 应为整数', en: 'an errcode is a whole number' },
      { zh: '例如 wxacode explain 40169', en: 'For example: wxacode explain 40169' },
    )
  }
  const errcode = Number(given)
  const explanation = explain(errcode, endpoint)
  if (explanation === undefined) return unknown(errcode, endpoint, io)
  const { lang, say, colors } = io
  const [cause, fix] = [explanation.cause[lang], explanation.fix[lang]]
  const where = endpoint ? ` ${colors.dim(endpoint)}` : ''
  const lines = [
    `${colors.bold(given)}${where}`,
    `  ${colors.dim(say({ zh: '原因', en: 'why' }))}  ${cause}`,
    `  ${colors.dim(say({ zh: '处理', en: 'fix' }))}  ${fix}`,
  ]
  return { json: { ok: true, errcode, endpoint, cause, fix }, text: lines.join('\n') }
}

/**
 * @param {number} errcode
 * @param {string | undefined} endpoint
 * @param {Io} io
 */
function unknown(errcode, endpoint, { say }) {
  const text = say({
    zh: `没有 ${errcode} 的资料；若答复里有 rid，用 wxacode rid 查看`,
    en: `Nothing is known about ${errcode}; if the answer had a rid, look it up with wxacode rid`,
  })
  return { json: { ok: false, errcode, endpoint }, text, exitCode: EXIT.failed }
}
