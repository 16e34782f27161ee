import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { UsageError } from './errors.js'

/** @import { Io } from './io.js' */

/** Where a mini-program's credentials may be in the environment. */
const VARIABLES = { appid: 'WXACODE_APPID', secret: 'WXACODE_SECRET' }

/**
 * Who asks: from flags, else from the environment. The AppSecret is read from a file or from the standard input, never
 * from a flag of its own, and is never shown.
 *
 * @param {{ appid?: string, secretFile?: string, secretStdin?: boolean, token?: string }} flags
 * @param {Io} io
 * @param {typeof VARIABLES} [variables]
 */
export async function readCredentials(flags, io, variables = VARIABLES) {
  const appid = flags.appid ?? io.env[variables.appid]
  if (!appid) throw missing('AppID', '--appid', variables.appid)
  if (flags.token === 'none') return { appid, secret: undefined }
  const secret = await readSecret(flags, io, variables.secret)
  if (!secret) throw missing('AppSecret', '--secret-file / --secret-stdin', variables.secret)
  return { appid, secret }
}

/**
 * @param {{ secretFile?: string, secretStdin?: boolean }} flags
 * @param {Io} io
 * @param {string} variable
 */
async function readSecret({ secretFile, secretStdin }, io, variable) {
  if (secretFile !== undefined) return filled(await fileText(secretFile), secretFile)
  if (!secretStdin) return io.env[variable]
  return filled(io.stdin.isTTY ? await typed(io) : (await text(io.stdin)).trim(), '--secret-stdin')
}

/** @param {string} path */
async function fileText(path) {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new UsageError(
      { zh: `无法读取 --secret-file ${path}（${code}）`, en: `--secret-file ${path} cannot be read (${code})` },
      { zh: '检查路径与权限', en: 'Check the path and its permissions' },
    )
  }
}

/**
 * Asks on the terminal, and shows nothing of what is typed.
 *
 * @param {Io} io
 * @returns {Promise<string>}
 */
function typed({ stdin, errorOutput, signal }) {
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() })
  const asking = createInterface({ input: stdin, output: mute, terminal: true })
  errorOutput.prompt('AppSecret: ')
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    // A terminal in raw mode sends Ctrl-C as a character.
    asking.once('SIGINT', () => process.emit('SIGINT', 'SIGINT'))
    asking.once('line', (line) => resolve(line.trim()))
    asking.once('close', () => resolve(''))
  }).finally(() => {
    asking.close()
    errorOutput.print('')
  })
}

/**
 * @param {string} secret
 * @param {string} source
 */
function filled(secret, source) {
  if (secret) return secret
  throw new UsageError(
    { zh: `${source} 是空的`, en: `${source} is empty` },
    { zh: '其中应只有 AppSecret', en: 'It must contain the AppSecret and nothing else' },
  )
}

/**
 * @param {string} what
 * @param {string} flag
 * @param {string} variable
 */
export const missing = (what, flag, variable) =>
  new UsageError(
    { zh: `缺少 ${what}`, en: `the ${what} is missing` },
    { zh: `设置环境变量 ${variable}，或使用 ${flag}`, en: `Set ${variable}, or use ${flag}` },
  )
