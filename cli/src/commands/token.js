import { openClient } from '../client.js'
import { addClientFlags } from '../flags.js'
import { tokenOf } from '../token.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { ClientFlags } from '../flags.js' */
/** @import { Io } from '../io.js' */

/**
 * `wxacode token`: how long the access token lives and what it is called; itself only with `--reveal`.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addToken(program, io) {
  const { say } = io
  const command = program
    .command('token')
    .description(
      say({ zh: 'access_token 的剩余有效期与指纹', en: 'remaining lifetime and fingerprint of the access token' }),
    )
    .option('--reveal', say({ zh: '显示 access_token 本身', en: 'show the token itself' }))
    .addHelpText(
      'after',
      examples(['wxacode token', 'curl "https://api.weixin.qq.com/...?access_token=$(wxacode token --reveal)"'], io),
    )
    .action(run(io, (flags) => token(flags, io)))
  addClientFlags(command, io)
}

/**
 * @param {ClientFlags & { reveal?: boolean }} flags
 * @param {Io} io
 */
async function token(flags, io) {
  const wxa = await openClient(flags, io)
  const { accessToken, expiresAt, fingerprint } = await tokenOf(wxa, io.signal)
  const expiresInSeconds = Math.max(0, Math.round((expiresAt.getTime() - Date.now()) / 1000))
  const json = {
    ok: true,
    family: flags.token,
    fingerprint,
    expiresInSeconds,
    expiresAt: expiresAt.toISOString(),
    accessToken: flags.reveal ? accessToken : undefined,
  }
  // Alone, so that it can be used in a command line.
  return { json, text: flags.reveal ? accessToken : textOf(fingerprint, expiresInSeconds, flags, io) }
}

/**
 * @param {string | undefined} fingerprint
 * @param {number} seconds
 * @param {ClientFlags} flags
 * @param {Io} io
 */
function textOf(fingerprint, seconds, flags, { say, colors }) {
  const minutes = Math.floor(seconds / 60)
  return [
    `${colors.bold(fingerprint ?? '')} ${flags.token}`,
    say({ zh: `  还有 ${minutes} 分 ${seconds % 60} 秒`, en: `  expires in ${minutes} min ${seconds % 60} s` }),
  ]
}
