// Where the environment has no account, one of a fake WeChat in this process, whose codes are round as WeChat's are. In your own
// project leave this file out.

import { startFakeWeChat } from 'wxacode-fake'

export let close = async () => {}

if (!process.env.WXACODE_APPID) {
  const fake = await startFakeWeChat({ shape: 'round' })
  Object.assign(process.env, { WXACODE_APPID: fake.appid, WXACODE_SECRET: fake.secret, WXACODE_BASE_URL: fake.url })
  close = () => fake.close()
  console.log(`no WXACODE_APPID: codes come from a fake WeChat on ${fake.url}`)
}
