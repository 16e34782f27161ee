import { InvalidParamsError, WxaPlatform } from 'wxacode'
import { networkOptions } from './client.js'
import { missing, readCredentials } from './credentials.js'
import { UsageError } from './errors.js'
import { inPlatformFlags } from './flag-names.js'

/** @import { WxaPlatformOptions } from 'wxacode' */
/** @import { PlatformFlags } from './flags.js' */
/** @import { Io } from './io.js' */

const VARIABLES = { appid: 'WXACODE_PLATFORM_APPID', secret: 'WXACODE_PLATFORM_SECRET' }

/** @typedef {WxaPlatformOptions & { baseUrl?: string, store?: string, redis?: string }} PlatformOptions what the command line can give */

/**
 * The options of a third-party platform, from flags, else from the environment. Its token and key of pushes are secrets, and
 * come from the environment only.
 *
 * @param {PlatformFlags} flags
 * @param {Io} io
 * @returns {Promise<PlatformOptions>}
 */
export async function platformOptions(flags, io) {
  const { env } = io
  const { appid, secret = '' } = await readCredentials(flags, io, VARIABLES)
  const network = await networkOptions(flags, io)
  const store = flags.store ?? (env.WXACODE_PLATFORM_STORE || undefined)
  if (store === undefined && network.redis === undefined) throw noStore()
  if (store === 'memory') throw memoryStore()
  return {
    appid,
    secret,
    store,
    pushToken: env.WXACODE_PLATFORM_PUSH_TOKEN || undefined,
    encodingAESKey: keysIn(env.WXACODE_PLATFORM_ENCODING_AES_KEY),
    ...network,
  }
}

/**
 * Refuses wrong options by the names that they have here.
 *
 * @param {PlatformOptions} options
 */
export function openPlatform(options) {
  try {
    return new WxaPlatform(options)
  } catch (error) {
    if (!(error instanceof InvalidParamsError)) throw error
    const { cause, fix } = inPlatformFlags(error.explanation, error)
    throw new UsageError(cause, fix ?? error.explanation.fix)
  }
}

/**
 * One key, or while it is being changed `current,previous`.
 *
 * @param {string} [text]
 */
function keysIn(text) {
  if (!text?.includes(',')) return text || undefined
  return /** @type {[string, string]} */ (text.split(',').map((key) => key.trim()))
}

const noStore = () => missing('store', '--store file:… / --redis', 'WXACODE_PLATFORM_STORE / WXACODE_REDIS')

const memoryStore = () =>
  new UsageError(
    {
      zh: 'store 是 memory：ticket 与 refresh token 只在服务进程的内存里，命令行读不到',
      en: 'the store is memory: tickets and refresh tokens are in the process of the server, where the command line cannot read them',
    },
    {
      zh: '让服务使用 redis 或 file: 的 store，并在这里给出同样的值',
      en: 'Let the server use redis or a file: store, and give the same here',
    },
  )
