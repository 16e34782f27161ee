'use strict'

const native = require('./binding.js')
const { unwatch, watch } = require('./lib/abort')
const { inbox, outcomeOf } = require('./lib/calls')
const { InvalidParamsError, WeChatAPIError, WxaCodeError, invalid, toError } = require('./lib/errors')
const { attend } = require('./lib/events')
const { tokenProvider } = require('./lib/provider')
const { checked } = require('./lib/shape')

const NO_OPTIONS = Object.freeze({})

/** @implements {import('./index').WxaCode} */
class WxaCode {
  /** @type {import('./binding').NativeClient} */
  #native
  #running = 0
  /** @type {(() => void) | undefined} */
  #onIdle
  /** @type {Promise<void> | undefined} */
  #closed

  /** @param {import('./index').WxaCodeOptions} options */
  constructor(options) {
    const { token, baseUrl, ...rest } = checked('options', withRedisObject(options))
    const provider = typeof token === 'function' ? tokenProvider(token) : undefined
    const opened = native.open(
      inbox,
      {
        ...rest,
        token: provider ? undefined : token,
        baseUrl: typeof baseUrl === 'string' ? [baseUrl] : baseUrl,
      },
      provider,
    )
    if (Array.isArray(opened)) throw toError(opened)
    this.#native = opened
    attend(native, inbox)
  }

  /**
   * @param {import('./index').QRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getQRCode(params, call) {
    const given = checked('getQRCode', params, 'getQRCode')
    const { path, envVersion, width, autoColor, lineColor, isHyaline } = given
    return await this.#settle(checkedCall(call, 'getQRCode'), (id, timeoutMs, cancel) => {
      this.#native.getQrCode(id, timeoutMs, cancel, path, envVersion, width, autoColor, lineColor, isHyaline)
    })
  }

  /**
   * @param {import('./index').UnlimitedQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getUnlimitedQRCode(params, call) {
    const given = checked('getUnlimitedQRCode', params, 'getUnlimitedQRCode')
    const { scene, page, checkPath, envVersion, width, autoColor, lineColor, isHyaline } = given
    return await this.#settle(checkedCall(call, 'getUnlimitedQRCode'), (id, timeoutMs, cancel) => {
      this.#native.getUnlimitedQrCode(
        id,
        timeoutMs,
        cancel,
        scene,
        page,
        checkPath,
        envVersion,
        width,
        autoColor,
        lineColor,
        isHyaline,
      )
    })
  }

  /**
   * @param {import('./index').CreateQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async createQRCode(params, call) {
    const { path, width } = checked('createQRCode', params, 'createQRCode')
    return await this.#settle(checkedCall(call, 'createQRCode'), (id, timeoutMs, cancel) => {
      this.#native.createQrCode(id, timeoutMs, cancel, path, width)
    })
  }

  /** @param {import('./index').CallOptions & { forceRefresh?: boolean }} [call] */
  async getAccessToken(call = NO_OPTIONS) {
    const { forceRefresh = false, ...how } = checked('tokenCall', call, 'getAccessToken')
    const token = await this.#settle(how, (id, timeoutMs, cancel) => {
      this.#native.getAccessToken(id, timeoutMs, cancel, forceRefresh)
    })
    return { accessToken: token.accessToken, expiresAt: new Date(token.expiresAt) }
  }

  /** @param {string} accessToken */
  invalidateAccessToken(accessToken) {
    if (typeof accessToken !== 'string') throw wrongArgument('accessToken', 'a string', '字符串')
    attend(native, inbox)
    this.#native.invalidateAccessToken(accessToken)
  }

  stats() {
    return this.#native.stats()
  }

  async close() {
    this.#native.close()
    this.#closed ??= this.#drain()
    await this.#closed
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /**
   * Runs a native call under the caller's signal and throws here what it failed with, so that the stack shows the
   * caller. Every step awaits: a promise that is merely returned would break that stack.
   *
   * @param {{ signal?: AbortSignal, timeoutMs?: number }} how
   * @param {import('./lib/calls').Begin} begin
   */
  async #settle({ signal, timeoutMs }, begin) {
    attend(native, inbox)
    this.#running += 1
    try {
      const outcome =
        signal === undefined ? await outcomeOf(begin, timeoutMs) : await outcomeUnder(signal, begin, timeoutMs)
      if (!Array.isArray(outcome)) return outcome
      if (outcome[0].code === 'ABORTED') signal?.throwIfAborted()
      throw toError(outcome)
    } finally {
      this.#running -= 1
      if (this.#running === 0) this.#onIdle?.()
    }
  }

  async #drain() {
    if (this.#running > 0) {
      await new Promise((resolve) => {
        this.#onIdle = () => resolve(undefined)
      })
    }
    // One turn later, so that every caller has what it waited for.
    await new Promise((resolve) => setImmediate(resolve))
    this.#native.leave()
  }
}

/**
 * `redis: url` is short for `redis: { url }`.
 *
 * @param {any} options
 */
function withRedisObject(options) {
  return typeof options?.redis === 'string' ? { ...options, redis: { url: options.redis } } : options
}

/**
 * @param {unknown} call
 * @param {string} endpoint
 * @returns {import('./index').CallOptions}
 */
function checkedCall(call, endpoint) {
  return call === undefined ? NO_OPTIONS : checked('call', call, endpoint)
}

/**
 * @param {AbortSignal} signal
 * @param {import('./lib/calls').Begin} begin
 * @param {number} [timeoutMs]
 */
async function outcomeUnder(signal, begin, timeoutMs) {
  signal.throwIfAborted()
  const cancel = new native.Cancel()
  watch(signal, cancel)
  try {
    return await outcomeOf(begin, timeoutMs, cancel)
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
