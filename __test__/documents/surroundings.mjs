// What a block of code in a README takes for granted. Loaded before it; whatever it opens asks the fake WeChat of the test.

import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Server } from 'node:net'

const require = createRequire(import.meta.url)
const wxacode = require('wxacode')
const { appid, secret, baseUrl, ofPlatform, pushed } = JSON.parse(process.env.TEST_GIVEN)

// The directory of a cache is in the block's folder.
wxacode.WxaCode = class WxaCode extends wxacode.WxaCode {
  constructor({ cache, ...options }) {
    const here = cache?.directory && { ...cache, directory: cache.directory.replace(/^.*\//, './') }
    super({ baseUrl, ...options, cache: here ?? cache })
  }
}

// Whatever a block opens in the reader's name is the test's own platform, whose file is in the block's folder.
wxacode.WxaPlatform = class WxaPlatform extends wxacode.WxaPlatform {
  constructor({ store, ...options }) {
    const here = typeof store === 'string' ? store.replace(/^file:.*\//, 'file:') : store
    super({ store: here, ...options, ...(options.baseUrl ? {} : { ...ofPlatform, baseUrl }) })
  }
}

/** A table of the reader's database. */
const rows = new Map()
const ofMerchants = ['wx00000000000000a1', 'wx00000000000000a2'].map((appid) => ({
  appid,
  refresh_token: 'refreshtoken@@@1',
}))
const database = {
  async query(sql, [name, value] = []) {
    if (sql.includes('FROM merchants')) return ofMerchants
    if (sql.startsWith('INSERT')) rows.set(name, value)
    if (sql.startsWith('DELETE')) rows.delete(name)
    return sql.startsWith('SELECT') && rows.has(name) ? [{ value: rows.get(name) }] : []
  },
}

const platform = new wxacode.WxaPlatform({ appid, secret, store: 'memory' })
if (pushed) await platform.receivePush(pushed)

const { listen } = Server.prototype
Server.prototype.listen = function (port, ...rest) {
  this.once('listening', () => console.log(`listening on ${this.address().port};`))
  return listen.call(this, port === 3000 ? 0 : port?.port === 3000 ? { ...port, port: 0 } : port, ...rest)
}

Object.assign(globalThis, {
  WxaCode: wxacode.WxaCode,
  WxaPlatform: wxacode.WxaPlatform,
  wxa: new wxacode.WxaCode({ appid, secret }),
  appid,
  secret,
  writeFile,
  scene: 'id=42',
  page: 'pages/index/index',
  code: 'from-wx.login',
  shops: [{ id: 1 }, { id: 2 }],
  askYourTokenService: async () => 'a-token-of-yours',
  findShop: async (id) => ({ id: Number(id) }),
  platform,
  pushToken: ofPlatform.pushToken,
  encodingAESKey: ofPlatform.encodingAESKey,
  merchantAppid: 'wx00000000000000a1',
  database,
  askToAuthorizeAgain: async (appid) => console.log('ask', appid),
})
await mkdir('codes')
