import { WxaCode } from 'wxacode'

// Made while the file is loaded: `--detectOpenHandles` lists what this makes, unless the clients are closed.
const options = { appid: 'wx0123456789abcdef', baseUrl: 'http://127.0.0.1:1', retries: 0, timeoutMs: 1000 }
const withToken = new WxaCode({ ...options, token: () => 'a' })
const withSecret = new WxaCode({ ...options, secret: 'a'.repeat(32) })

afterAll(() => withToken.close())

test.each([withToken, withSecret])('a client that was made before the tests works', async (wxa) => {
  const error = await wxa.getUnlimitedQRCode({ scene: 'a=0' }).catch((error) => error)
  expect(error.code).toMatch(/^ERR_WXA_(?:NETWORK|TIMEOUT)$/)
})
