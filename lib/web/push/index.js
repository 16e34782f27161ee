'use strict'

const { inspect } = require('node:util')
const { isError, refusedPush, wrongArgument } = require('../../errors')
const { usableBody } = require('../../push')
const { safeGet } = require('../../safe-object')
const { LANG } = require('../../symbols')
const { givenOrMade } = require('../answer/factory')
const { onceAMinute } = require('../answer/log')

/** @typedef {import('../answer').Answer} Answer */
/** @typedef {import('./body').Upload} Upload */

/**
 * @typedef {object} Push a push, as its adapter knows it
 * @property {string} method
 * @property {(name: string) => string | undefined} header by its name in lower case
 * @property {URLSearchParams} query
 * @property {unknown[]} left what others have made of the body, the best first
 * @property {() => Promise<Upload> | undefined} read reads the body; undefined if it has been read already
 * @property {Record<string, string>} closing headers that close the connection after the answer
 */

const SUCCESS = Buffer.from('success')
const NOTHING = Buffer.alloc(0)

/** The sender is gone, but a framework may log the status: nginx's for a client that closed the request. */
const CLIENT_CLOSED = Object.freeze({ status: 499, headers: {}, body: NOTHING })

/** Reasons of a push that is not WeChat's, or for another platform. */
const FOREIGN = new Set(['signature', 'appid'])
const [BAD_REQUEST, UNAUTHORIZED, NOT_ALLOWED, BROKEN] = [400, 401, 405, 500]
/** What everyone who knows the URL can order as often as they like. */
const BY_VISITORS = new Set([BAD_REQUEST, UNAUTHORIZED])

const A_PLATFORM = {
  zh: ' WxaPlatform，也不是返回 WxaPlatform 的函数',
  en: 'a WxaPlatform, nor a function that returns one',
}
const RETURNS_A_PLATFORM = { zh: '返回 WxaPlatform 的函数', en: 'a function that returns a WxaPlatform' }
const A_LISTENER = { zh: '函数或 undefined', en: 'a function or undefined' }

const COMPRESSED = {
  cause: {
    en: 'the body of the push is compressed (Content-Encoding)',
    zh: '推送的请求体是压缩过的（Content-Encoding）',
  },
  fix: {
    en: 'WeChat does not compress pushes: find out who posts to this URL, and whether a gateway changes the body',
    zh: '微信的推送不压缩：查看是谁在向这个 URL 发请求，以及网关是否改写了请求体',
  },
}
const SLOW = {
  cause: { en: 'the body of the push did not arrive in time', zh: '推送的请求体没有按时到齐' },
  fix: {
    en: 'WeChat waits 5 s for an answer: find out who posts to this URL, and whether a gateway holds bodies back',
    zh: '微信只等 5 秒：查看是谁在向这个 URL 发请求，以及网关是否扣住了请求体',
  },
}

/**
 * Creates the function behind every adapter, from a push to an answer. It does not throw.
 *
 * @param {any} platform
 * @param {(event: import('../../../index').PlatformEvent) => unknown} [onEvent]
 * @returns {(push: Push) => Promise<Answer>}
 */
function createPushResponder(platform, onEvent) {
  const wanted = { isOne: isPlatform, one: A_PLATFORM, factory: RETURNS_A_PLATFORM }
  const platformOf = givenOrMade(platform, { handler: 'pushHandler', param: 'platform', ...wanted })
  if (onEvent !== undefined && typeof onEvent !== 'function')
    throw wrongArgument('onEvent', A_LISTENER, 'pushHandler', safeGet(platform, LANG))
  const log = createPushLog()
  return async (push) => {
    if (push.method !== 'POST') return answer(NOT_ALLOWED, { Allow: 'POST' })
    let closing = {}
    try {
      const platform = await platformOf()
      const { isGone, isWhole, body } = await bodyOf(push, safeGet(platform, LANG))
      if (isGone) return CLIENT_CLOSED
      if (!isWhole) closing = push.closing
      const event = await platform.receivePush({ query: push.query, body: body() })
      // After the answer has been handed over: a function that blocks does not delay it.
      if (onEvent) setImmediate(notify, onEvent, event)
      return answer(200)
    } catch (error) {
      const status = statusOf(error)
      log(status, error)
      return answer(status, closing)
    }
  }
}

/** @param {any} value of this copy of the package, of another, or a stand-in of a test */
const isPlatform = (value) => typeof safeGet(value, 'receivePush') === 'function'

/**
 * The body as a push has it. Bodies that were not read whole are refused, and nobody waits for the rest of them.
 *
 * @param {Push} push
 * @param {import('../../language').Language} [lang] of the platform
 * @returns {Promise<{ isGone?: boolean, isWhole: boolean, body: () => unknown }>} `body` throws what is wrong with it
 */
async function bodyOf({ header, left, read }, lang) {
  const refuse = (/** @type {import('../../../index').Explanation} */ explanation) => () => {
    throw refusedPush({ reason: 'xml', explanation }, lang)
  }
  if ((header('content-encoding') ?? 'identity') !== 'identity') return { isWhole: false, body: refuse(COMPRESSED) }
  const usable = left.find((one) => one !== '' && usableBody(one) !== undefined)
  const upload = usable === undefined ? await read() : undefined
  if (upload === undefined) return { isWhole: true, body: () => usable ?? left.at(-1) }
  const { end, bytes } = upload
  return { isGone: end === 'gone', isWhole: end === 'whole', body: end === 'slow' ? refuse(SLOW) : () => bytes }
}

/** @param {unknown} error */
function statusOf(error) {
  // Anything but a push that is wrong in itself: WeChat pushes it again.
  if (safeGet(error, 'code') !== 'ERR_WXA_PUSH') return BROKEN
  return FOREIGN.has(safeGet(error, 'reason')) ? UNAUTHORIZED : BAD_REQUEST
}

/**
 * @param {number} status
 * @param {Record<string, string>} [headers]
 * @returns {Answer}
 */
function answer(status, headers) {
  const body = status === 200 ? SUCCESS : NOTHING
  const type = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': String(body.length) }
  return { status, headers: { ...type, ...headers }, body }
}

/** One line for each push that failed, and one a minute for each kind of what is not WeChat's. */
function createPushLog() {
  const isDue = onceAMinute()
  return (/** @type {number} */ status, /** @type {unknown} */ error) => {
    const message = isError(error) ? error.message : inspect(error)
    // The messages of refused pushes have nothing of what was pushed: there are some dozens of them.
    if (!BY_VISITORS.has(status) || isDue(message)) console.error(`wxacode: pushHandler: ${status} ${message}`)
  }
}

/**
 * @param {(event: any) => unknown} onEvent
 * @param {import('../../../index').PlatformEvent} event
 */
async function notify(onEvent, event) {
  try {
    await onEvent(event)
  } catch (error) {
    console.error('wxacode: pushHandler: onEvent failed', error)
  }
}

module.exports = { createPushResponder }
