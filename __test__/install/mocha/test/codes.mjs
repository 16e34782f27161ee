import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { WeChatAPIError, WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'

describe('codes', () => {
  let fake
  let wxacode

  beforeEach(async () => {
    fake = await startFakeWeChat()
    wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url })
  })

  afterEach(() => fake.close())

  it('are requested with their page', async () => {
    await wxacode.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/goods/detail' })
    assert.equal(JSON.parse(fake.requests.at(-1).body).page, 'pages/goods/detail')
  })

  it('fail for an unpublished page', async () => {
    fake.fail(41030)
    await assert.rejects(wxacode.getUnlimitedQRCode({ scene: 'id=42' }), WeChatAPIError)
  })
})
