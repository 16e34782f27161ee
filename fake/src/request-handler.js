'use strict'

const { URLSearchParams } = require('node:url')
const { answerFor } = require('./answers.js')
const { attempt } = require('./attempt.js')
const { callerNamedIn } = require('./callers.js')
const { ENDPOINTS, groupOf } = require('./endpoints.js')
const { fail, orderedRefusal } = require('./mishaps.js')
const { after } = require('./real-time.js')
const { send } = require('./send.js')

/** @import { IncomingMessage, Server, ServerResponse } from 'node:http' */
/** @import { Socket } from 'node:net' */
/** @import { FakeOptions, RecordedRequest } from '../index.js' */
/** @import { Visit, World } from './types.js' */

/**
 * Takes requests in, records them, and sees to their answers.
 * @param {{
 *   world: World,
 *   journal: ReturnType<typeof import('./journal.js').createJournal>,
 *   holds: ReturnType<typeof import('./holds.js').createHolds>,
 *   failures: ReturnType<typeof import('./failures.js').createFailures>,
 *   server: Server,
 *   sockets: Map<string, Socket>,
 *   latency: FakeOptions['latency'],
 * }} house
 */
function createReception({ world, journal, holds, failures, server, sockets, latency }) {
  const latencyOf = createLatency(latency)

  /**
   * @param {IncomingMessage} req
   * @param {ServerResponse} res
   */
  return function receive(req, res) {
    const tcp = sockets.get(peerOf(req.socket)) ?? req.socket
    const record = recordOf(req, world.clock.now())
    const ip = req.socket.remoteAddress ?? ''
    /** @type {Visit} */
    const visit = { req, res, tcp, ip, body: Buffer.alloc(0), record, cutByFake: false }
    journal.opened()
    /** @type {Buffer[]} */
    const chunks = []
    let isRecorded = false
    const arrive = () => {
      if (isRecorded) return
      isRecorded = true
      visit.body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      record.body = visit.body.toString()
      journal.arrived(record)
    }
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      arrive()
      attempt(visit, () => decide(visit))
    })
    res.once('close', () => {
      record.closed = !res.writableFinished && !visit.cutByFake && server.listening
      arrive()
      journal.completed()
    })
  }

  /** @param {Visit} visit */
  function decide(visit) {
    if (holds.stops(visit, () => attempt(visit, () => decide(visit)))) return
    const failure = failures.take(visit.record)
    const answer = failure === undefined ? answerFor(visit, world) : orderedRefusal(failure, visit, world.clock)
    const act = () => {
      if (visit.res.destroyed) return
      // A client measures by it how far its own clock is off.
      visit.res.setHeader('Date', new Date(world.clock.now()).toUTCString())
      if (answer) {
        if (answer.errcode) world.rids.remember(visit, answer, callerNamedIn(visit, world))
        send(visit, answer)
      } else if (failure) fail(failure.what, visit)
    }
    const ms = latencyOf(visit.record.endpoint)
    if (ms === 0) return act()
    visit.res.once(
      'close',
      after(ms, () => attempt(visit, act)),
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
  const { token = 0, code = 0, link = 0, debug = 0 } = latency
  const ms = { tokens: token, codes: code, links: link, debug }
  return (endpoint) => ms[groupOf(endpoint) ?? 'codes']
}

module.exports = { createReception, peerOf }
