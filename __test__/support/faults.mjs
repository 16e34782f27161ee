import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './ports.mjs'

const HOST = '127.0.0.1'

/** Bytes with which TLS ends a connection, at most. A request has more. */
const GOODBYE = 64

/** What a mode keeps from arriving. */
const SWALLOWS = { requests: ['drop'], replies: ['drop', 'dropReplies', 'half-close'] }

/**
 * A TCP proxy in front of a port, which does to connections, old and new, what networks do:
 *
 * - `pass`: nothing
 * - `delay`: each piece of a reply comes `ms` later, as from far away: pieces under way do not wait for each other
 * - `drop`: a black hole, which accepts and never answers
 * - `reset`: RST
 * - `half-close`: FIN instead of replies, while requests still arrive
 * - `slice`: replies come byte after byte
 * - `refuse`: no server listens
 * - `forget`: a black hole for the connections so far, as a NAT that was restarted; new ones pass.
 *   `seen.swallowed` counts the requests on those
 * - `dropReplies`: requests arrive, their replies get lost; with `from`, not before a request in which that text is
 */
export async function startFaultProxy(t, targetPort) {
  /** By connection, what swallows all that it carries from now on. */
  const clients = new Map()
  const seen = { connections: 0, requests: 0, replies: 0, lost: 0, swallowed: 0, wire: [] }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  // It may have to leave this port and come back.
  const port = await freePort()
  const proxy = { port, mode: 'pass', options: {}, seen, set, url: (scheme) => `${scheme}://${HOST}:${proxy.port}` }
  await listen()
  t.after(close)
  return proxy

  async function set(mode, options = {}) {
    const wasRefusing = proxy.mode === 'refuse'
    Object.assign(proxy, { mode, options })
    for (const [client, swallow] of clients) {
      if (mode === 'forget') swallow()
      greet(client)
    }
    if (mode === 'refuse' && !wasRefusing) await close()
    if (mode !== 'refuse' && wasRefusing) await listen()
  }

  async function listen() {
    server.listen(proxy.port, HOST)
    await once(server, 'listening')
  }

  async function close() {
    const closed = server.listening && once(server, 'close')
    server.close()
    for (const client of clients.keys()) client.destroy()
    await closed
  }

  function accept(client) {
    seen.connections += 1
    const target = connect({ port: targetPort, host: HOST, noDelay: true })
    const requests = lane('requests', client, target)
    const replies = lane('replies', target, client)
    clients.set(client, () => {
      requests.tear()
      replies.tear()
      client.on('data', (piece) => {
        if (piece.length > GOODBYE) seen.swallowed += 1
      })
    })
    for (const socket of [client, target]) socket.on('error', () => {})
    client.on('end', () => requests.carried(() => target.end()))
    client.on('close', () => {
      clients.delete(client)
      target.destroy()
    })
    // Behind a black hole a client does not see either that the other side has gone.
    target.on('close', () => replies.carried(() => replies.isTorn() || proxy.mode === 'drop' || client.destroy()))
    greet(client)
  }

  function greet(client) {
    if (proxy.mode === 'reset') client.resetAndDestroy()
    if (proxy.mode === 'half-close') client.end()
  }

  /** One direction: pieces keep their order, and after a lost one nothing arrives any more, for TCP knows no gaps. */
  function lane(name, from, to) {
    let turn = Promise.resolve()
    let torn = false
    from.on('data', (piece) => {
      seen[name] += piece.length
      seen.wire.push(piece)
      const due = performance.now() + (proxy.options.ms ?? 0)
      if (proxy.options.from && piece.includes(proxy.options.from)) proxy.options.from = undefined
      turn = turn.then(() => carry(piece, due))
    })
    const tear = () => {
      torn = true
    }
    return { tear, isTorn: () => torn, carried: (next) => turn.then(next) }

    async function carry(piece, due) {
      if (proxy.mode === 'delay' && name === 'replies') await sleep(Math.max(0, due - performance.now()))
      torn ||= SWALLOWS[name].includes(proxy.mode) && !proxy.options.from
      if (torn) seen.lost += piece.length
      else if (proxy.mode === 'slice' && name === 'replies') await slice(piece)
      else if (to.writable) to.write(piece)
    }

    async function slice(piece) {
      for (let at = 0; at < piece.length && to.writable; at++) {
        to.write(piece.subarray(at, at + 1))
        await nextTurn()
      }
    }
  }
}
