'use strict'

const { createServer } = require('node:http')
const { createServer: createTlsServer } = require('node:https')
const { createClock } = require('./clock.js')
const { checkScope } = require('./endpoints.js')
const { createFailures } = require('./failures.js')
const { createHolds } = require('./holds.js')
const { createJournal } = require('./journal.js')
const { createPlatformControls, withSwitches } = require('./platform/controls.js')
const { createAutomaticPushes } = require('./platform/schedule.js')
const { createRequestHandler, peerOf } = require('./request-handler.js')
const { createState, KEEP_REQUESTS } = require('./state.js')

/** @import { Server } from 'node:http' */
/** @import { ServerOptions as TlsOptions } from 'node:https' */
/** @import { AddressInfo, Socket } from 'node:net' */
/** @import { FakeOptions, FakeWeChat } from '../index.js' */
/** @import { PlatformSwitches, ServerState } from './types.js' */

const HOST = '127.0.0.1'
const KEEP_ALIVE_MS = 60_000

/**
 * @param {FakeOptions} [options]
 * @returns {Promise<FakeWeChat>}
 */
async function startFakeWeChat(options = {}) {
  const clock = createClock(() => automaticPushes.check())
  const state = createState(options, clock)
  const journal = createJournal(options.keepRequests ?? KEEP_REQUESTS)
  const holds = createHolds()
  const failures = createFailures()
  const server = options.tls ? createTlsServer(/** @type {TlsOptions} */ (options.tls)) : createServer()
  const sockets = trackSockets(server)
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.on(
    'request',
    createRequestHandler({ state, journal, holds, failures, server, sockets, latency: options.latency }),
  )
  await listen(server, options.port ?? 0)
  const automaticPushes = createAutomaticPushes(state)

  const { port } = /** @type {AddressInfo} */ (server.address())
  const apps = state.accounts.map(({ appid, secret }) => ({ appid, secret }))
  /** @type {Promise<void> | undefined} */
  let closed
  const close = () => {
    automaticPushes.stop()
    state.pushes.close()
    closed ??= shut(server, sockets)
      .then(() => journal.until(() => journal.open === 0))
      .then(journal.close)
    return closed
  }
  /** @type {Omit<FakeWeChat, keyof PlatformSwitches>} */
  const fake = {
    url: `${options.tls ? 'https' : 'http'}://${HOST}:${port}`,
    ...apps[0],
    apps,
    clock,
    requests: journal.requests,
    count: journal.count,
    async arrived(n, endpoint) {
      checkScope(endpoint)
      await journal.until(() => journal.count(endpoint) >= n)
    },
    get open() {
      return journal.open
    },
    idle: () => journal.until(() => journal.open === 0),
    fail: failures.add,
    hold: holds.add,
    ...tokenViews(state),
    ...createPlatformControls(state),
    close,
    [Symbol.asyncDispose]: close,
  }
  return withSwitches(fake, state.switches)
}

/** @param {ServerState} state */
function tokenViews({ accounts, platforms }) {
  /** @param {string} [appid] */
  const families = (appid) => {
    const isMeant = (/** @type {{ appid: string }} */ one) => appid === undefined || one.appid === appid
    const merchants = platforms.flatMap((platform) => platform.merchants.all())
    return [
      ...accounts.filter(isMeant).flatMap(({ stable, classic }) => [stable, classic]),
      ...merchants.filter(({ account }) => isMeant(account)).map(({ access }) => access),
      ...platforms.filter(isMeant).map(({ tokens }) => tokens),
    ]
  }
  return {
    /** @param {string} [appid] */
    revokeTokens(appid) {
      for (const family of families(appid)) family.revoke()
    },
    /** @param {string} [appid] */
    liveTokens: (appid) => families(appid).flatMap((family) => family.valid()),
  }
}

/**
 * The TCP sockets by the client's address, because nothing public leads from a TLS socket to the TCP socket below it.
 * @param {Server} server
 */
function trackSockets(server) {
  /** @type {Map<string, Socket>} */
  const sockets = new Map()
  server.on('connection', (socket) => {
    const peer = peerOf(socket)
    sockets.set(peer, socket)
    socket.once('close', () => {
      if (sockets.get(peer) === socket) sockets.delete(peer)
    })
  })
  return sockets
}

/**
 * @param {Server} server
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, HOST, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/**
 * @param {Server} server
 * @param {Map<string, Socket>} sockets
 * @returns {Promise<void>}
 */
function shut(server, sockets) {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
    // closeAllConnections does not know those in a TLS handshake.
    for (const socket of sockets.values()) socket.destroy()
  })
}

module.exports = { startFakeWeChat }
