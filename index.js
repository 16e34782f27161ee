'use strict'

const native = require('./lib/native')
const { API_ENDPOINTS, decodeResponse } = require('./lib/apis')
const { batch } = require('./lib/batch')
const { json } = require('./lib/body')
const { completionQueue, startCall, startCallUnder } = require('./lib/calls')
const { check } = require('./lib/check')
const { codeKey } = require('./lib/code-key')
const { handleOf } = require('./lib/code-store')
const { createFromEnv } = require('./lib/environment')
const { addFactories } = require('./lib/error-factories')
const {
  InvalidParamsError,
  InvalidPushError,
  WeChatAPIError,
  WxaCodeError,
  toError,
  wrongArgument,
} = require('./lib/errors')
const { syncSubscription } = require('./lib/events')
const { CACHED, LANG } = require('./lib/symbols')
const { ENDPOINT_INDEX, pathOf } = require('./lib/endpoints')
const { CODE_ENDPOINTS } = require('./lib/kinds')
const { imageExtension, imageType } = require('./lib/image')
const { nullProtoCopy } = require('./lib/safe-object')
const { Activity, NO_WRITE_BEHIND, Opened, endsWithin } = require('./lib/opened')
const { validateOptions } = require('./lib/options')
const { platformClass } = require('./lib/platform')
const { docsOf } = require('./lib/docs')
const { endpointLabel, assertQueryFits, requestPath } = require('./lib/path')
const { tokenProvider } = require('./lib/provider')
const { traceMethods } = require('./lib/tracing')
const { validate, validateToJson } = require('./lib/validate')

const NO_OPTIONS = Object.freeze(nullProtoCopy({}))

const A_STRING = { en: 'a string', zh: '字符串' }
const A_PATH = {
  en: 'a string: request(path, { method, query, body })',
  zh: '字符串：request(path, { method, query, body })',
}

/** What is traced of the methods. @type {Record<string, import('./lib/tracing').Traced>} */
const TRACED = nullProtoCopy({
  ...Object.fromEntries(CODE_ENDPOINTS.map((name) => [name, { path: pathOf(name), isCode: true }])),
  ...Object.fromEntries(API_ENDPOINTS.map((name) => [name, { path: pathOf(name) }])),
  getAccessToken: { hidesResult: true },
  request: { path: requestPath, hidesResult: true },
})

/** @implements {import('./index').WxaCode} */
class WxaCode {
  /** @type {import('./binding').NativeClient} */
  #native
  #appid
  /** @type {import('./lib/language').Language | undefined} */
  #lang
  #activity = new Activity()
  /** Of the platform, if this is the client of one of its merchants. @type {Activity | undefined} */
  #ofPlatform
  /** AppID of the platform, if this is the client of one of its merchants. @type {string | undefined} */
  #componentAppid
  /** @type {Promise<void> | undefined} */
  #closed
  /** @type {import('./lib/opened').WriteBehind} */
  #writeBehind

  static {
    traceMethods(WxaCode, TRACED, (client) => (#appid in client ? client.#owner() : undefined))
  }

  /** @param {import('./index').WxaCodeOptions} options */
  constructor(options) {
    if (options instanceof Opened) {
      this.#native = options.native
      this.#appid = options.appid
      this.#lang = options.lang
      this.#ofPlatform = options.activity
      this.#componentAppid = options.componentAppid
      this.#writeBehind = options.writeBehind
      return
    }
    const given = validateOptions(options)
    const provider = given.provider && tokenProvider(given.provider, given.lang)
    const handle = given.store && handleOf(given.store)
    const opened = native.open(completionQueue, given.json, provider, handle)
    if (Array.isArray(opened)) throw toError(opened, given.lang)
    this.#native = opened
    this.#appid = given.appid
    this.#lang = given.lang
    this.#writeBehind = given.writesBehind ? { writesBehind: true, handle } : NO_WRITE_BEHIND
    syncSubscription(native, completionQueue)
  }

  /** @param {Partial<import('./index').WxaCodeOptions>} [options] */
  static fromEnv(options = NO_OPTIONS) {
    // TypeScript takes a static method of this class for a name of the module too, so it works as a function as well.
    // biome-ignore lint/complexity/noThisInStatic: a class that extends this one makes itself
    const Client = typeof this === 'function' ? this : WxaCode
    return createFromEnv(options, (all) => new Client(all))
  }

  get appid() {
    return this.#appid
  }

  /** The language of this client's errors, if it has one of its own. */
  get [LANG]() {
    return this.#lang
  }

  /**
   * @param {import('./index').QRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getQRCode(params, call) {
    return this.#settle(await this.#start('getQRCode', params, call))
  }

  /**
   * @param {import('./index').UnlimitedQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async getUnlimitedQRCode(params, call) {
    return this.#settle(await this.#start('getUnlimitedQRCode', params, call))
  }

  /**
   * @param {import('./index').CreateQRCodeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async createQRCode(params, call) {
    return this.#settle(await this.#start('createQRCode', params, call))
  }

  /**
   * The picture of a code that this process keeps. No request is sent, not to Redis either.
   *
   * @param {import('./lib/qr-code-request').QrCodeRequest} request
   */
  [CACHED]({ endpoint, params }) {
    return this.#native.cached(ENDPOINT_INDEX[endpoint], params) ?? undefined
  }

  /**
   * @template {import('./index').BatchJob} J
   * @param {Iterable<J> | AsyncIterable<J>} jobs
   * @param {import('./index').BatchOptions} [options]
   * @returns {AsyncGenerator<import('./index').BatchResult<J>, void, undefined>}
   */
  batch(jobs, options) {
    const activities = this.#ofPlatform ? [this.#activity, this.#ofPlatform] : [this.#activity]
    return /** @type {any} */ (batch(this, jobs, options, this.#lang, activities))
  }

  /**
   * @param {string} path
   * @param {import('./index').RequestOptions} [options]
   * @returns {Promise<any>}
   */
  async request(path, options = NO_OPTIONS) {
    if (typeof path !== 'string') throw wrongArgument('path', A_PATH, undefined, this.#lang)
    const endpoint = endpointLabel(path)
    const given = validate('request', options, endpoint, this.#lang)
    const { method, query, body, retries } = given
    const verb = method ?? (body === undefined ? 'GET' : 'POST')
    const pairs = assertQueryFits(query ?? [], endpoint, this.#lang)
    const text = json(body, endpoint, this.#lang)
    const started = this.#run(given, (id, timeoutMs, cancel) => {
      this.#native.request(id, timeoutMs, cancel, path, verb, pairs, text, retries)
    })
    const answer = this.#settle(await started)
    return typeof answer === 'string' ? JSON.parse(answer) : answer
  }

  /**
   * @param {string} path
   * @param {import('./index').CallOptions} [call]
   */
  async getQuota(path, call) {
    return await this.#call('getQuota', { path }, call)
  }

  /** @param {import('./index').CallOptions} [call] */
  async clearQuota(call) {
    return await this.#call('clearQuota', NO_OPTIONS, call)
  }

  /**
   * @param {string} rid
   * @param {import('./index').CallOptions} [call]
   */
  async getRid(rid, call) {
    return await this.#call('getRid', { rid }, call)
  }

  /**
   * @param {import('./index').SchemeParams} [params]
   * @param {import('./index').CallOptions} [call]
   */
  async generateScheme(params = NO_OPTIONS, call) {
    return await this.#call('generateScheme', params, call)
  }

  /**
   * @param {import('./index').UrlLinkParams} [params]
   * @param {import('./index').CallOptions} [call]
   */
  async generateUrlLink(params = NO_OPTIONS, call) {
    return await this.#call('generateUrlLink', params, call)
  }

  /**
   * @param {import('./index').ShortLinkParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async generateShortLink(params, call) {
    return await this.#call('generateShortLink', params, call)
  }

  /**
   * @param {import('./index').NFCSchemeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async generateNFCScheme(params, call) {
    return await this.#call('generateNFCScheme', params, call)
  }

  /**
   * @param {import('./index').QuerySchemeParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async queryScheme(params, call) {
    return await this.#call('queryScheme', params, call)
  }

  /**
   * @param {import('./index').QueryUrlLinkParams} params
   * @param {import('./index').CallOptions} [call]
   */
  async queryUrlLink(params, call) {
    return await this.#call('queryUrlLink', params, call)
  }

  /** @param {import('./index').CallOptions & { forceRefresh?: boolean }} [call] */
  async getAccessToken(call = NO_OPTIONS) {
    const given = validate('tokenCall', call, 'getAccessToken', this.#lang)
    const { forceRefresh = false } = given
    const started = this.#run(given, (id, timeoutMs, cancel) => {
      this.#native.getAccessToken(id, timeoutMs, cancel, forceRefresh)
    })
    const token = this.#settle(await started)
    return { accessToken: token.accessToken, expiresAt: new Date(token.expiresAt) }
  }

  /** @param {string} accessToken */
  invalidateAccessToken(accessToken) {
    if (typeof accessToken !== 'string') throw wrongArgument('accessToken', A_STRING, undefined, this.#lang)
    syncSubscription(native, completionQueue)
    this.#native.invalidateAccessToken(accessToken)
  }

  stats() {
    return this.#native.stats()
  }

  /** @param {import('./index').CallOptions} [call] */
  async ready(call = NO_OPTIONS) {
    const given = validate('call', call, 'ready', this.#lang)
    this.#settle(await this.#run(given, (id, timeoutMs, cancel) => this.#native.ready(id, timeoutMs, cancel)))
  }

  /** @param {import('./index').CloseOptions} [options] */
  async close(options = NO_OPTIONS) {
    const { timeoutMs } = validate('close', options, 'close', this.#lang)
    this.#native.close()
    this.#activity.endBatches()
    this.#closed ??= this.#waitForIdle()
    if (timeoutMs !== undefined && !(await endsWithin(this.#activity, this.#closed, timeoutMs))) this.#native.cutOff()
    await this.#closed
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  #owner() {
    const [appid, componentAppid] = [this.#appid, this.#componentAppid]
    return componentAppid === undefined ? { appid } : { appid, componentAppid }
  }

  /**
   * Calls an endpoint that answers with JSON.
   *
   * @param {import('./lib/schemas').EndpointName} name
   * @param {unknown} params
   * @param {import('./index').CallOptions} [call]
   */
  async #call(name, params, call) {
    return decodeResponse(name, this.#settle(await this.#start(name, params, call)))
  }

  /**
   * Starts the call of an endpoint. It is not async, nor is `#settle`: each async function costs a call more than half a
   * microsecond, and the method that the caller awaits is enough for a stack that shows the caller.
   *
   * @param {import('./lib/schemas').EndpointName} name
   * @param {unknown} params
   * @param {import('./index').CallOptions} [call]
   */
  #start(name, params, call) {
    const json = validateToJson(name, params, this.#lang)
    const given = call === undefined ? NO_OPTIONS : validate('call', call, name, this.#lang)
    const endpoint = ENDPOINT_INDEX[name]
    return this.#run(given, (id, timeoutMs, cancel) => this.#native.call(id, timeoutMs, cancel, endpoint, json))
  }

  /**
   * Starts a native call under the caller's signal. What it gives is awaited and passed to `#settle`.
   *
   * @param {{ signal?: AbortSignal, timeoutMs?: number }} how
   * @param {import('./lib/calls').StartCall} start
   */
  #run({ signal, timeoutMs }, start) {
    syncSubscription(native, completionQueue)
    const outcome = signal === undefined ? startCall(start, timeoutMs) : startCallUnder(signal, start, timeoutMs)
    this.#activity.begin()
    this.#ofPlatform?.begin()
    return outcome
  }

  /**
   * Gives the value of an ended call, or throws here what it failed with, so that the stack shows the caller.
   *
   * @param {any} outcome
   */
  #settle(outcome) {
    this.#activity.end()
    this.#ofPlatform?.end()
    if (Array.isArray(outcome)) throw toError(outcome, this.#lang)
    return outcome
  }

  async #waitForIdle() {
    await this.#activity.idle()
    if (this.#writeBehind.writesBehind) await startCall((id) => this.#native.flush(id))
    this.#native.dispose()
  }
}

/**
 * @param {number} errcode
 * @param {string} [endpoint]
 */
function explain(errcode, endpoint) {
  if (typeof errcode !== 'number') throw wrongArgument('errcode', { en: 'a number', zh: '数字' })
  if (endpoint !== undefined && typeof endpoint !== 'string') throw wrongArgument('endpoint', A_STRING)
  const found = native.explain(errcode, endpoint)
  return found ? { ...found, docs: docsOf(errcode) } : undefined
}

const WxaPlatform = platformClass((opened) => new WxaCode(/** @type {any} */ (opened)))

addFactories()

// The module is the class, so that a default import and `require()` give it; each name is assigned by itself, which is how
// Node and bundlers find out what `import { ... }` may name.
module.exports = WxaCode
module.exports.default = WxaCode
module.exports.WxaCode = WxaCode
module.exports.InvalidParamsError = InvalidParamsError
module.exports.InvalidPushError = InvalidPushError
module.exports.WeChatAPIError = WeChatAPIError
module.exports.WxaCodeError = WxaCodeError
module.exports.WxaPlatform = WxaPlatform
module.exports.check = check
module.exports.codeKey = codeKey
module.exports.explain = explain
module.exports.fromEnv = WxaCode.fromEnv
module.exports.imageExtension = imageExtension
module.exports.imageType = imageType
