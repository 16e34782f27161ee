'use strict'

const { authenticateByToken } = require('./authentication.js')
const { readCodeBody, WIDTH } = require('./params.js')
const { colorFor, MAX_TEXT_BYTES } = require('./picture.js')
const { refusal } = require('./refusals.js')

/** @import { CodeShape } from '../index.js' */
/** @import { Answer, CodeEndpoint, CodeParams, PictureSpec, Exchange, ServerState } from './types.js' */

const KIND_BY_ENDPOINT = { getwxacode: 'limited', getwxacodeunlimit: 'unlimited', createwxaqrcode: 'qrcode' }

/**
 * The three code endpoints: who calls, whether the quota lasts, what is asked, the picture.
 * @param {CodeEndpoint} endpoint
 * @param {Exchange} exchange
 * @param {ServerState} state
 * @returns {number | Answer} the errcode of the refusal, or the answer
 */
function answerCode(endpoint, exchange, state) {
  const account = authenticateByToken(endpoint, exchange, state)
  if (typeof account === 'number') return account
  const params = readCodeBody(endpoint, exchange.body, account.app)
  if (typeof params === 'number') return params
  const spec = pictureSpecFor(endpoint, params, account.appid, state.shape)
  // What WeChat says to a page of thousands of characters is unknown; a QR symbol cannot hold it.
  if (Buffer.byteLength(spec.text) > MAX_TEXT_BYTES) return 40097
  if (endpoint === 'getwxacodeunlimit') return pictureAnswer(spec)
  const answer = account.codes.take(JSON.stringify(spec))
    ? pictureAnswer(spec)
    : refusal(45029, { endpoint, ip: exchange.ip, clock: state.clock })
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html
  answer.headers['Num-Used'] = account.codes.used
  return answer
}

/**
 * @param {CodeEndpoint} endpoint
 * @param {CodeParams} params
 * @param {string} appid
 * @param {CodeShape} codeShape
 * @returns {PictureSpec}
 */
function pictureSpecFor(endpoint, params, appid, codeShape) {
  const isUnlimited = endpoint === 'getwxacodeunlimit'
  const isQRCode = endpoint === 'createwxaqrcode'
  const text = JSON.stringify({
    kind: KIND_BY_ENDPOINT[endpoint],
    appid,
    scene: isUnlimited ? params.scene : undefined,
    path: isUnlimited ? undefined : params.path,
    page: (isUnlimited && params.page) || undefined,
    env_version: isQRCode ? undefined : (params.env_version ?? 'release'),
  })
  const width = Math.min(Math.max(params.width ?? WIDTH.default, WIDTH.min), WIDTH.max)
  const style = isQRCode ? {} : params
  const shape = isQRCode ? 'square' : codeShape
  return { text, width, color: colorFor(style), hyaline: style.is_hyaline ?? false, shape }
}

/**
 * A transparent PNG is labelled `image/jpeg` too:
 * https://developers.weixin.qq.com/community/develop/doc/00066ef8a18af825407a282cd5ac00
 * @param {PictureSpec} spec
 * @returns {Answer}
 */
function pictureAnswer(spec) {
  return { status: 200, headers: { 'Content-Type': 'image/jpeg' }, body: spec }
}

module.exports = { answerCode }
