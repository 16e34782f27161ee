import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { WxaPlatform } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { newSecret } from '../support/suite.mjs'
import { frameworks } from './frameworks.mjs'

/**
 * A site by one of the frameworks to which a fake WeChat pushes. `wrap` puts something before the handler, such as a parser of
 * bodies. `events` is what `onEvent` was called with, `thrown` what the framework's error handler has seen.
 */
export async function pushSite(t, name, { onEvent, wrap = (handler) => handler, store = 'memory' } = {}) {
  const { pushHandler, listen } = frameworks[name]
  const [events, thrown] = [[], []]
  let handler
  const server = await listen(
    (...args) => handler(...args),
    (error) => thrown.push(error),
  )
  const { port } = server.address()
  const secret = newSecret()
  const fake = await startFakeWeChat({ platforms: [{ secret, pushUrl: `http://127.0.0.1:${port}/code` }] })
  const { appid, pushToken, encodingAESKey } = fake.platforms[0]
  const platform = new WxaPlatform({
    ...{ appid, secret, pushToken, encodingAESKey, store },
    ...{ baseUrl: fake.url, timeoutMs: 600_000 },
  })
  t.after(async () => {
    server.close()
    server.closeAllConnections()
    await Promise.all([platform.close(), fake.close()])
  })
  const heard = (event) => {
    events.push(event)
    return onEvent?.(event)
  }
  handler = wrap(pushHandler(platform, heard))
  return { fake, platform, server, port, events, thrown, push: () => capturedPush(fake) }
}

/** A valid push of a ticket as it would be sent: its path with the query, and its body. */
async function capturedPush(fake) {
  await fake.pushTicket()
  const { url, body } = fake.pushes.at(-1)
  const { pathname, search } = new URL(url)
  return { path: pathname + search, body }
}

/** Sends a body over a connection of its own, and gives the whole answer. */
export function send(port, { path, body, method = 'POST', headers }) {
  return new Promise((resolve, reject) => {
    const given = { 'Content-Type': 'text/xml', ...headers }
    const req = request({ host: '127.0.0.1', port, path, method, headers: given, agent: false }, (res) => {
      const chunks = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.once('error', reject)
      res.once('end', () => resolve({ status: res.statusCode, headers: res.headers, body: `${Buffer.concat(chunks)}` }))
    })
    req.once('error', reject)
    req.end(body)
  })
}

/** A connection on which a test writes what it likes. `answer` is all that came until the server has closed it. */
export async function connection(t, port) {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const read = []
  socket.on('data', (bytes) => read.push(bytes))
  socket.on('error', () => {})
  const answer = once(socket, 'close').then(() => Buffer.concat(read).toString('latin1'))
  const head = (path, ...fields) => {
    const lines = [`POST ${path} HTTP/1.1`, 'Host: here', 'Content-Type: text/xml', ...fields]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  }
  return { socket, head, answer }
}
