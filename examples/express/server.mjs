// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import express from 'express'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/express'

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl, PORT = '3000' } = process.env
const shops = new Set(['bund', 'xuhui'])

// One for the process: it keeps the access token and the connections.
const wxa = new WxaCode({ appid, secret, baseUrl })

const app = express()
app.get(
  '/code/:shop',
  codeHandler(wxa, (req) => {
    const { shop } = req.params
    if (!shops.has(shop)) return null
    return { scene: `shop=${shop}&from=${req.query.from ?? 'web'}`, page: 'pages/index/index' }
  }),
)

const server = app.listen(Number(PORT), () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/code/bund`)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close(() => wxa.close()))
