'use strict'

/** @import { Limits } from '../index.js' */

/** @type {Required<Limits>} */
const DEFAULT_LIMITS = {
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html
  unlimitedPerMinute: 5000,
  unlimitedErrcode: 45009,
  // https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/qr-code/wxacode.get.html
  limitedPerDay: 10_000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html
  codesForLife: 100_000,
  // Not published for mini-programs; 2,000 is the figure of the old official-account table.
  classicPerDay: 2000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
  stablePerMinute: 10_000,
  stablePerDay: 500_000,
  forcedPerDay: 20,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html
  linksPerSecond: 100,
  linksPerDay: 500_000,
  linksErrcode: 44993,
  visitsPerDay: 3_000_000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html
  shortLinksPerDay: 10_000_000,
  permanentShortLinks: 100_000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html
  clearsPerMonth: 10,
  // https://developers.weixin.qq.com/doc/channels/api/basic/api_clearapiquota.html
  clearsOfOnePerMonth: 50,
  // Not published; users name 2,000 to 10,000.
  componentTokensPerDay: 2000,
  // What quota/get told of generatescheme: https://developers.weixin.qq.com/community/personal/oCJUsw3LGu42VIje593o8KGvcMPA/question
  callsPerDay: 10_000_000,
}

module.exports = { DEFAULT_LIMITS }
