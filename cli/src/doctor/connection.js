import { once } from 'node:events'
import { request as askPlainly } from 'node:http'
import { request as askOverTls } from 'node:https'
import { isIP } from 'node:net'
import { connect, rootCertificates } from 'node:tls'
import { loginOf } from './proxy.js'

/** @import { ClientRequest, IncomingMessage } from 'node:http' */
/** @import { Socket } from 'node:net' */
/** @import { TLSSocket } from 'node:tls' */
/** @import { WxaCodeOptions } from 'wxacode' */
/** @import { Connection } from './context.js' */

const TIMEOUT_MS = 10_000

/**
 * A TLS connection to WeChat's host, through the proxy if there is one. Whether its certificate is good is for the caller
 * to judge: nothing secret is sent over it.
 *
 * @param {Connection} context
 * @returns {Promise<TLSSocket>}
 */
export async function openTls(context) {
  const { url, proxy, options, signal } = context
  const [host, port] = [hostOf(url), Number(url.port || 443)]
  const tls = connect({
    socket: proxy && (await tunnel(proxy, `${url.hostname}:${port}`, context)),
    host,
    port,
    servername: isIP(host) ? undefined : host,
    ca: rootsWith(options.ca),
    rejectUnauthorized: false,
    timeout: TIMEOUT_MS,
  })
  tls.once('timeout', () => tls.destroy(timedOut()))
  await once(tls, 'secureConnect', { signal })
  // Whatever becomes of it later, it has told what it was opened for.
  tls.on('error', () => {})
  return tls
}

/**
 * @param {URL} proxy
 * @param {string} host
 * @param {Connection} context
 * @returns {Promise<Socket>}
 */
async function tunnel(proxy, host, { options: { ca }, signal }) {
  if (!/^https?:$/.test(proxy.protocol)) throw new Error(`${proxy.protocol} is no proxy of HTTP`)
  const isTls = proxy.protocol === 'https:'
  const asking = (isTls ? askOverTls : askPlainly)({
    host: hostOf(proxy),
    port: proxy.port || (isTls ? 443 : 80),
    method: 'CONNECT',
    path: host,
    headers: { Host: host, ...loginOf(proxy) },
    timeout: TIMEOUT_MS,
    signal,
    ...(isTls && { ca: rootsWith(ca) }),
  })
  const [answer, socket] = await answerTo(asking, 'connect')
  if (answer.statusCode === 200) return socket
  socket.destroy()
  throw new Error(`the proxy answered ${answer.statusCode}`)
}

/** @param {WxaCodeOptions['ca']} ca */
const rootsWith = (ca) => ca && [...rootCertificates, Buffer.from(ca)]

/** Without the brackets of an IPv6 address. @param {URL} url */
const hostOf = ({ hostname }) => hostname.replace(/[[\]]/g, '')

/**
 * How many milliseconds our clock is ahead of WeChat's, by the date of an answer; undefined for an answer without one. A
 * date counts whole seconds, so half of one is added; of the way there and back the middle counts.
 *
 * @param {Connection} context
 * @returns {Promise<number | undefined>}
 */
export async function skewOf(context) {
  const how = { timeout: TIMEOUT_MS, signal: context.signal }
  const socket = context.isPlainHttp ? undefined : await openTls(context)
  const sent = Date.now()
  const asking = socket ? askOverTls(context.url, { ...how, createConnection: () => socket }) : plainly(context, how)
  const [answer] = await answerTo(asking, 'response')
  const ours = (sent + Date.now()) / 2
  answer.destroy()
  const theirs = Date.parse(answer.headers.date ?? '')
  return Number.isNaN(theirs) ? undefined : ours - (theirs + 500)
}

/**
 * @param {Connection} context
 * @param {{ timeout: number, signal: AbortSignal }} how
 */
function plainly({ url, proxy }, how) {
  if (!proxy) return askPlainly(url, how)
  const headers = { Host: url.host, ...loginOf(proxy) }
  return askPlainly({ ...how, host: hostOf(proxy), port: proxy.port || 80, path: url.href, headers })
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
