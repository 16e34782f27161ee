'use strict'

const { inspect } = require('node:util')
const { groupOf } = require('./endpoints.js')
const { picture } = require('./picture.js')
const { after } = require('./real-time.js')
const { errmsgFor, JSON_TYPE, jsonAnswer } = require('./refusals.js')
const { announce, send } = require('./send.js')
const { newTokenValue } = require('./tokens.js')

/** @import { Clock, Failure } from '../index.js' */
/** @import { Answer, Exchange } from './types.js' */

const DRIP_MS = 100
const HUGE_BYTES = 9 * 1024 * 1024 + 1
const HTML = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n'

/**
 * Fails a request in the injected way.
 * @param {Failure} failure
 * @param {Exchange} exchange
 */
function fail(failure, exchange) {
  if (typeof failure === 'string') FAILURES[failure](exchange)
  else if (typeof failure === 'object' && 'status' in failure) send(exchange, plainAnswer(failure))
}

/**
 * @param {Failure} failure
 * @returns {number | string | undefined} undefined where the failure is no errcode
 */
function errcodeIn(failure) {
  if (typeof failure === 'number') return failure
  return typeof failure === 'object' && 'errcode' in failure ? failure.errcode : undefined
}

/**
 * Throws for an unknown failure when it is injected, and not at the request that it affects.
 * @param {Failure} failure
 */
function checkFailure(failure) {
  const isOne =
    typeof failure === 'object' && failure !== null
      ? 'errcode' in failure || 'status' in failure
      : Number.isInteger(failure) || Object.hasOwn(FAILURES, failure)
  if (isOne) return
  const names = Object.keys(FAILURES).join(', ')
  throw new TypeError(`fail: ${inspect(failure)} is none of an errcode, { errcode }, { status }, ${names}`)
}

/**
 * The answer with an injected errcode.
 * @param {{ failure: Failure, contentType?: string }} fault
 * @param {Exchange} exchange
 * @param {Clock} clock
 * @returns {Answer | undefined} undefined where the failure is no errcode
 */
function injectedRefusal({ failure, contentType }, exchange, clock) {
  const errcode = errcodeIn(failure)
  if (errcode === undefined) return undefined
  const errmsg = typeof failure === 'object' && 'errmsg' in failure ? failure.errmsg : undefined
  const text = errmsg ?? errmsgFor(errcode, { endpoint: exchange.record.endpoint, ip: exchange.ip, clock })
  const answer = jsonAnswer({ errcode, errmsg: text })
  answer.headers['Content-Type'] = contentType ?? JSON_TYPE
  return { ...answer, errcode: Number(errcode) }
}

/** @type {Record<Extract<Failure, string>, (exchange: Exchange) => void>} */
const FAILURES = {
  hang() {},
  reset(exchange) {
    exchange.cutByFake = true
    exchange.tcp.resetAndDestroy()
  },
  close: destroySocket,
  html: (exchange) =>
    send(exchange, plainAnswer({ status: 200, headers: { 'Content-Type': 'text/html' }, body: HTML })),
  empty: (exchange) => send(exchange, plainAnswer({ status: 200, headers: { 'Content-Type': 'image/jpeg' } })),
  redirect: (exchange) =>
    send(exchange, plainAnswer({ status: 307, headers: { Location: `/redirected${exchange.req.url}` } })),
  huge: (exchange) => send(exchange, plainAnswer({ ...plausibleAnswer(exchange), body: hugeBody(exchange) })),
  truncate: (exchange) =>
    send(exchange, plainAnswer({ ...plausibleAnswer(exchange), body: firstHalf(plausibleAnswer(exchange).body) })),
  cut(exchange) {
    const { headers, body } = plausibleAnswer(exchange)
    announce(exchange, 200, { ...headers, 'Content-Length': body.length })
    exchange.res.write(firstHalf(body), () => destroySocket(exchange))
  },
  drip(exchange) {
    const { headers, body } = plausibleAnswer(exchange)
    announce(exchange, 200, { ...headers, 'Content-Length': body.length })
    drip(exchange.res, body)
  },
}

/**
 * @param {Exchange['res']} res
 * @param {Uint8Array} rest
 */
function drip(res, rest) {
  after(DRIP_MS, () => {
    if (res.destroyed) return
    res.write(rest.subarray(0, 1))
    if (rest.length > 1) drip(res, rest.subarray(1))
    else res.end()
  })
}

/** @param {Exchange} exchange */
function destroySocket(exchange) {
  exchange.cutByFake = true
  exchange.tcp.destroy()
}

/**
 * @param {Extract<Failure, { status: number }>} what
 * @returns {Answer}
 */
function plainAnswer({ status, headers = {}, body = '' }) {
  const isFramed = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name))
  return { status, headers: isFramed ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) }, body }
}

/**
 * What a success would look like, to be spoilt: never a token that works, and no picture that anybody asked for.
 * @param {Exchange} exchange
 */
function plausibleAnswer({ record, body }) {
  const group = groupOf(record.endpoint)
  if (group === 'tokens') return plausibleJson({ access_token: newTokenValue(), expires_in: 7200 })
  if (group === 'platform') {
    const value = newTokenValue()
    return plausibleJson({ component_access_token: value, authorizer_access_token: value, expires_in: 7200 })
  }
  if (group === 'links' || group === 'debug')
    return plausibleJson({ errcode: 0, errmsg: 'ok', spoilt: 'by fake.fail()' })
  const hyaline = /"is_hyaline"\s*:\s*true/.test(body.toString())
  const image = picture({ text: 'spoilt by fake.fail()', width: 430, color: [0, 0, 0], hyaline, shape: 'square' })
  return { status: 200, headers: { 'Content-Type': 'image/jpeg' }, body: image }
}

/** @param {object} value */
function plausibleJson(value) {
  return { status: 200, headers: { 'Content-Type': JSON_TYPE }, body: Buffer.from(JSON.stringify(value)) }
}

/** @param {Uint8Array} body */
const firstHalf = (body) => body.subarray(0, body.length >> 1)

/**
 * Right at both ends, only too much of it.
 * @param {Exchange} exchange
 */
function hugeBody(exchange) {
  const { body } = plausibleAnswer(exchange)
  const [head, tail] = [body.subarray(0, -2), body.subarray(-2)]
  return Buffer.concat([head, Buffer.alloc(HUGE_BYTES - body.length, 0x20), tail])
}

module.exports = { checkFailure, errcodeIn, fail, injectedRefusal }
