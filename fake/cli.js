#!/usr/bin/env node
'use strict'

const { parseArgs } = require('node:util')
const { DEFAULT_PAGES, startFakeWeChat } = require('./index.js')
const { version } = require('./package.json')

/** @import { FakeOptions, FakeWeChat } from './index.js' */

const HELP = `Usage: wxacode-fake [options]

A fake WeChat on 127.0.0.1: tokens, mini-program codes and links, quotas, with WeChat's own rules.

Options:
  --port <n>       port to listen on (default: any free one)
  --appid <id>     the app's appid (default: a new one)
  --secret <text>  its AppSecret (default: a new one)
  --page <path>    a published page, repeatable (default: ${DEFAULT_PAGES.join(', ')})
  --latency <ms>   delay of every answer (default: 0)
  --shape <name>   square codes, which scan, or round ones, which look like WeChat's (default: square)
  -h, --help       print this
  -v, --version    print the version
`

/** A mistake of the caller: shown without a stack. */
class UsageError extends Error {}

function readFlags() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string' },
        appid: { type: 'string' },
        secret: { type: 'string' },
        page: { type: 'string', multiple: true },
        latency: { type: 'string' },
        shape: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    }).values
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message)
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} max
 */
function wholeNumber(name, text, max) {
  if (text === undefined) return 0
  if (!/^\d+$/.test(text) || Number(text) > max) {
    throw new UsageError(`--${name} takes a whole number from 0 to ${max}, not '${text}'`)
  }
  return Number(text)
}

/** @param {string} [text] */
function shapeOf(text) {
  if (text === undefined || text === 'square' || text === 'round') return text
  throw new UsageError(`--shape takes square or round, not '${text}'`)
}

/** @param {FakeWeChat} fake */
const banner = ({ url, appid, secret }) => `wxacode-fake listens on ${url}

  appid   ${appid}
  secret  ${secret}

  import { WxaCode } from 'wxacode'

  const wxacode = new WxaCode({ appid: '${appid}', secret: '${secret}', baseUrl: '${url}' })
  const image = await wxacode.getUnlimitedQRCode({ scene: 'id=42' })

Ctrl-C stops it.
`

/** @param {FakeOptions} options */
async function start(options) {
  try {
    return await startFakeWeChat(options)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'EADDRINUSE') throw new UsageError(`port ${options.port} is taken, choose another with --port`)
    if (code === 'EACCES') throw new UsageError(`port ${options.port} may not be opened, choose another with --port`)
    throw error
  }
}

async function main() {
  const { appid, secret, page: pages, ...flags } = readFlags()
  if (flags.help) return process.stdout.write(HELP)
  if (flags.version) return process.stdout.write(`${version}\n`)
  const port = wholeNumber('port', flags.port, 65_535)
  const latency = wholeNumber('latency', flags.latency, 3_600_000)
  const shape = shapeOf(flags.shape)
  const fake = await start({ port, latency, shape, apps: [{ appid, secret, pages }] })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => fake.close())
  process.stdout.write(banner(fake))
}

main().catch((error) => {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`wxacode-fake: ${error.message}\nSee wxacode-fake --help.\n`)
  process.exitCode = 2
})
