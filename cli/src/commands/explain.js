import { explain } from 'wxacode'
import { ENDPOINTS } from '../endpoints.js'
import { UsageError } from '../errors.js'
import { EXIT } from '../exit-codes.js'
import { withFlags } from '../flag-names.js'
import { examples, run } from './command.js'

/** @import { Command } from 'commander' */
/** @import { ErrcodeExplanation } from 'wxacode' */
/** @import { Io, Result } from '../io.js' */

/** Of more than so many only a few are named. */
const MANY = 7
const FEW = 3

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
    .action(run(io, (flags, errcode) => explainErrcode(errcode, flags.endpoint, io)))
}

/**
 * @param {string} given
 * @param {string | undefined} endpoint
 * @param {Io} io
 * @returns {Result}
 */
function explainErrcode(given, endpoint, io) {
  if (!/^-?\d{1,9}$/.test(given)) {
    throw new UsageError(
      { zh: 'errcode 应为整数', en: 'an errcode must be a whole number' },
      { zh: '例如 wxacode explain 40169', en: 'For example: wxacode explain 40169' },
    )
  }
  if (endpoint !== undefined && !isEndpoint(endpoint)) throw noSuchEndpoint(endpoint)
  const errcode = Number(given)
  const meanings = meaningsOf(errcode, endpoint === undefined ? ENDPOINTS : [endpoint])
  if (meanings.length === 0) return unknown(errcode, endpoint, io)
  const { lang, colors } = io
  const translated = meanings.map(({ endpoints, cause, fix }) => ({ endpoints, cause: cause[lang], fix: fix[lang] }))
  const docs = meanings[0].docs[lang]
  const text = translated.flatMap((meaning) => [
    [colors.bold(given), colors.dim(endpointsLabel(meaning.endpoints, endpoint, translated.length, io))]
      .join(' ')
      .trimEnd(),
    `  ${colors.dim(io.say({ zh: '原因', en: 'why' }))}  ${meaning.cause}`,
    `  ${colors.dim(io.say({ zh: '处理', en: 'fix' }))}  ${meaning.fix}`,
  ])
  const [{ cause, fix }] = translated
  const see = io.say({ zh: '文档', en: 'see' })
  return {
    json: { ok: true, errcode, endpoint, cause, fix, docs, meanings: translated },
    text: [...text, `  ${colors.dim(see)}  ${docs}`],
  }
}

/**
 * What an errcode means, each meaning once, with the endpoints that have it.
 *
 * @param {number} errcode
 * @param {readonly string[]} endpoints
 */
function meaningsOf(errcode, endpoints) {
  /** @type {Map<string, ErrcodeExplanation & { endpoints: string[] }>} */
  const meanings = new Map()
  for (const endpoint of endpoints) {
    const found = explain(errcode, endpoint)
    if (found === undefined) continue
    const said = JSON.stringify([found.cause, found.fix])
    const known = meanings.get(said)
    if (known === undefined)
      meanings.set(said, { ...found, .../** @type {any} */ (withFlags(found, {})), endpoints: [endpoint] })
    else known.endpoints.push(endpoint)
  }
  return [...meanings.values()]
}

/**
 * Where a meaning holds, if that has to be said.
 *
 * @param {string[]} endpoints
 * @param {string | undefined} asked
 * @param {number} meanings
 * @param {Io} io
 */
function endpointsLabel(endpoints, asked, meanings, { say }) {
  if (asked !== undefined) return asked
  if (meanings === 1) return ''
  return listed(endpoints, say)
}

/**
 * @param {string[]} endpoints
 * @param {Io['say']} say
 */
function listed(endpoints, say) {
  if (endpoints.length <= MANY) return endpoints.join(', ')
  const first = endpoints.slice(0, FEW).join(', ')
  return say({ zh: `${first} 等`, en: `${first} and others` })
}

/**
 * Any name of an endpoint that wxacode knows has a meaning for -1, which every endpoint may answer.
 *
 * @param {string} endpoint
 */
const isEndpoint = (endpoint) => explain(-1, endpoint) !== undefined

/** @param {string} endpoint */
const noSuchEndpoint = (endpoint) =>
  new UsageError(
    { zh: `没有 ${endpoint} 这个接口`, en: `unknown endpoint ${endpoint}` },
    {
      zh: `可用：${ENDPOINTS.join('、')}，或微信的路径，如 /wxa/getwxacodeunlimit；不加 --endpoint 则列出全部含义`,
      en: `Use one of ${ENDPOINTS.join(', ')}, or WeChat's path, like /wxa/getwxacodeunlimit; without --endpoint all meanings are shown`,
    },
  )

/**
 * @param {number} errcode
 * @param {string | undefined} endpoint
 * @param {Io} io
 * @returns {Result}
 */
function unknown(errcode, endpoint, { say }) {
  const elsewhere = endpoint === undefined ? [] : meaningsOf(errcode, ENDPOINTS).flatMap(({ endpoints }) => endpoints)
  const text =
    elsewhere.length > 0
      ? say({
          zh: `没有 ${errcode} 在 ${endpoint} 的资料；它出现在 ${listed(elsewhere, say)}：去掉 --endpoint 即可查看`,
          en: `Nothing is known about ${errcode} at ${endpoint}; it comes from ${listed(elsewhere, say)}: omit --endpoint`,
        })
      : say({
          zh: `没有 ${errcode} 的资料；如果响应里有 rid，用 wxacode rid 查看`,
          en: `Nothing is known about ${errcode}; if the response had a rid, look it up with wxacode rid`,
        })
  return { json: { ok: false, errcode, endpoint }, text, exitCode: EXIT.failed }
}
