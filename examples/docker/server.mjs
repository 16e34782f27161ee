// A server in a container: it does not start where WeChat would refuse every call, and it ends well on SIGTERM.

import { createServer } from 'node:http'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/express'

const PAGE = 'pages/index/index'
const SHOPS = new Set(['1', '42'])

const wxa = WxaCode.fromEnv({ cache: true })
await wxa.ready({ timeoutMs: 5000 })

const code = codeHandler(wxa, (/** @type {import('node:http').IncomingMessage} */ { url = '' }) => {
  const id = url.slice('/code/'.length)
  return SHOPS.has(id) ? { scene: `id=${id}`, page: PAGE } : null
})

const server = createServer((req, res) => {
  if (req.url === '/healthz') res.end('ok')
  else code(req, res)
})
server.listen(Number(process.env.PORT ?? 3000))

// Docker kills a container 10 s after SIGTERM, and Kubernetes after 30 s.
process.once('SIGTERM', async () => {
  server.close()
  await wxa.close({ timeoutMs: 8000 })
})
