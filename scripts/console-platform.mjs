// A third-party platform for the console blocks of the documents: its file as a server leaves it that was stopped.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { WxaPlatform } from 'wxacode'
import { pushHandler } from 'wxacode/express'

const PLATFORM = {
  appid: 'wx0123456789abcdef',
  secret: 'fedcba9876543210fedcba9876543210',
  pushToken: 'console',
  encodingAESKey: 'a'.repeat(43),
}
/** The second has not granted codes. */
const MERCHANTS = { wx1111111111111111: [17, 88], wx2222222222222222: [88] }

/** What a fake needs to play it: the server of `served`, which is stopped by `close`. @param {string} folder */
export async function openProvider(folder) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const store = `file:${join(folder, 'wechat.json')}`
  return {
    fakeOptions: { platforms: [{ ...PLATFORM, pushUrl: `http://127.0.0.1:${port}/` }] },
    env: {
      WXACODE_PLATFORM_APPID: PLATFORM.appid,
      WXACODE_PLATFORM_SECRET: PLATFORM.secret,
      WXACODE_PLATFORM_PUSH_TOKEN: PLATFORM.pushToken,
      WXACODE_PLATFORM_ENCODING_AES_KEY: PLATFORM.encodingAESKey,
    },
    /** Takes a ticket and merchants, and ends. @param {import('wxacode-fake').FakeWeChat} fake */
    async serve(fake) {
      const platform = new WxaPlatform({ ...PLATFORM, store, baseUrl: fake.url })
      server.on('request', pushHandler(platform))
      await fake.pushTicket()
      for (const [merchant, permissions] of Object.entries(MERCHANTS)) {
        await fake.authorize(merchant, { permissions })
        await platform.client(merchant).getAccessToken()
      }
      await platform.close()
    },
    close: () => server.close(),
  }
}
