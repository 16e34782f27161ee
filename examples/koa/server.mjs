// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import Koa from 'koa'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/koa'

const { PORT = '3000' } = process.env
// What visitors may ask for. Each pair is one code, and one that is not known costs nothing.
const shops = new Set(['bund', 'xuhui'])
const places = new Set(['web', 'poster'])

// One for the process: it keeps the access token, the connections and, with `cache`, the codes.
const wxa = WxaCode.fromEnv({ cache: true })

const code = codeHandler(wxa, (ctx) => {
  const shop = ctx.path.slice('/code/'.length)
  const { from = 'web' } = ctx.query
  if (!shops.has(shop) || !places.has(from)) return null
  return { scene: `shop=${shop}&from=${from}`, page: 'pages/index/index' }
})

const app = new Koa()
app.use((ctx, next) => (ctx.path.startsWith('/code/') ? code(ctx) : next()))

const server = app.listen(Number(PORT), () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/code/bund`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => wxa.close()))
