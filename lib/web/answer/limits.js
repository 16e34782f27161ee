'use strict'

const { rateLimited } = require('../../errors')
const { ENDPOINT_BY_KIND, hasMinuteQuota } = require('../../kinds')
const { safeGet } = require('../../safe-object')
const { clientLanguage } = require('./client')
const { SlidingWindow } = require('./sliding-window')

/** @typedef {import('../../../index').WxaCode} WxaCode */
/** @typedef {import('../../language').Language} Language */
/** @typedef {NonNullable<import('../types').CodeParams['kind']>} Kind */

/**
 * @typedef {object} InFlight the calls that share a request
 * @property {number} calls
 * @property {() => void} end
 */

/** The rate for an endpoint with a quota by the minute: 3000 of the 5000 that WeChat allows an account. */
const UNLIMITED_PER_MINUTE = 3000
/** The rate of all other endpoints together: the 100,000 codes of an account last for more than a day. */
const SCARCE_PER_MINUTE = 60
const CONCURRENCY = 256
/** How long calls in flight will take is unknown. */
const SOON_MS = 1000

/** The limits of one handler: requests to WeChat in any minute, and concurrent requests. */
class Limits {
  #windowOf
  #concurrency
  /** By what is asked. @type {Map<unknown, InFlight>} */
  #inFlight = new Map()

  /** @param {{ ratePerMinute?: number, concurrency?: number }} limits */
  constructor({ ratePerMinute, concurrency = CONCURRENCY }) {
    this.#windowOf = windowsByKind(ratePerMinute)
    this.#concurrency = concurrency
  }

  /**
   * Runs a call for which WeChat may have to be asked. Calls of a client with a cache that ask the same at the same time
   * share a request, and so a permit.
   *
   * @template T
   * @param {{ wxa: any, kind: Kind, etag: string }} asked of a client, or of what stands in for one in a test
   * @param {() => Promise<T>} call
   * @throws {WxaCodeError} where a limit is exceeded
   */
  async run({ wxa, kind, etag }, call) {
    const stats = typeof safeGet(wxa, 'stats') === 'function' ? wxa.stats() : undefined
    const key = safeGet(stats, 'cache') ? etag : Symbol(etag)
    const inFlight = this.#inFlight.get(key) ?? this.#start(wxa, kind, stats)
    this.#inFlight.set(key, inFlight)
    inFlight.calls += 1
    try {
      return await call()
    } finally {
      inFlight.calls -= 1
      if (inFlight.calls === 0) {
        this.#inFlight.delete(key)
        inFlight.end()
      }
    }
  }

  /**
   * @param {any} wxa
   * @param {Kind} kind
   * @param {import('../../../index').Stats} [before]
   * @returns {InFlight}
   */
  #start(wxa, kind, before) {
    if (this.#inFlight.size >= this.#concurrency) throw tooManyAtOnce(this.#concurrency, clientLanguage(wxa))
    const window = this.#windowOf(kind)
    const wait = window.wait()
    if (wait > 0) throw tooManyPerMinute(window.limit, wait, clientLanguage(wxa))
    const permit = window.acquire()
    return {
      calls: 0,
      end: () => {
        // Redis had the code, or the call did not get as far as WeChat. A stand-in has no such counter.
        if (before && before.requests === wxa.stats().requests) window.release(permit)
      },
    }
  }
}

/**
 * The window that counts a kind. An option `ratePerMinute` is one limit for all kinds together.
 *
 * @param {number} [ratePerMinute]
 * @returns {(kind: Kind) => InstanceType<typeof SlidingWindow>}
 */
function windowsByKind(ratePerMinute) {
  const unlimited = new SlidingWindow(ratePerMinute ?? UNLIMITED_PER_MINUTE)
  const scarce = ratePerMinute === undefined ? new SlidingWindow(SCARCE_PER_MINUTE) : unlimited
  return (kind) => (hasMinuteQuota(safeGet(ENDPOINT_BY_KIND, kind)) ? unlimited : scarce)
}

/**
 * @param {number} limit
 * @param {number} retryAfterMs
 * @param {Language} [lang]
 */
const tooManyPerMinute = (limit, retryAfterMs, lang) =>
  tooMany(
    retryAfterMs,
    {
      zh: `这个路由一分钟内已向微信请求 ${limit} 个码，达到 ratePerMinute 的上限`,
      en: `this handler has requested ${limit} codes from WeChat within a minute, the limit of its ratePerMinute`,
    },
    lang,
  )

/**
 * @param {number} limit
 * @param {Language} [lang]
 */
const tooManyAtOnce = (limit, lang) =>
  tooMany(
    SOON_MS,
    {
      zh: `这个路由同时在向微信请求 ${limit} 个码，达到 concurrency 的上限`,
      en: `this handler is requesting ${limit} codes from WeChat at the same time, the limit of its concurrency`,
    },
    lang,
  )

/**
 * @param {number} retryAfterMs
 * @param {{ zh: string, en: string }} cause
 * @param {Language} [lang]
 */
function tooMany(retryAfterMs, cause, lang) {
  const fix = {
    zh: '确认路由先查 id 是否存在（不存在返回 null），实例开启了 cache；访问量确实这么大时调高上限',
    en:
      'Make sure that the route looks ids up and returns null for unknown ones, and that the client has a cache; ' +
      'increase the limit if this many visitors are real',
  }
  return rateLimited({ endpoint: 'codeHandler', retryAfterMs, explanation: { cause, fix } }, lang)
}

module.exports = { Limits }
