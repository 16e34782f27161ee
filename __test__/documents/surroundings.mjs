// What a block of code in a README takes for granted. Loaded before it; whatever it opens asks the fake WeChat of the test.

import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Server } from 'node:net'

const require = createRequire(import.meta.url)
const wxacode = require('wxacode')
const { appid, secret, baseUrl, pushToken, encodingAESKey } = JSON.parse(process.env.TEST_GIVEN)

wxacode.WxaCode = class WxaCode extends wxacode.WxaCode {
  constructor(options) {
    super({ baseUrl, ...options })
  }
}

const { listen } = Server.prototype
Server.prototype.listen = function (port, ...rest) {
  this.once('listening', () => console.log(`listening on ${this.address().port};`))
  return listen.call(this, port === 3000 ? 0 : port?.port === 3000 ? { ...port, port: 0 } : port, ...rest)
}

Object.assign(globalThis, {
  WxaCode: wxacode.WxaCode,
  wxa: new wxacode.WxaCode({ appid, secret }),
  appid,
  secret,
  platform: new wxacode.WxaPlatform({ appid, secret, pushToken, encodingAESKey, store: 'memory', baseUrl }),
  pushToken,
  encodingAESKey,
  writeFile,
  scene: 'id=42',
  page: 'pages/index/index',
  code: 'from-wx.login',
  shops: [{ id: 1 }, { id: 2 }],
  askYourTokenService: async () => 'a-token-of-yours',
  findShop: async (id) => ({ id: Number(id) }),
})
await mkdir('codes')
