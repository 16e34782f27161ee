'use strict'

const { URLSearchParams } = require('node:url')
const { answerFor } = require('./answers.js')
const { attempt } = require('./attempt.js')
const { callerNamedIn } = require('./authentication.js')
const { ENDPOINTS, groupOf } = require('./endpoints.js')
const { fail, injectedRefusal } = require('./failure-modes.js')
const { after } = require('./real-time.js')
const { send } = require('./send.js')

/** @import { IncomingMessage, Server, ServerResponse } from 'node:http' */
/** @import { Socket } from 'node:net' */
/** @import { FakeOptions, RecordedRequest } from '../index.js' */
/** @import { Exchange, ServerState } from './types.js' */

/**
 * Handles requests: records each one and sends its answer.
 * @param {{
 *   state: ServerState,
 *   journal: ReturnType<typeof import('./journal.js').createJournal>,
 *   holds: ReturnType<typeof import('./holds.js').createHolds>,
 *   failures: ReturnType<typeof import('./failures.js').createFailures>,
 *   server: Server,
 *   sockets: Map<string, Socket>,
 *   latency: FakeOptions['latency'],
 * }} deps
 */
function createRequestHandler({ state, journal, holds, failures, server, sockets, latency }) {
  const latencyOf = createLatency(latency)

  /**
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   */
  return function handle(req, res) {
    const tcp = sockets.get(peerOf(req.socket)) ?? req.socket
    const record = recordOf(req, state.clock.now())
    const ip = req.socket.remoteAddress ?? ''
    /** @type {Exchange} */
    const exchange = { req, res, tcp, ip, body: Buffer.alloc(0), record, cutByFake: false }
    journal.opened()
    /** @type {Buffer[]} */
    const chunks = []
    let isRecorded = false
    const recordArrival = () => {
      if (isRecorded) return
      isRecorded = true
      exchange.body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      record.body = exchange.body.toString()
      journal.arrived(record)
    }
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      recordArrival()
      attempt(exchange, () => decide(exchange))
    })
    res.once('close', () => {
      record.closed = !res.writableFinished && !exchange.cutByFake && server.listening
      recordArrival()
      journal.completed()
    })
  }

  /** @param {Exchange} exchange */
  function decide(exchange) {
    if (holds.stops(exchange, () => attempt(exchange, () => decide(exchange)))) return
    const fault = failures.take(exchange.record)
    const answer = fault === undefined ? answerFor(exchange, state) : injectedRefusal(fault, exchange, state.clock)
    const act = () => {
      if (exchange.res.destroyed) return
      // A client measures by it how far its own clock is off.
      exchange.res.setHeader('Date', new Date(state.clock.now()).toUTCString())
      if (answer) {
        if (answer.errcode) state.rids.remember(exchange, answer, callerNamedIn(exchange, state))
        send(exchange, answer)
      } else if (fault) fail(fault.failure, exchange)
    }
    const ms = latencyOf(exchange.record.endpoint)
    if (ms === 0) return act()
    exchange.res.once(
      'close',
      after(ms, () => attempt(exchange, act)),
    )
  }
}

/** @param {Socket} socket */
const peerOf = ({ remoteAddress, remotePort }) => `${remoteAddress} ${remotePort}`

/**
 * @param {IncomingMessage} req
 * @param {number} at
 * @returns {RecordedRequest}
 */
function recordOf({ url = '/', method = '', headers }, at) {
  const [path, search = ''] = url.split('?', 2)
  const query = search === '' ? {} : Object.fromEntries(new URLSearchParams(search))
  return { at, endpoint: ENDPOINTS.get(path)?.name, method, path, query, headers, body: '', closed: false }
}

/**
 * @param {FakeOptions['latency']} latency
 * @returns {(endpoint: RecordedRequest['endpoint']) => number} ms
 */
function createLatency(latency = 0) {
  if (typeof latency === 'number') return () => latency
  const { token = 0, code = 0, link = 0, debug = 0, platform = 0 } = latency
  const ms = { tokens: token, codes: code, links: link, debug, platform }
  return (endpoint) => ms[groupOf(endpoint) ?? 'codes']
}

module.exports = { createRequestHandler, peerOf }
