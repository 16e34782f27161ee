// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl, PORT = '3000' } = process.env
const shops = new Set(['bund', 'xuhui'])

// One for the process: it keeps the access token and the connections.
const wxa = new WxaCode({ appid, secret, baseUrl })

const code = codeHandler(wxa, (_request, /** @type {import('hono').Context} */ c) => {
  const shop = c.req.param('shop') ?? ''
  if (!shops.has(shop)) return null
  return { scene: `shop=${shop}&from=${c.req.query('from') ?? 'web'}`, page: 'pages/index/index' }
})

const app = new Hono()
app.get('/code/:shop', (c) => code(c.req.raw, c))

const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/code/bund`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => wxa.close()))
