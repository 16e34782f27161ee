import { once } from 'node:events'
import { connect, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** @import { Socket } from 'node:net' */
/** @import { Place } from './address.js' */

/** @typedef {string | number | null | Reply[]} Reply */

/** @typedef {Awaited<ReturnType<typeof converse>>} Conversation */

/** What Redis refused; `code` is its first word. */
export class Refusal extends Error {
  /** @param {string} said */
  constructor(said) {
    super(said)
    this.code = /^-?([A-Z]+)/.exec(said)?.[1] ?? 'ERR'
  }
}

/** Who answers there speaks another protocol. */
export class Stranger extends Error {
  /** @param {string} said */
  constructor(said) {
    super('no answer of a Redis')
    this.said = said
  }
}

/**
 * A conversation with a Redis, one command after the other, in RESP2. A client of the field would hide what a doctor looks
 * for: who else answers there, and at which step it ends.
 *
 * @param {Place} place
 * @param {{ isTls: boolean, signal: AbortSignal }} how
 */
export async function converse(place, { isTls, signal }) {
  const socket = open(place, isTls)
  // What happens to it is told to who waits for an answer.
  socket.on('error', () => {})
  const end = () => socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    await once(socket, 'connect', { signal })
    if (isTls && !('path' in place)) await handshake(socket, signal)
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
    async ask(...words) {
      const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
      socket.write(`*${words.length}\r\n${parts.join('')}`)
      for (;;) {
        const read = replyIn(unread)
        if (read !== undefined) {
          unread = unread.slice(read.end)
          if (read.reply instanceof Refusal) throw read.reply
          return read.reply
        }
        unread += (await nextChunk(socket, signal)).toString('latin1')
      }
    },
  }
}

/**
 * A Redis that speaks no TLS takes the beginning of a handshake for half a command, and waits for the rest.
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
 * @param {Place} place
 * @param {boolean} isTls
 * @returns {Socket}
 */
function open(place, isTls) {
  if (!isTls || 'path' in place) return connect(place)
  return connectTls({ ...place, servername: isIP(place.host) ? undefined : place.host })
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
 * The reply at the beginning of a text, if it is whole.
 *
 * @param {string} text
 * @returns {{ reply: Reply | Refusal, end: number } | undefined}
 */
function replyIn(text, at = 0) {
  if (text.length > at && !'+-:$*'.includes(text[at])) throw new Stranger(text)
  const line = text.indexOf('\r\n', at)
  if (line === -1) return undefined
  const [kind, said, end] = [text[at], text.slice(at + 1, line), line + 2]
  if (kind === '+') return { reply: said, end }
  if (kind === '-') return { reply: new Refusal(said), end }
  const count = Number(said)
  if (!Number.isInteger(count)) throw new Stranger(text)
  if (kind === ':') return { reply: count, end }
  if (count < 0) return { reply: null, end }
  if (kind === '*') return repliesIn(text, end, count)
  return text.length < end + count + 2 ? undefined : { reply: text.slice(end, end + count), end: end + count + 2 }
}

/**
 * @param {string} text
 * @param {number} at
 * @param {number} count
 */
function repliesIn(text, at, count) {
  /** @type {Reply[]} */
  const reply = []
  let end = at
  while (reply.length < count) {
    const one = replyIn(text, end)
    if (one === undefined) return undefined
    reply.push(one.reply instanceof Refusal ? one.reply.message : one.reply)
    end = one.end
  }
  return { reply, end }
}
