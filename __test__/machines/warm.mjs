// Loaded before a test file that runs under qemu: the first requests and pictures of a process take seconds there, after which the
// client of a test gives up a request for a token.

import { isMainThread } from 'node:worker_threads'

if (process.env.NODE_TEST_CONTEXT && isMainThread) {
  const { WxaCode } = await import('wxacode')
  const { startFakeWeChat } = await import('wxacode-fake')
  const { decode } = await import('../support/decode.mjs')
  const account = { appid: 'wx00000000000000aa', secret: 'the-secret-of-the-warm-up' }
  const fake = await startFakeWeChat({ apps: [account] })
  const wxa = new WxaCode({ ...account, baseUrl: fake.url, timeoutMs: 600_000 })
  for (let n = 0; n < 10; n++) decode(await wxa.getUnlimitedQRCode({ scene: `n=${n}`, width: 280 }))
  await fake.close()
}
