import { readFile } from 'node:fs/promises'
import { WxaCode } from 'wxacode'
import { readCredentials } from './credentials.js'
import { UsageError } from './errors.js'

/** @import { WxaCodeOptions } from 'wxacode' */
/** @import { ClientFlags } from './flags.js' */
/** @import { Io } from './io.js' */

/**
 * @param {ClientFlags} flags
 * @param {Io} io
 */
export const openClient = async (flags, io) => new WxaCode(await clientOptions(flags, io))

/**
 * @param {ClientFlags} flags
 * @param {Io} io
 * @returns {Promise<WxaCodeOptions>}
 */
export const clientOptions = async (flags, io) => ({
  ...(await readCredentials(flags, io)),
  token: flags.token,
  ratePerMinute: flags.rate,
  ...(await networkOptions(flags, io)),
})

/**
 * What clients of accounts and platforms have in common.
 *
 * @param {Omit<ClientFlags, 'token'>} flags
 * @param {Io} io
 */
export async function networkOptions(flags, { env, lang }) {
  return {
    lang,
    // A variable that docker-compose leaves empty is not set.
    baseUrl: flags.baseUrl ?? (env.WXACODE_BASE_URL || undefined),
    redis: flags.redis ?? (env.WXACODE_REDIS || undefined),
    proxy: flags.proxy ?? (env.WXACODE_PROXY || undefined),
    ca: flags.ca === undefined ? undefined : await pem(flags.ca),
    timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
    retries: flags.retries,
  }
}

/** @param {string} path */
async function pem(path) {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new UsageError(
      { zh: `无法读取 --ca ${path}（${code}）`, en: `--ca ${path} cannot be read (${code})` },
      { zh: '检查路径与权限', en: 'Check the path and its permissions' },
    )
  }
}
