import { openClient } from '../client.js'
import { addClientFlags } from '../flags.js'
import { padded } from '../width.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { RidInfo } from 'wxacode' */
/** @import { ClientFlags } from '../flags.js' */
/** @import { Io } from '../io.js' */

const NAME_COLUMNS = 9

/**
 * `wxacode rid`: what WeChat remembers of a request that it refused.
 *
 * @param {Command} program
 * @param {Io} io
 */
export function addRid(program, io) {
  const { say } = io
  const command = program
    .command('rid')
    .description(
      say({
        zh: '查询 7 天内被微信拒绝的一次请求',
        en: 'what WeChat recorded about a refused request, for 7 days',
      }),
    )
    .argument('<rid>', say({ zh: '错误信息里的 rid', en: 'the rid of an error' }))
    .addHelpText('after', examples(['wxacode rid 6b07e91f-bf68b4ee-8b03a35f'], io))
    .action(run(io, (flags, rid) => lookUp(rid, flags, io)))
  addClientFlags(command, io)
}

/**
 * @param {string} rid
 * @param {ClientFlags} flags
 * @param {Io} io
 */
async function lookUp(rid, flags, io) {
  const wxa = await openClient(flags, io)
  const info = await wxa.getRid(rid, { signal: io.signal })
  return { json: { ok: true, rid, ...info }, text: textOf(info, io) }
}

/**
 * @param {RidInfo} info
 * @param {Io} io
 */
function textOf({ invokeTime, costInMs, clientIp, requestUrl, requestBody, responseBody }, { say, colors }) {
  const rows = [
    [say({ zh: '时间', en: 'time' }), `${invokeTime.toISOString()}  ${costInMs} ms`],
    [say({ zh: '来源 IP', en: 'from' }), clientIp],
    [say({ zh: '请求', en: 'request' }), `${requestUrl}`],
    ['', requestBody],
    [say({ zh: '响应', en: 'response' }), responseBody],
  ]
  return rows
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${colors.dim(padded(name, NAME_COLUMNS))}${value}`)
}
