import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** @import { Socket } from 'node:net' */
/** @import { ServerAddress } from './address.js' */

/** @typedef {string | number | null | Reply[]} Reply */

/** @typedef {Awaited<ReturnType<typeof connectResp>>} RespConnection */

/** An error reply of Redis; `code` is its first word. */
export class RedisReplyError extends Error {
  /** @param {string} said */
  constructor(said) {
    super(said)
    this.code = /^-?([A-Z]+)/.exec(said)?.[1] ?? 'ERR'
  }
}

/** The server does not speak RESP. */
export class NotRedisError extends Error {
  /** @param {string} said */
  constructor(said) {
    super('no answer of a Redis')
    this.said = said
  }
}

/**
 * Opens a RESP2 connection that sends one command after the other. A Redis client library would hide what the doctor reports:
 * another service at the address, and the step at which the connection fails.
 *
 * @param {ServerAddress} server
 * @param {{ isTls: boolean, signal: AbortSignal }} how
 */
export async function connectResp(server, { isTls, signal }) {
  const socket = open(server, isTls)
  // `nextChunk` throws the error to the caller that waits for a reply.
  socket.on('error', () => {})
  const end = () => socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    await once(socket, 'connect', { signal })
    if (isTls && !('path' in server)) await handshake(socket, signal)
  } catch (error) {
    socket.destroy()
    throw error
  }
  let unread = ''
  return {
    end,
    /**
     * @param {...(string | number)} words
     * @returns {Promise<Reply>}
     */
    async send(...words) {
      const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
      socket.write(`*${words.length}\r\n${parts.join('')}`)
      for (;;) {
        const read = parseReply(unread)
        if (read !== undefined) {
          unread = unread.slice(read.end)
          if (read.reply instanceof RedisReplyError) throw read.reply
          return read.reply
        }
        unread += (await nextChunk(socket, signal)).toString('latin1')
      }
    },
  }
}

/**
 * Waits for the TLS handshake. A Redis without TLS reads a ClientHello as half a command and waits for the rest.
 *
 * @param {Socket} socket
 * @param {AbortSignal} signal
 */
async function handshake(socket, signal) {
  try {
    await once(socket, 'secureConnect', { signal })
  } catch (error) {
    throw signal.aborted ? Object.assign(new Error('no handshake'), { code: 'EPROTO' }) : error
  }
}

/**
 * @param {ServerAddress} server
 * @param {boolean} isTls
 * @returns {Socket}
 */
function open(server, isTls) {
  if (!isTls || 'path' in server) return connect(server)
  return connectTls({ ...server, servername: isIP(server.host) ? undefined : server.host })
}

/**
 * @param {Socket} socket
 * @param {AbortSignal} signal
 * @returns {Promise<Buffer>}
 */
async function nextChunk(socket, signal) {
  const kept = socket.read()
  if (kept !== null) return kept
  if (socket.errored) throw socket.errored
  if (socket.readableEnded || socket.destroyed) throw closed()
  const waiting = new AbortController()
  const until = { signal: AbortSignal.any([signal, waiting.signal]) }
  try {
    await Promise.race([once(socket, 'readable', until), once(socket, 'close', until)])
  } finally {
    waiting.abort()
  }
  return socket.read() ?? nextChunk(socket, signal)
}

const closed = () => Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })

/**
 * Parses the reply at the beginning of a text. Returns undefined for an incomplete reply.
 *
 * @param {string} text
 * @returns {{ reply: Reply | RedisReplyError, end: number } | undefined}
 */
function parseReply(text, at = 0) {
  if (text.length > at && !'+-:$*'.includes(text[at])) throw new NotRedisError(text)
  const line = text.indexOf('\r\n', at)
  if (line === -1) return undefined
  const [kind, said, end] = [text[at], text.slice(at + 1, line), line + 2]
  if (kind === '+') return { reply: said, end }
  if (kind === '-') return { reply: new RedisReplyError(said), end }
  const count = Number(said)
  if (!Number.isInteger(count)) throw new NotRedisError(text)
  if (kind === ':') return { reply: count, end }
  if (count < 0) return { reply: null, end }
  if (kind === '*') return parseReplies(text, end, count)
  return text.length < end + count + 2 ? undefined : { reply: text.slice(end, end + count), end: end + count + 2 }
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} count
 */
function parseReplies(text, at, count) {
  /** @type {Reply[]} */
  const reply = []
  let end = at
  while (reply.length < count) {
    const one = parseReply(text, end)
    if (one === undefined) return undefined
    reply.push(one.reply instanceof RedisReplyError ? one.reply.message : one.reply)
    end = one.end
  }
  return { reply, end }
}
