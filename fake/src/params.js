'use strict'

const { isPublished } = require('./apps.js')
const { escapesAmpersand, readJson } = require('./json-body.js')

/** @import { App } from '../index.js' */
/** @import { FieldType } from './json-body.js' */
/** @import { CodeEndpoint, CodeParams } from './types.js' */

/** @type {Record<string, FieldType>} */
const STYLE = {
  width: 'integer',
  auto_color: 'boolean',
  line_color: 'color',
  is_hyaline: 'boolean',
  env_version: 'string',
}

/**
 * Any other field is ignored silently, which is why `path` on getwxacodeunlimit opens the home page:
 * https://developers.weixin.qq.com/community/develop/doc/0d58e0311634dca7d355551e970c2f50
 * @type {Record<CodeEndpoint, Record<string, FieldType>>}
 */
const CODE_FIELDS = {
  getwxacode: { path: 'string', ...STYLE },
  getwxacodeunlimit: { scene: 'string', page: 'string', check_path: 'boolean', show_splash_ad: 'boolean', ...STYLE },
  createwxaqrcode: { path: 'string', width: 'integer' },
}

/** @type {Record<string, FieldType>} */
const STABLE_FIELDS = { grant_type: 'string', appid: 'string', secret: 'string', force_refresh: 'boolean' }

const SCENE = /^[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]*$/
const ENV_VERSIONS = ['release', 'trial', 'develop']
const PATH_BYTES = { getwxacode: 1024, createwxaqrcode: 128 }
const WIDTH = { min: 280, max: 1280, default: 430 }

/**
 * @param {Buffer} body
 * @returns {number | { grant_type?: string, appid?: string, secret?: string, force_refresh?: boolean }}
 */
const readStableBody = (body) => readJson(body, STABLE_FIELDS)

/**
 * Shape first (empty, not JSON, types), then meaning in the order of WeChat's own parameter tables.
 * @param {CodeEndpoint} endpoint
 * @param {Buffer} body
 * @param {App} app
 * @returns {number | CodeParams} the errcode of the refusal, or the parameters
 */
function readCodeBody(endpoint, body, app) {
  const params = /** @type {number | CodeParams} */ (readJson(body, CODE_FIELDS[endpoint]))
  if (typeof params === 'number') return params
  const wrong =
    endpoint === 'getwxacodeunlimit'
      ? wrongScene(params.scene, body) || wrongPage(params, app)
      : wrongPath(params.path, PATH_BYTES[endpoint])
  return wrong || wrongStyle(endpoint, params) || params
}

/**
 * @param {string | undefined} scene
 * @param {Buffer} body
 */
function wrongScene(scene = '', body) {
  const { length } = [...scene]
  if (length < 1 || length > 32) return 40169
  if (!SCENE.test(scene)) return 40129
  return escapesAmpersand(body, 'scene') ? 40129 : 0
}

/**
 * `trial` and `develop` do not switch the check off, only `check_path: false` does.
 * @param {CodeParams} params
 * @param {App} app
 */
function wrongPage({ page = '', check_path: checkPath = true }, app) {
  if (page.includes('scancode_time')) return 85096
  if (page.startsWith('/') || page.includes('?')) return 41030
  return !checkPath || isPublished(page, app) ? 0 : 41030
}

/**
 * In bytes: Chinese paths that the documents allow were refused.
 * https://developers.weixin.qq.com/community/personal/oCJUsw87ROzrI9szR45EDNACfCNI/question
 * @param {string | undefined} path
 * @param {number} limit
 */
function wrongPath(path = '', limit) {
  const bytes = Buffer.byteLength(path)
  if (bytes < 1 || bytes > limit) return 40159
  return path.includes('scancode_time') ? 85096 : 0
}

/**
 * 40189 is listed for getwxacode alone; on the others a wrong width only fails to have an effect.
 * https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/qr-code/wxacode.get.html
 * @param {CodeEndpoint} endpoint
 * @param {CodeParams} params
 */
function wrongStyle(endpoint, { env_version: envVersion = 'release', width = WIDTH.default }) {
  if (endpoint !== 'createwxaqrcode' && !ENV_VERSIONS.includes(envVersion)) return 40097
  return endpoint === 'getwxacode' && (width < WIDTH.min || width > WIDTH.max) ? 40189 : 0
}

module.exports = { ENV_VERSIONS, WIDTH, readStableBody, readCodeBody }
