import { UsageError } from '../errors.js'
import { addPlatformFlags } from '../flags.js'
import { openPlatform, platformOptions } from '../platform.js'
import { obstacleOf } from '../store-file.js'
import { examples } from './command.js'

/** @import { Command } from 'commander' */
/** @import { Authorizer } from 'wxacode' */
/** @import { PlatformFlags } from '../flags.js' */
/** @import { Io } from '../io.js' */

/**
 * `wxacode platform`: what a third-party platform has.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addPlatform(program, io) {
  const { say } = io
  const platform = program
    .command('platform')
    .description(
      say({
        zh: '第三方平台：列出已授权的商户',
        en: 'a third-party platform: list the merchants that have authorised it',
      }),
    )
    .addHelpText('after', examples(EXAMPLES, io))
  const authorizers = platform
    .command('authorizers')
    .description(
      say({
        zh: '已授权的商户：AppID 与授权时间；--json 时每行一个对象',
        en: 'AppID of each merchant, and when it has authorised; with --json an object on each line',
      }),
    )
    .addHelpText('after', examples(EXAMPLES, io))
    .action(async (_flags, command) => listAuthorizers(command.optsWithGlobals(), io))
  addPlatformFlags(authorizers, io)
}

const EXAMPLES = [
  'wxacode platform authorizers --redis redis://127.0.0.1:6379',
  'wxacode platform authorizers --json | wc -l',
]

/**
 * Prints each merchant when WeChat has given it: there may be many.
 *
 * @param {PlatformFlags} flags
 * @param {Io} io
 */
async function listAuthorizers(flags, io) {
  const options = await platformOptions(flags, io)
  const platform = openPlatform(options)
  const obstacle = await obstacleOf(options.store)
  if (obstacle) throw new UsageError(obstacle.cause, obstacle.fix)
  let count = 0
  try {
    for await (const authorizer of platform.authorizers({ signal: io.signal })) {
      print(authorizer, io)
      count += 1
    }
  } finally {
    await platform.close()
  }
  io.note(count === 0 ? NONE : { zh: `共 ${count} 个商户`, en: count === 1 ? '1 merchant' : `${count} merchants` })
}

const NONE = { zh: '还没有商户授权', en: 'no merchant has authorised the platform' }

/**
 * @param {Authorizer} authorizer
 * @param {Io} io
 */
function print({ appid, authorizedAt }, { json, output }) {
  const when = authorizedAt.toISOString()
  if (json) output.json({ appid, authorizedAt: when })
  else output.print(`${appid}  ${when}`)
}
