import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'

/** A proxy on this machine that forwards and tunnels, or refuses with a status or by hanging up, and keeps what it was asked. */
export async function startProxy(t, { refuse } = {}) {
  const seen = []
  const sockets = new Set()
  const server = createServer((req, res) => {
    seen.push({ method: req.method, url: req.url, headers: req.headers })
    if (refuse === 'hang up') return res.destroy()
    if (refuse) return res.writeHead(refuse).end('<html>no</html>')
    const { 'proxy-authorization': _, ...headers } = req.headers
    const onward = request(req.url, { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  server.on('connect', (req, socket) => {
    seen.push({ method: req.method, url: req.url, headers: req.headers })
    if (refuse === 'hang up') return socket.destroy()
    if (refuse) return socket.end(`HTTP/1.1 ${refuse} No\r\nContent-Length: 0\r\n\r\n`)
    const [host, port] = req.url.split(':')
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(socket).pipe(onward)
    })
    sockets.add(onward)
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address()
  return { seen, port, url: `http://127.0.0.1:${port}` }
}
