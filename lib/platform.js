'use strict'

const native = require('./native')
const { pathOf } = require('./endpoints')
const { endpointLabel, assertQueryFits, requestPath } = require('./path')
const { json } = require('./body')
const { handleOf } = require('./code-store')
const { completionQueue, startCall, startCallUnder } = require('./calls')
const { toError, wrongArgument } = require('./errors')
const { syncSubscription } = require('./events')
const { Activity, NO_WRITE_BEHIND, Opened, endsWithin } = require('./opened')
const { validateMerchantOptions, validatePlatformOptions } = require('./options')
const { platformStore } = require('./platform-store')
const { pushEvent, readPush } = require('./push')
const { nullProtoCopy } = require('./safe-object')
const { LANG } = require('./symbols')
const { traceMethods, traced } = require('./tracing')
const { validate } = require('./validate')

/** @typedef {import('./language').Language} Language */

const NO_OPTIONS = Object.freeze(nullProtoCopy({}))
const A_STRING = { en: 'a string', zh: '字符串' }
const A_PATH = { en: 'a string: request(path, { query, body })', zh: '字符串：request(path, { query, body })' }

/** What is traced of the methods. @type {Record<string, import('./tracing').Traced>} */
const TRACED = nullProtoCopy({
  receivePush: { hidesResult: true },
  authorizationUrl: { path: pathOf('api_create_preauthcode'), hidesResult: true },
  completeAuthorization: { path: pathOf('api_query_auth') },
  importAuthorizer: {},
  removeAuthorizer: {},
  getComponentAccessToken: { hidesResult: true },
  startPushTicket: { path: pathOf('api_start_push_ticket') },
  request: { path: requestPath, hidesResult: true },
})
/** A page of the list, which is not yet what the caller gets. */
const LIST = { method: 'authorizers', path: pathOf('api_get_authorizer_list'), hidesResult: true }

/**
 * The class of third-party platforms, whose merchants' clients `makeClient` makes.
 *
 * @param {(opened: object) => import('../index').WxaCode} makeClient
 * @returns {typeof import('../index').WxaPlatform}
 */
function platformClass(makeClient) {
  class WxaPlatform {
    /** @type {import('../binding').NativePlatform} */
    #native
    #appid
    /** @type {Language | undefined} */
    #lang
    #activity = new Activity()
    /** @type {Promise<void> | undefined} */
    #closed
    /** Whether codes of merchants are stored after their calls have ended. */
    #writesBehind = false

    static {
      traceMethods(WxaPlatform, TRACED, (platform) => (#appid in platform ? platform.#owner() : undefined))
    }

    /** @param {import('../index').WxaPlatformOptions} options */
    constructor(options) {
      const given = validatePlatformOptions(options)
      const opened = native.openPlatform(completionQueue, given.json, given.store && platformStore(given.store))
      if (Array.isArray(opened)) throw toError(opened, given.lang)
      this.#native = opened
      this.#appid = given.appid
      this.#lang = given.lang
      syncSubscription(native, completionQueue)
    }

    get appid() {
      return this.#appid
    }

    /** The language of this platform's errors, if it has one of its own. */
    get [LANG]() {
      return this.#lang
    }

    /** @param {import('../index').Push} push */
    async receivePush(push) {
      const { query, raw, encrypt } = readPush(push, this.#lang)
      const answer = await this.#run(NO_OPTIONS, (id) => this.#native.receivePush(id, query, raw, encrypt))
      return pushEvent(answer)
    }

    /**
     * @param {string} appid
     * @param {import('../index').MerchantOptions} [options]
     */
    client(appid, options) {
      if (typeof appid !== 'string') throw wrongArgument('appid', A_STRING, undefined, this.#lang)
      const { json, store, writesBehind } = validateMerchantOptions(
        options === undefined ? NO_OPTIONS : options,
        this.#lang,
      )
      const handle = store && handleOf(store)
      const opened = this.#native.client(appid, json, handle)
      if (Array.isArray(opened)) throw toError(opened, this.#lang)
      this.#writesBehind ||= writesBehind
      const writeBehind = writesBehind ? { writesBehind, handle } : NO_WRITE_BEHIND
      return makeClient(new Opened(opened, appid, this.#lang, this.#activity, this.#appid, writeBehind))
    }

    /**
     * @param {import('../index').AuthorizationUrlOptions} options
     * @param {import('../index').CallOptions} [call]
     */
    async authorizationUrl(options, call) {
      const page = validate('authorizationUrl', options, 'authorizationUrl', this.#lang)
      const answer = await this.#call('authorizationUrl', call, (id, timeoutMs, cancel) =>
        this.#native.authorizationUrl(id, timeoutMs, cancel, JSON.stringify(page)),
      )
      return JSON.parse(answer).url
    }

    /**
     * @param {string} authorizationCode
     * @param {import('../index').CallOptions} [call]
     */
    async completeAuthorization(authorizationCode, call) {
      if (typeof authorizationCode !== 'string' || authorizationCode === '')
        throw wrongArgument('authorizationCode', A_STRING, 'completeAuthorization', this.#lang)
      const answer = await this.#call('completeAuthorization', call, (id, timeoutMs, cancel) =>
        this.#native.completeAuthorization(id, timeoutMs, cancel, authorizationCode),
      )
      const { appid, permissions } = JSON.parse(answer)
      return { appid, permissions }
    }

    /**
     * @param {import('../index').ImportedAuthorizer} authorizer
     * @param {import('../index').CallOptions} [call]
     */
    async importAuthorizer(authorizer, call) {
      const { appid, refreshToken } = validate('importAuthorizer', authorizer, 'importAuthorizer', this.#lang)
      await this.#call('importAuthorizer', call, (id, timeoutMs, cancel) =>
        this.#native.importAuthorizer(id, timeoutMs, cancel, appid, refreshToken),
      )
    }

    /**
     * @param {string} appid
     * @param {import('../index').CallOptions} [call]
     */
    async removeAuthorizer(appid, call) {
      if (typeof appid !== 'string') throw wrongArgument('appid', A_STRING, 'removeAuthorizer', this.#lang)
      await this.#call('removeAuthorizer', call, (id, timeoutMs, cancel) =>
        this.#native.removeAuthorizer(id, timeoutMs, cancel, appid),
      )
    }

    /** @param {import('../index').CallOptions} [call] */
    async *authorizers(call) {
      let read = 0
      for (;;) {
        const offset = read
        const page = () =>
          this.#call('authorizers', call, (id, timeoutMs, cancel) =>
            this.#native.authorizers(id, timeoutMs, cancel, offset),
          )
        const answer = await traced(LIST, this.#owner(), page)
        const { total, authorizers } = JSON.parse(answer)
        for (const { appid, authorizedAt } of authorizers) yield { appid, authorizedAt: new Date(authorizedAt) }
        read += authorizers.length
        if (authorizers.length === 0 || read >= total) return
      }
    }

    /** @param {import('../index').CallOptions} [call] */
    async getComponentAccessToken(call) {
      const token = await this.#call('getComponentAccessToken', call, (id, timeoutMs, cancel) =>
        this.#native.getComponentAccessToken(id, timeoutMs, cancel),
      )
      return { accessToken: token.accessToken, expiresAt: new Date(token.expiresAt) }
    }

    /** @param {import('../index').CallOptions} [call] */
    async startPushTicket(call) {
      await this.#call('startPushTicket', call, (id, timeoutMs, cancel) =>
        this.#native.startPushTicket(id, timeoutMs, cancel),
      )
    }

    /**
     * @param {string} path
     * @param {import('../index').PlatformRequestOptions} [options]
     * @returns {Promise<any>}
     */
    async request(path, options = NO_OPTIONS) {
      if (typeof path !== 'string') throw wrongArgument('path', A_PATH, undefined, this.#lang)
      const endpoint = endpointLabel(path)
      const { query, body, retries, ...how } = validate('platformRequest', options, endpoint, this.#lang)
      const pairs = assertQueryFits(query ?? [], endpoint, this.#lang)
      const text = json(body, endpoint, this.#lang)
      const answer = await this.#run(how, (id, timeoutMs, cancel) =>
        this.#native.request(id, timeoutMs, cancel, path, pairs, text, retries),
      )
      return typeof answer === 'string' ? JSON.parse(answer) : answer
    }

    stats() {
      return /** @type {any} */ (this.#native.stats())
    }

    /** @param {import('../index').CallOptions} [call] */
    async ready(call) {
      await this.#call('ready', call, (id, timeoutMs, cancel) =>
        this.#native.getComponentAccessToken(id, timeoutMs, cancel),
      )
    }

    /** @param {import('../index').CloseOptions} [options] */
    async close(options = NO_OPTIONS) {
      const { timeoutMs } = validate('close', options, 'close', this.#lang)
      this.#native.close()
      this.#activity.endBatches()
      this.#closed ??= this.#release()
      if (timeoutMs !== undefined && !(await endsWithin(this.#activity, this.#closed, timeoutMs))) this.#native.cutOff()
      await this.#closed
    }

    [Symbol.asyncDispose]() {
      return this.close()
    }

    async #release() {
      await this.#activity.idle()
      if (this.#writesBehind) await startCall((id) => this.#native.flush(id))
      await startCall((id) => this.#native.release(id))
    }

    #owner() {
      return { appid: this.#appid, componentAppid: this.#appid }
    }

    /**
     * @param {string} name
     * @param {import('../index').CallOptions | undefined} call
     * @param {import('./calls').StartCall} start
     */
    async #call(name, call, start) {
      return await this.#run(call === undefined ? NO_OPTIONS : validate('call', call, name, this.#lang), start)
    }

    /**
     * @param {{ signal?: AbortSignal, timeoutMs?: number }} how
     * @param {import('./calls').StartCall} start
     */
    async #run({ signal, timeoutMs }, start) {
      syncSubscription(native, completionQueue)
      this.#activity.begin()
      try {
        const outcome =
          signal === undefined ? await startCall(start, timeoutMs) : await startCallUnder(signal, start, timeoutMs)
        if (!Array.isArray(outcome)) return outcome
        throw toError(outcome, this.#lang)
      } finally {
        this.#activity.end()
      }
    }
  }

  return /** @type {any} */ (WxaPlatform)
}

module.exports = { platformClass }
