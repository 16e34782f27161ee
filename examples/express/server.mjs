// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import express from 'express'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/express'

const { PORT = '3000' } = process.env
// What visitors may ask for. Each pair is one code, and one that is not known costs nothing.
const shops = new Set(['bund', 'xuhui'])
const places = new Set(['web', 'poster'])

// One for the process: it keeps the access token, the connections and, with `cache`, the codes; in a directory they outlast a restart.
const wxa = WxaCode.fromEnv({ cache: { directory: process.env.CODES_DIRECTORY } })

const app = express()
app.get(
  '/code/:shop',
  codeHandler(wxa, (req) => {
    const { shop } = req.params
    const { from = 'web' } = req.query
    if (!shops.has(shop) || !places.has(from)) return null
    return { scene: `shop=${shop}&from=${from}`, page: 'pages/index/index' }
  }),
)

const server = app.listen(Number(PORT), () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/code/bund`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => wxa.close()))
