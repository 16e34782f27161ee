// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'

const { PORT = '3000' } = process.env
// What visitors may ask for. Each pair is one code, and one that is not known costs nothing.
const shops = new Set(['bund', 'xuhui'])
const places = new Set(['web', 'poster'])

// One for the process: it keeps the access token, the connections and, with `cache`, the codes.
const wxa = WxaCode.fromEnv({ cache: true })

const code = codeHandler(wxa, (_request, /** @type {import('hono').Context} */ c) => {
  const [shop = '', from = 'web'] = [c.req.param('shop'), c.req.query('from')]
  if (!shops.has(shop) || !places.has(from)) return null
  return { scene: `shop=${shop}&from=${from}`, page: 'pages/index/index' }
})

const app = new Hono()
app.get('/code/:shop', (c) => code(c.req.raw, c))

const server = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/code/bund`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => wxa.close()))
