// Loaded before the server by `npm start`: where the environment has no platform, one of a fake WeChat in this process, and a
// merchant that authorises it as soon as the server takes pushes.

import { setTimeout as wait } from 'node:timers/promises'
import { startFakeWeChat } from 'wxacode-fake'

const { WXACODE_PLATFORM_APPID, PORT = '3000' } = process.env

if (!WXACODE_PLATFORM_APPID) {
  const here = `http://127.0.0.1:${PORT}`
  const fake = await startFakeWeChat({ platforms: [{ pushUrl: `${here}/wechat/push`, automaticPushes: true }] })
  const [{ appid, secret, pushToken, encodingAESKey }] = fake.platforms
  Object.assign(process.env, {
    WXACODE_PLATFORM_APPID: appid,
    WXACODE_PLATFORM_SECRET: secret,
    WXACODE_PLATFORM_PUSH_TOKEN: pushToken,
    WXACODE_PLATFORM_ENCODING_AES_KEY: encodingAESKey,
    WXACODE_PLATFORM_STORE: 'memory',
    WXACODE_BASE_URL: fake.url,
  })
  // The server asks for them.
  fake.stopPushes()
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      stopped.abort()
      fake.close()
    })
  }
  console.log(`no WXACODE_PLATFORM_APPID: pushes and codes come from a fake WeChat on ${fake.url}`)
  authorizeOne(fake, here, stopped.signal).catch((error) => {
    if (!stopped.signal.aborted) throw error
  })
}

/**
 * @param {import('wxacode-fake').FakeWeChat} fake
 * @param {string} here
 * @param {AbortSignal} signal
 */
async function authorizeOne(fake, here, signal) {
  while (!fake.pushes.some(({ status }) => status === 200)) await wait(50, undefined, { signal })
  const merchant = 'wx00000000000000aa'
  await fake.authorize(merchant)
  console.log(`a merchant has authorised: curl -o code.jpg '${here}/merchants/${merchant}/code?scene=table%3D7'`)
}
