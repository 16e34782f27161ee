// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import { fastify } from 'fastify'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/fastify'

const { WXACODE_APPID: appid = '', WXACODE_SECRET: secret, WXACODE_BASE_URL: baseUrl, PORT = '3000' } = process.env
const shops = new Set(['bund', 'xuhui'])

// One for the process: it keeps the access token and the connections.
const wxa = new WxaCode({ appid, secret, baseUrl })

const app = fastify()
app.addHook('onClose', () => wxa.close())
app.get(
  '/code/:shop',
  codeHandler(wxa, (request) => {
    const { shop } = request.params
    if (!shops.has(shop)) return null
    return { scene: `shop=${shop}&from=${request.query.from ?? 'web'}`, page: 'pages/index/index' }
  }),
)

console.log(`${await app.listen({ port: Number(PORT) })}/code/bund`)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
