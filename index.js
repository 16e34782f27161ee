'use strict'

const native = require('./binding.js')
const { unwatch, watch } = require('./lib/abort')
const { InvalidParamsError, WeChatAPIError, WxaCodeError, invalid, toError } = require('./lib/errors')
const { tokenProvider } = require('./lib/provider')
const { checked } = require('./lib/shape')

/** @typedef {import('./lib/errors').Failure} Failure */

const NO_OPTIONS = Object.freeze({})

/** @implements {import('./index').WxaCode} */
class WxaCode {
  /** @type {import('./binding').NativeClient} */
  #native

  /** @param {import('./index').WxaCodeOptions} options */
  constructor(options) {
    const { token, baseUrl, ...rest } = checked('options', options)
    const provider = typeof token === 'function' ? tokenProvider(token) : undefined
    const opened = native.open(
      {
        ...rest,
        token: provider ? undefined : token,
        baseUrl: typeof baseUrl === 'string' ? [baseUrl] : baseUrl,
      },
      provider,
    )
    if (Array.isArray(opened)) throw toError(opened)
    this.#native = opened
  }

  /**
   * @param {import('./index').QRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getQRCode(params, call) {
    const given = checked('getQRCode', params, 'getQRCode')
    return settle(checkedCall(call, 'getQRCode'), (...how) => this.#native.getQrCode(given, ...how))
  }

  /**
   * @param {import('./index').UnlimitedQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getUnlimitedQRCode(params, call) {
    const given = checked('getUnlimitedQRCode', params, 'getUnlimitedQRCode')
    return settle(checkedCall(call, 'getUnlimitedQRCode'), (...how) => this.#native.getUnlimitedQrCode(given, ...how))
  }

  /**
   * @param {import('./index').CreateQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async createQRCode(params, call) {
    const given = checked('createQRCode', params, 'createQRCode')
    return settle(checkedCall(call, 'createQRCode'), (...how) => this.#native.createQrCode(given, ...how))
  }

  /** @param {import('./index').CallOptions & { forceRefresh?: boolean }} [call] */
  async getAccessToken(call = NO_OPTIONS) {
    const { forceRefresh = false, ...rest } = checked('tokenCall', call, 'getAccessToken')
    const token = await settle(rest, (...how) => this.#native.getAccessToken(forceRefresh, ...how))
    return { accessToken: token.accessToken, expiresAt: new Date(token.expiresAt) }
  }

  /** @param {string} accessToken */
  invalidateAccessToken(accessToken) {
    if (typeof accessToken !== 'string') throw wrongArgument('accessToken', 'a string', '字符串')
    this.#native.invalidateAccessToken(accessToken)
  }

  stats() {
    return this.#native.stats()
  }

  async close() {
    await settle(NO_OPTIONS, () => this.#native.close())
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }
}

/**
 * @param {unknown} call
 * @param {string} endpoint
 */
const checkedCall = (call, endpoint) => (call === undefined ? NO_OPTIONS : checked('call', call, endpoint))

/**
 * Runs a native call under the caller's signal and throws here what it failed with, so that the stack shows the caller.
 *
 * @template T
 * @param {{ signal?: AbortSignal, timeoutMs?: number }} call
 * @param {(timeoutMs?: number, cancel?: import('./binding').Cancel) => Promise<T | Failure[]>} run
 * @returns {Promise<T>}
 */
async function settle({ signal, timeoutMs }, run) {
  const outcome = signal === undefined ? await run(timeoutMs) : await runUnder(signal, timeoutMs, run)
  if (!Array.isArray(outcome)) return outcome
  if (outcome[0].code === 'ABORTED') signal?.throwIfAborted()
  throw toError(outcome)
}

/**
 * @template T
 * @param {AbortSignal} signal
 * @param {number | undefined} timeoutMs
 * @param {(timeoutMs?: number, cancel?: import('./binding').Cancel) => Promise<T>} run
 * @returns {Promise<T>}
 */
async function runUnder(signal, timeoutMs, run) {
  signal.throwIfAborted()
  const cancel = new native.Cancel()
  watch(signal, cancel)
  try {
    return await run(timeoutMs, cancel)
  } finally {
    unwatch(signal, cancel)
  }
}

/**
 * @param {number} errcode
 * @param {string} [endpoint]
 */
function explain(errcode, endpoint) {
  if (typeof errcode !== 'number') throw wrongArgument('errcode', 'a number', '数字')
  if (endpoint !== undefined && typeof endpoint !== 'string') throw wrongArgument('endpoint', 'a string', '字符串')
  return native.explain(errcode, endpoint) ?? undefined
}

/** @param {Uint8Array} image */
function imageType(image) {
  if (!(image instanceof Uint8Array)) throw wrongArgument('image', 'a Buffer or Uint8Array', 'Buffer 或 Uint8Array')
  return native.imageType(image) ?? undefined
}

/**
 * @param {string} param
 * @param {string} en
 * @param {string} zh
 */
const wrongArgument = (param, en, zh) =>
  invalid({
    param,
    explanation: {
      cause: { zh: `${param} 不是${zh}`, en: `${param} is not ${en}` },
      fix: { zh: `请传入${zh}`, en: `Pass ${en}` },
    },
  })

module.exports = { InvalidParamsError, WeChatAPIError, WxaCode, WxaCodeError, explain, imageType }
