// GET /code/<shop>?from=<where> is answered with the mini-program code of a shop.

import { fastify } from 'fastify'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/fastify'

const { PORT = '3000' } = process.env
// What visitors may ask for. Each pair is one code, and one that is not known costs nothing.
const shops = new Set(['bund', 'xuhui'])
const places = new Set(['web', 'poster'])

// One for the process: it keeps the access token, the connections and, with `cache`, the codes.
const wxa = WxaCode.fromEnv({ cache: true })

const app = fastify()
app.addHook('onClose', () => wxa.close())
app.get(
  '/code/:shop',
  codeHandler(wxa, (request) => {
    const { shop } = request.params
    const { from = 'web' } = request.query
    if (!shops.has(shop) || !places.has(from)) return null
    return { scene: `shop=${shop}&from=${from}`, page: 'pages/index/index' }
  }),
)

console.log(`${await app.listen({ port: Number(PORT) })}/code/bund`)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
