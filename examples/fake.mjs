// Loaded before an example by `npm start`: where the environment has no account, one of a fake WeChat in this process.

import { startFakeWeChat } from 'wxacode-fake'

if (!process.env.WXACODE_APPID) {
  const { appid, secret, url, close } = await startFakeWeChat()
  Object.assign(process.env, { WXACODE_APPID: appid, WXACODE_SECRET: secret, WXACODE_BASE_URL: url })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => close())
  console.log(`no WXACODE_APPID: codes come from a fake WeChat on ${url}`)
}
