import { once } from 'node:events'
import { request as askPlainly } from 'node:http'
import { request as askOverTls } from 'node:https'
import { isIP } from 'node:net'
import { connect, rootCertificates } from 'node:tls'

/** @import { ClientRequest, IncomingMessage } from 'node:http' */
/** @import { Socket } from 'node:net' */
/** @import { TLSSocket } from 'node:tls' */
/** @import { Stage } from './stage.js' */

const TIMEOUT_MS = 10_000

/**
 * A TLS connection to WeChat's host, through the proxy if there is one. Whether its certificate is good is for the caller
 * to judge: nothing secret is sent over it.
 *
 * @param {Stage} stage
 * @returns {Promise<TLSSocket>}
 */
export async function openTls({ url: { hostname, port }, proxy, options: { ca }, signal }) {
  const tls = connect({
    socket: proxy && (await tunnel(proxy, `${hostname}:${port || 443}`, signal)),
    host: hostname,
    port: Number(port || 443),
    servername: isIP(hostname) ? undefined : hostname,
    ca: ca && [...rootCertificates, Buffer.from(ca)],
    rejectUnauthorized: false,
    timeout: TIMEOUT_MS,
  })
  tls.once('timeout', () => tls.destroy(timedOut()))
  await once(tls, 'secureConnect', { signal })
  return tls
}

/**
 * @param {URL} proxy
 * @param {string} host
 * @param {AbortSignal} signal
 * @returns {Promise<Socket>}
 */
async function tunnel({ hostname, port, username, password }, host, signal) {
  const login = Buffer.from(decodeURIComponent(`${username}:${password}`)).toString('base64')
  const asking = askPlainly({
    host: hostname,
    port: port || 80,
    method: 'CONNECT',
    path: host,
    headers: username ? { 'Proxy-Authorization': `Basic ${login}` } : {},
    timeout: TIMEOUT_MS,
    signal,
  })
  const [answer, socket] = await answerTo(asking, 'connect')
  if (answer.statusCode !== 200) throw new Error(`the proxy answered ${answer.statusCode}`)
  return socket
}

/**
 * How many milliseconds our clock is ahead of WeChat's, by the date of an answer; undefined for an answer without one. A
 * date counts whole seconds, so half of one is added; of the way there and back the middle counts.
 *
 * @param {Stage} stage
 * @returns {Promise<number | undefined>}
 */
export async function skewOf(stage) {
  const how = { timeout: TIMEOUT_MS, signal: stage.signal }
  const socket = stage.isPlain ? undefined : await openTls(stage)
  const sent = Date.now()
  const asking = socket ? askOverTls(stage.url, { ...how, createConnection: () => socket }) : askPlainly(stage.url, how)
  const [answer] = await answerTo(asking, 'response')
  const ours = (sent + Date.now()) / 2
  answer.destroy()
  const theirs = Date.parse(answer.headers.date ?? '')
  return Number.isNaN(theirs) ? undefined : ours - (theirs + 500)
}

/**
 * @param {ClientRequest} asking
 * @param {'connect' | 'response'} event
 * @returns {Promise<[IncomingMessage, Socket]>}
 */
async function answerTo(asking, event) {
  asking.once('timeout', () => asking.destroy(timedOut()))
  asking.end()
  return /** @type {any} */ (await once(asking, event))
}

const timedOut = () => Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
