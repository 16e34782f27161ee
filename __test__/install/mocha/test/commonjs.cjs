const assert = require('node:assert/strict')
const { mock } = require('node:test')
const { WeChatAPIError, WxaCode } = require('wxacode')
const { startFakeWeChat } = require('wxacode-fake')

describe('in CommonJS, without a look at the end of anything', () => {
  let fake
  before(async () => {
    fake = await startFakeWeChat()
  })
  after(() => fake.close())

  it('a code is drawn under fake timers', async () => {
    mock.timers.enable()
    try {
      const wxacode = new WxaCode({ appid: fake.appid, secret: fake.secret, baseUrl: fake.url, token: 'classic' })
      assert.equal((await wxacode.createQRCode({ path: 'a' })).subarray(0, 3).toString('latin1'), '\xff\xd8\xff')
    } finally {
      mock.timers.reset()
    }
  })

  it('an error is made without a call', () => {
    assert.ok(WeChatAPIError.from(41030) instanceof WeChatAPIError)
  })
})
