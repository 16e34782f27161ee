import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { WeChatAPIError, WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

test('faked timers hold up neither the fake nor the client', async (t) => {
  mock.timers.enable()
  t.after(() => mock.timers.reset())
  const fake = await startFakeWeChat({ latency: 1 })
  t.after(() => fake.close())
  const wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })
  assert.ok((await wxacode.getQRCode({ path: 'a' })).length > 1000)
  mock.timers.tick(3 * 7_200_000)
  assert.ok((await wxacode.getQRCode({ path: 'b' })).length > 1000)
  assert.equal(fake.count('tokens'), 1)
})

test('a mock of a method rejects with an error of WeChat’s', async (t) => {
  const wxacode = new WxaCode({ appid: 'wx0123456789abcdef', token: 'none' })
  t.mock.method(wxacode, 'getUnlimitedQRCode', () => Promise.reject(WeChatAPIError.from(41030)))
  await assert.rejects(wxacode.getUnlimitedQRCode({ scene: 'id=42' }), {
    errcode: 41030,
    endpoint: 'getUnlimitedQRCode',
  })
})
