import { callerByToken } from './callers.js'
import { readCodeBody, WIDTH } from './params.js'
import { colorFor, MAX_TEXT_BYTES, picture } from './picture.js'
import { refusal } from './refusals.js'

/** @import { Account, Answer, CodeEndpoint, CodeParams, PictureOrder, Visit, World } from './types.js' */

const KINDS = { getwxacode: 'limited', getwxacodeunlimit: 'unlimited', createwxaqrcode: 'qrcode' }

/**
 * The three code endpoints: who calls, whether the quota lasts, what is asked, the picture.
 * @param {CodeEndpoint} endpoint
 * @param {Visit} visit
 * @param {World} world
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
export function answerCode(endpoint, { record, body, ip }, world) {
  const account = callerByToken(record.query.access_token, world)
  if (typeof account === 'number') return account
  const spent = takeFromQuota(endpoint, account)
  if (spent) return spent
  const params = readCodeBody(endpoint, body, account.app)
  if (typeof params === 'number') return params
  const order = orderFor(endpoint, params, account.app.appid)
  // Nobody knows what WeChat says to a page of thousands of characters; a QR symbol cannot hold it.
  if (Buffer.byteLength(order.text) > MAX_TEXT_BYTES) return 40097
  if (endpoint === 'getwxacodeunlimit') return pictureAnswer(order)
  const answer = account.codes.take(JSON.stringify(order))
    ? pictureAnswer(order)
    : refusal(45029, { endpoint, ip, clock: world.clock })
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html
  answer.headers['Num-Used'] = account.codes.used
  return answer
}

/**
 * @param {CodeEndpoint} endpoint
 * @param {Account} account
 */
function takeFromQuota(endpoint, { quotas, unlimitedErrcode }) {
  if (endpoint === 'getwxacodeunlimit') return quotas.unlimitedMinute.take() ? 0 : unlimitedErrcode
  if (endpoint === 'getwxacode') return quotas.limitedDay.take() ? 0 : 45009
  return 0
}

/**
 * @param {CodeEndpoint} endpoint
 * @param {CodeParams} params
 * @param {string} appid
 * @returns {PictureOrder}
 */
function orderFor(endpoint, params, appid) {
  const isUnlimited = endpoint === 'getwxacodeunlimit'
  const isQRCode = endpoint === 'createwxaqrcode'
  const text = JSON.stringify({
    kind: KINDS[endpoint],
    appid,
    scene: isUnlimited ? params.scene : undefined,
    path: isUnlimited ? undefined : params.path,
    page: (isUnlimited && params.page) || undefined,
    env_version: isQRCode ? undefined : (params.env_version ?? 'release'),
  })
  const width = Math.min(Math.max(params.width ?? WIDTH.default, WIDTH.min), WIDTH.max)
  const style = isQRCode ? {} : params
  return { text, width, color: colorFor(style), hyaline: style.is_hyaline ?? false }
}

/**
 * A transparent PNG is labelled `image/jpeg` too:
 * https://developers.weixin.qq.com/community/develop/doc/00066ef8a18af825407a282cd5ac00
 * @param {PictureOrder} order
 * @returns {Answer}
 */
function pictureAnswer(order) {
  const body = picture(order)
  return { status: 200, headers: { 'Content-Type': 'image/jpeg', 'Content-Length': body.length }, body }
}
