// A provider that makes codes for merchants: WeChat pushes to /wechat/push, merchants authorise at /authorize, and
// GET /merchants/<appid>/code?scene=table%3D7 is answered with the code of a merchant's table.

import express from 'express'
import { WxaPlatform } from 'wxacode'
import { codeHandler, pushHandler } from 'wxacode/express'

const { env } = process
const { PORT = '3000', PUBLIC_URL = `http://127.0.0.1:${PORT}` } = env

// One for the process. The store keeps what WeChat gives only once; several processes share a Redis.
const platform = new WxaPlatform({
  appid: env.WXACODE_PLATFORM_APPID ?? '',
  secret: env.WXACODE_PLATFORM_SECRET ?? '',
  pushToken: env.WXACODE_PLATFORM_PUSH_TOKEN,
  encodingAESKey: env.WXACODE_PLATFORM_ENCODING_AES_KEY,
  store: env.WXACODE_PLATFORM_STORE || undefined,
  redis: env.WXACODE_REDIS || undefined,
  baseUrl: env.WXACODE_BASE_URL || undefined,
})

// Who may have codes made, with a handler for each. In a real service they are in your database.
/** @type {Map<string, ReturnType<typeof codeHandler>>} */
const merchants = new Map()
/** @param {string} appid */
const addMerchant = (appid) => merchants.set(appid, merchants.get(appid) ?? codesOf(appid))
let areMerchantsRead = false

const app = express()

// 授权事件接收 URL on open.weixin.qq.com.
app.post(
  '/wechat/push',
  pushHandler(platform, async (event) => {
    if ('authorizerAppid' in event) {
      if (event.type === 'unauthorized') console.log(`${event.authorizerAppid} has withdrawn its authorisation`)
      else addMerchant(event.authorizerAppid)
    }
    // Calls of WeChat's list work once there is a ticket.
    if (event.type === 'component_verify_ticket' && !areMerchantsRead) await readMerchants()
  }),
)

// A link to this page is what the provider gives to a merchant. Its host must be the one that open.weixin.qq.com has.
app.get('/authorize', async (req, res) => {
  const url = await platform.authorizationUrl({
    redirectUri: `${PUBLIC_URL}/authorized`,
    authType: 2,
    mobile: /MicroMessenger/.test(req.get('User-Agent') ?? ''),
  })
  // WeChat looks at where the visitor comes from, so the page has a link and does not redirect.
  res
    .type('html')
    .send(`<!doctype html><meta name="referrer" content="origin"><a href="${escaped(url)}">授权 · Authorise</a>`)
})

// The merchant returns here. The push of the same authorisation may come before or after.
app.get('/authorized', async (req, res) => {
  const { appid, permissions } = await platform.completeAuthorization(String(req.query.auth_code ?? ''))
  addMerchant(appid)
  res.json({ appid, canHaveCodes: permissions.includes(17), canHaveLinks: permissions.includes(88) })
})

app.get('/merchants/:appid/code', (req, res, next) => {
  const handler = merchants.get(req.params.appid)
  if (handler) handler(req, res, next)
  else res.sendStatus(404)
})

const server = app.listen(Number(PORT), async () => {
  console.log(`${PUBLIC_URL}/authorize`)
  // Pushes may have stopped while nobody answered them.
  await platform.startPushTicket().catch((error) => console.error(error.message))
})
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
  process.once(signal, () => server.close(() => platform.close()))

/** What visitors may ask of a merchant: a code for each of its tables, and nothing else. @param {string} appid */
function codesOf(appid) {
  return codeHandler(platform.client(appid, { cache: true }), (req) => {
    const { scene } = req.query
    return /^table=\d{1,3}$/.test(scene) ? { scene, checkPath: false } : null
  })
}

async function readMerchants() {
  areMerchantsRead = true
  try {
    for await (const { appid } of platform.authorizers()) addMerchant(appid)
  } catch (error) {
    areMerchantsRead = false
    throw error
  }
}

/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
