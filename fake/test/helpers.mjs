import assert from 'node:assert/strict'
import { request } from 'node:http'
import jpeg from 'jpeg-js'
import jsQR from 'jsqr'
import pngjs from 'pngjs'
import { startFakeWeChat } from '../index.js'

export const PATHS = {
  token: '/cgi-bin/token',
  stable_token: '/cgi-bin/stable_token',
  getwxacode: '/wxa/getwxacode',
  getwxacodeunlimit: '/wxa/getwxacodeunlimit',
  createwxaqrcode: '/cgi-bin/wxaapp/createwxaqrcode',
  generatescheme: '/wxa/generatescheme',
  generate_urllink: '/wxa/generate_urllink',
  genwxashortlink: '/wxa/genwxashortlink',
  generatenfcscheme: '/wxa/generatenfcscheme',
  queryscheme: '/wxa/queryscheme',
  query_urllink: '/wxa/query_urllink',
  'quota/get': '/cgi-bin/openapi/quota/get',
  clear_quota: '/cgi-bin/clear_quota',
  'clear_quota/v2': '/cgi-bin/clear_quota/v2',
  'quota/clear': '/cgi-bin/openapi/quota/clear',
  'rid/get': '/cgi-bin/openapi/rid/get',
  api_start_push_ticket: '/cgi-bin/component/api_start_push_ticket',
  api_component_token: '/cgi-bin/component/api_component_token',
  api_create_preauthcode: '/cgi-bin/component/api_create_preauthcode',
  api_query_auth: '/cgi-bin/component/api_query_auth',
  api_authorizer_token: '/cgi-bin/component/api_authorizer_token',
  api_get_authorizer_list: '/cgi-bin/component/api_get_authorizer_list',
  api_get_authorizer_info: '/cgi-bin/component/api_get_authorizer_info',
  'component/clear_quota/v2': '/cgi-bin/component/clear_quota/v2',
}
export const CODES = ['getwxacode', 'getwxacodeunlimit', 'createwxaqrcode']
export const LINKS = [
  'generatescheme',
  'generate_urllink',
  'genwxashortlink',
  'generatenfcscheme',
  'queryscheme',
  'query_urllink',
]
export const DEBUG = ['quota/get', 'clear_quota', 'clear_quota/v2', 'quota/clear', 'rid/get']
export const PLATFORM = [
  'api_start_push_ticket',
  'api_component_token',
  'api_create_preauthcode',
  'api_query_auth',
  'api_authorizer_token',
  'api_get_authorizer_list',
  'api_get_authorizer_info',
  'component/clear_quota/v2',
]
/** A body that each of these endpoints takes. */
export const GOOD = {
  getwxacode: { path: 'pages/index/index?a=1' },
  getwxacodeunlimit: { scene: 'a=1' },
  createwxaqrcode: { path: 'pages/index/index?a=1' },
  generatescheme: { jump_wxa: { path: '/pages/index/index', query: 'a=1' }, expire_type: 1, expire_interval: 1 },
  generate_urllink: { path: '/pages/index/index', query: 'a=1', expire_type: 1, expire_interval: 1 },
  genwxashortlink: { page_url: 'pages/index/index?a=1', page_title: '首页' },
  generatenfcscheme: { model_id: 'm' },
  queryscheme: { query_type: 1 },
  query_urllink: { query_type: 1 },
}

/** A fake that goes away with the test, and calls to it. */
export async function start(t, options) {
  const fake = await startFakeWeChat(options)
  t.after(() => fake.close())
  const { appid, secret } = fake
  const credentials = { grant_type: 'client_credential', appid, secret }

  const post = async (endpoint, body, token) => {
    const query = token === undefined ? '' : `?access_token=${token}`
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    return fetch(`${fake.url}${PATHS[endpoint]}${query}`, { method: 'POST', body: text, redirect: 'manual' })
  }
  const classic = async (query = {}) => {
    const search = new URLSearchParams({ ...credentials, ...query })
    for (const [name, value] of Object.entries(query)) if (value === undefined) search.delete(name)
    return (await fetch(`${fake.url}${PATHS.token}?${search}`)).json()
  }
  const stable = async (extra = {}) => (await post('stable_token', { ...credentials, ...extra })).json()
  /** The answer of an endpoint that speaks JSON. */
  const ask = async (endpoint, body, token) => (await post(endpoint, body, token)).json()
  /** The errcode of a call, 0 for a picture. */
  const errcode = async (endpoint, body, token) => {
    const answer = Buffer.from(await (await post(endpoint, body, token)).arrayBuffer())
    return answer[0] === 0x7b ? JSON.parse(answer).errcode : 0
  }
  /** What a token is worth: the errcode it gets, 0 if it works. */
  const tokenErrcode = (token) => errcode('createwxaqrcode', GOOD.createwxaqrcode, token)
  return { fake, credentials, post, ask, classic, stable, errcode, tokenErrcode }
}

/** The same with a token, and [body, errcode] rows against an endpoint. */
export async function startWithToken(t, options) {
  const calls = await start(t, options)
  const token = (await calls.stable()).access_token
  const table = async (endpoint, rows) => {
    for (const [body, expected] of rows) {
      assert.equal(await calls.errcode(endpoint, body, token), expected, `${endpoint} ${JSON.stringify(body)}`)
    }
  }
  return { ...calls, token, table }
}

/** What a scanner sees in a picture, and how it is drawn. */
export function scan(bytes) {
  const buffer = Buffer.from(bytes)
  const isPng = buffer.readUInt32BE(0) === 0x89504e47
  const image = isPng ? pngjs.PNG.sync.read(buffer) : jpeg.decode(buffer, { useTArray: true })
  const { width, height } = image
  const rgba = Uint8ClampedArray.from(image.data)
  const corner = [...rgba.subarray(0, 4)]
  for (let at = 0; at < rgba.length; at += 4) if (rgba[at + 3] === 0) rgba.fill(255, at, at + 4)
  const found = jsQR(rgba, width, height)
  return {
    isPng,
    width,
    height,
    corner,
    text: found?.data,
    object: found ? JSON.parse(found.data) : undefined,
    ink: darkest(rgba),
    box: boxOf(rgba, width, height),
  }
}

function darkest(rgba) {
  let best = [255, 255, 255]
  for (let at = 0; at < rgba.length; at += 4) {
    const here = [...rgba.subarray(at, at + 3)]
    if (here[0] + here[1] + here[2] < best[0] + best[1] + best[2]) best = here
  }
  return best
}

/** The margins around all that is not white. */
function boxOf(rgba, width, height) {
  const isInk = (x, y) => rgba[(y * width + x) * 4] < 250
  let [left, top, right, bottom] = [width, height, width, height]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!isInk(x, y)) continue
      left = Math.min(left, x)
      top = Math.min(top, y)
      right = Math.min(right, width - 1 - x)
      bottom = Math.min(bottom, height - 1 - y)
    }
  }
  return { left, top, right, bottom }
}

/** A request by node:http, for what fetch does not show. Resolves with the answer or the error, and the bytes that came. */
export function raw(url, { method = 'POST', headers = {}, body = '', chunked = false, agent } = {}) {
  return new Promise((resolve) => {
    const chunks = []
    let res
    const done = (error) =>
      resolve({ error, status: res?.statusCode, headers: res?.headers, body: Buffer.concat(chunks) })
    const framing = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': Buffer.byteLength(body) }
    const req = request(url, { method, headers: { ...framing, ...headers }, agent }, (answer) => {
      res = answer
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('error', done)
      res.on('end', () => done())
    })
    req.on('error', done)
    req.end(body)
  })
}
