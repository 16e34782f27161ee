import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

test('a stale token is replaced', async (t) => {
  const fake = await startFakeWeChat()
  t.after(() => fake.close())
  const wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })
  await wxacode.getUnlimitedQRCode({ scene: 'id=1' })
  fake.revokeTokens()
  await wxacode.getUnlimitedQRCode({ scene: 'id=2' })
  assert.equal(fake.count('tokens'), 2)
})
