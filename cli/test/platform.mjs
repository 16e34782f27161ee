import { createServer } from 'node:http'
import { WxaPlatform } from 'wxacode'
import { newAppid, newSecret } from '../../__test__/support/suite.mjs'
import { setupCli } from './helpers.mjs'

/** A server of a provider, which takes pushes while `open()` has its platform. */
async function startProvider(t) {
  const provider = { platform: undefined }
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    await provider.platform.receivePush({ query, body: Buffer.concat(chunks) }).then(
      () => response.end('success'),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  provider.url = `http://127.0.0.1:${server.address().port}/push`
  return provider
}

/**
 * A third-party platform on a fake, the variables of the command line for it, and `served`, which runs something while the
 * provider's server has the store.
 */
export async function setupPlatform(t, { redis, ...more } = {}) {
  const provider = await startProvider(t)
  const secret = newSecret()
  const here = await setupCli(t, { platforms: [{ appid: newAppid(), secret, pushUrl: provider.url, ...more }] })
  const { appid, pushToken, encodingAESKey } = here.fake.platforms[0]
  const store = redis === undefined ? `file:${here.file('wechat.json')}` : undefined
  const options = { appid, secret, pushToken, encodingAESKey, store, redis, baseUrl: here.fake.url, timeoutMs: 50_000 }
  const env = {
    WXACODE_APPID: '',
    WXACODE_SECRET: '',
    WXACODE_PLATFORM_APPID: appid,
    WXACODE_PLATFORM_SECRET: secret,
    WXACODE_PLATFORM_PUSH_TOKEN: pushToken,
    WXACODE_PLATFORM_ENCODING_AES_KEY: encodingAESKey,
    WXACODE_PLATFORM_STORE: store ?? '',
    WXACODE_REDIS: redis ?? '',
  }
  const hidden = () => [...here.secrets(), secret, pushToken, encodingAESKey, ...here.fake.liveTickets()]
  const served = async (act) => {
    provider.platform = new WxaPlatform(options)
    try {
      return await act(provider.platform)
    } finally {
      await provider.platform.close()
    }
  }
  return {
    ...here,
    appid,
    options,
    served,
    wxacode: (args, { env: changed, ...rest } = {}) =>
      here.wxacode(args, { secrets: hidden, ...rest, env: { ...env, ...changed } }),
    /** A ticket, and merchants whose codes are exchanged, in the store. */
    filled: (merchants = [], permissions = [17, 88]) =>
      served(async (platform) => {
        await here.fake.pushTicket()
        for (const merchant of merchants) {
          await here.fake.authorize(merchant, { permissions })
          await platform.client(merchant).getAccessToken()
        }
      }),
  }
}
