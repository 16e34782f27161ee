'use strict'

const { randomBytes } = require('node:crypto')

/** @import { Clock, EndpointName } from '../index.js' */
/** @import { Answer } from './types.js' */

// Seen in 2020 and 2024: https://developers.weixin.qq.com/community/develop/doc/000a08cb9705a05965919300b61800
const JSON_TYPE = 'application/json; encoding=utf-8'

/**
 * WeChat's own words, from the pages of the endpoints, the general list
 * https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html and messages that users posted.
 * @type {Record<string, string>}
 */
const TEXTS = {
  '-1': 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40129: 'invalid scene',
  40159: 'invalid length for path, or the data is not json string',
  40164: 'invalid ip {ip} ipv6 ::ffff:{ip}, not in whitelist',
  40165: 'invalid weapp pagepath',
  40169: 'invalid length for scene, or the data is not json string',
  40170: 'args count exceed count limit',
  40189: 'invalid width',
  40212: 'invalid query',
  40222: 'invalid request idc domain',
  40225: 'invalid page title',
  40230: 'API_Missing_Wechatmp_Serial',
  40231: 'API_Missing_Wechatmp_Timestamp',
  40232: 'API_Missing_Wechatmp_Signature',
  40233: 'API_Missing_Wechatmp_Appid',
  40234: 'API_Invalid_Signature',
  40235: 'API_Invalid_Encrypt',
  40236: 'API_Invalid_Wechatmp_Appid',
  40237: 'API_Invalid_Wechatmp_Appidmatch',
  40238: 'API_NoExist_DevSecretSym',
  40239: 'API_NoExist_DevSecretAsym',
  40240: 'API_Expired_Wechatmp_Timestamp',
  40243: 'appsecret frozen', // its real text was never published
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41030: 'invalid page',
  42001: 'access_token expired',
  42007: 'access_token and refresh_token exception',
  43001: 'require GET method',
  43002: 'require POST method',
  43003: 'require https',
  43104: 'this appid does not have permission',
  44002: 'empty post data',
  44990: 'reach max api second frequence limit',
  44993: 'reach max api day frequence limit',
  45002: 'content size out of limit',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  45029: 'qrcode count out of limit',
  45035: 'access clientip is not registered, not in ip-white-list',
  45063: 'accesstoken is not xiaochengxu',
  47001: 'data format error',
  47002: 'data format error, do NOT use json unicode encode (\\uxxxx\\uxxxx), please use utf8 encoded text!',
  48001: 'api unauthorized',
  48004: 'api forbidden for irregularities, view detail on mp.weixin.qq.com',
  48006: 'forbid to clear quota because of reaching the limit',
  50002: 'user limited',
  50003: 'user unexpected, maybe not in white list',
  50004: 'user not allow to use accesstoken, maybe for punishment',
  50007: 'account frozen', // its real text was never published
  61003: 'component is not authorized by this account',
  61004: 'access clientip is not registered rid: {rid} requestIP: {ip}',
  61005: 'component ticket is expired',
  61006: 'component ticket is invalid',
  61007: 'api is unauthorized to component',
  61009: 'code is invalid',
  61010: 'code is expired',
  61011: 'invalid component',
  61014: 'must use component token for component api',
  61015: 'must use biz account token for not component api',
  61016: 'function category of API need be confirmed by component',
  61017: 'function category is not authorized',
  61018: 'already confirm',
  61023: 'refresh_token is invalid',
  61024: 'must use api(api_component_token) to get token for component acct',
  76001: 'rid not found',
  76002: 'rid is error',
  76003: 'could not query this rid,no permission',
  76021: 'cgi_path not found, please check',
  76022: 'could not use this cgi_path,no permission',
  85079: 'miniprogram has no online release',
  85088: '未开通云开发',
  85096: 'not allow include scancode_time field',
  85105: 'not authorized',
  85107: 'URL不在白名单内，请前往「微信云托管控制台-服务管理-云调用-微信令牌」配置',
  85112: 'cloudbase_secret not found',
  85113: 'cloudbase_token is not ready yet, please try again later',
  85400: 'reach max long time quota limit',
  85401: 'time limit between 1min and 30days',
  85402: 'invalid env_version',
  85403: 'not found',
  85405: 'appid or path not support plain scheme',
  85406: 'daily exchange limit',
  85407: 'no scheme permission',
  85408: 'appid banned',
  89501: '公众号有未处理的确认请求，请稍候重试',
  89502: '请耐心等待管理员确认',
  89503: '此次调用需要管理员确认，请耐心等候',
  89504: '正在等管理员确认，请耐心等待',
  89505: '正在等管理员确认，请稍候重试',
  89506: '该IP调用求请求已被公众号管理员拒绝，请24小时后再试，建议调用前与管理员沟通确认',
  89507: '该IP调用求请求已被公众号管理员拒绝，请1小时后再试，建议调用前与管理员沟通确认',
  9800003: 'model_id检查不通过',
  9800007: '此model_id尚未获得该能力，请能力申请通过后再试',
  9800008: '能力类型为一机一码，sn不能为空',
  9800009: '能力类型为一型一码，sn需为空',
  9800010: 'schema已存在 schema: {scheme}',
}

// Since mid-2023: https://github.com/royalrick/weapp/issues/105
const TOKEN_QUOTA_HINT =
  ', could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r'

/**
 * The number WeChat prints for support. Its first group is the time of the call.
 * @param {Clock} clock
 */
function newRid(clock) {
  const time = Math.floor(clock.now() / 1000)
  const random = randomBytes(8).toString('hex')
  return `${time.toString(16).padStart(8, '0')}-${random.slice(0, 8)}-${random.slice(8)}`
}

/**
 * What an error text names.
 * @typedef {{ endpoint?: EndpointName, ip: string, clock: Clock, scheme?: string }} Context
 */

/**
 * @param {number | string} errcode
 * @param {Context} context
 */
function errmsgFor(errcode, { endpoint, ip, clock, scheme = '' }) {
  const text = TEXTS[errcode] ?? 'unknown error'
  const isTokenQuota = Number(errcode) === 45009 && (endpoint === 'token' || endpoint === 'stable_token')
  const whole = isTokenQuota ? text + TOKEN_QUOTA_HINT : text
  const withRid = whole.includes('{rid}') ? whole : `${whole} rid: {rid}`
  return withRid.replaceAll('{ip}', ip).replace('{scheme}', scheme).replace('{rid}', newRid(clock))
}

/**
 * An error as WeChat sends it: HTTP 200 and JSON.
 * @param {number} errcode
 * @param {Context} context
 * @returns {Answer}
 */
function refusal(errcode, context) {
  return { ...jsonAnswer({ errcode, errmsg: errmsgFor(errcode, context) }), errcode }
}

/**
 * @param {object} value
 * @returns {Answer}
 */
function jsonAnswer(value) {
  const body = Buffer.from(JSON.stringify(value))
  return { status: 200, headers: { 'Content-Type': JSON_TYPE, 'Content-Length': body.length }, body }
}

/**
 * A success of the endpoints that answer in JSON.
 * @param {object} value
 */
const okAnswer = (value) => jsonAnswer({ errcode: 0, errmsg: 'ok', ...value })

module.exports = { JSON_TYPE, newRid, errmsgFor, refusal, jsonAnswer, okAnswer }
