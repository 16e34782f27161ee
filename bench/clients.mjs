// What a Node backend could fetch codes with, each as its documents say, with a token that is there already where it
// keeps none itself. Every one gives a function that resolves with a Buffer.

import { subscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BEFORE, MINIMAL, OURS, REFERENCE, TRACED } from './names.mjs'

const require = createRequire(import.meta.url)
const PARAMS = { scene: 'id=42', page: 'pages/index/index' }
const BODY = JSON.stringify(PARAMS)
const HEADERS = { 'content-type': 'application/json' }
const APPID = 'wx0123456789abcdef'
const SECRET = '0123456789abcdef0123456789abcdef'

const endpoint = (base) => `${base}/wxa/getwxacodeunlimit?access_token=BENCH_TOKEN_BENCH_TOKEN_BENCH_TOKEN`

async function wxacode({ base, ca, cache, build = '..' }) {
  // Only the addon of another build, under the JavaScript of this one.
  const addon = build.endsWith('.node')
  if (addon) process.env.NAPI_RS_NATIVE_LIBRARY_PATH = build
  const { WxaCode } = require(addon ? '..' : build)
  const wxa = new WxaCode({
    appid: APPID,
    secret: SECRET,
    baseUrl: base,
    ca: ca && readFileSync(ca),
    ratePerMinute: Number.POSITIVE_INFINITY,
    cache,
  })
  return () => wxa.getUnlimitedQRCode(PARAMS)
}

/** The queue of `lib/calls.js`, and nothing else. */
async function minimal({ base, ca, cache, workers, library }) {
  const addon = { exports: {} }
  process.dlopen(addon, library)
  const { Minimal } = addon.exports
  const pending = new Map()
  let last = 0
  const drain = () => {
    const ended = native.take(Buffer.allocUnsafeSlow)
    for (let at = 0; at < ended.length; at += 2) {
      pending.get(ended[at])(ended[at + 1])
      pending.delete(ended[at])
    }
  }
  const native = new Minimal(endpoint(base), workers, ca && readFileSync(ca, 'utf8'), drain)
  const post = async () => {
    const call = ++last
    native.post(call)
    return new Promise((resolve) => pending.set(call, resolve))
  }
  if (!cache) return post
  native.keep(await post())
  return async () => native.copy()
}

/** What a tracer subscribes to. */
const TRACES = [
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((phase) => `tracing:wxacode:call:${phase}`),
  'wxacode:attempt',
]

function traced(given) {
  for (const name of TRACES) subscribe(name, () => {})
  return wxacode(given)
}

export const clients = {
  [OURS]: wxacode,
  [TRACED]: traced,
  [BEFORE]: wxacode,
  [MINIMAL]: minimal,

  // All else at its defaults: its timeouts, and one request at a time on a connection (`pipelining`).
  async [REFERENCE]({ base, ca, concurrency }) {
    const { Pool } = await import('undici')
    const pool = new Pool(base, { connections: concurrency, connect: { ca: ca && readFileSync(ca) } })
    const path = endpoint('')
    return async () => {
      const { body } = await pool.request({ path, method: 'POST', headers: HEADERS, body: BODY })
      return Buffer.from(await body.arrayBuffer())
    }
  },

  // NODE_EXTRA_CA_CERTS brings the root.
  async undici({ base }) {
    const { request } = await import('undici')
    const url = endpoint(base)
    return async () => {
      const { body } = await request(url, { method: 'POST', headers: HEADERS, body: BODY })
      return Buffer.from(await body.arrayBuffer())
    }
  },

  // Node's own: NODE_EXTRA_CA_CERTS brings the root.
  async fetch({ base }) {
    const url = endpoint(base)
    return async () => {
      const answer = await fetch(url, { method: 'POST', headers: HEADERS, body: BODY })
      return Buffer.from(await answer.arrayBuffer())
    }
  },

  async axios({ base, ca }) {
    const { default: axios } = await import('axios')
    const { Agent } = await import(base.startsWith('https') ? 'node:https' : 'node:http')
    const agent = new Agent({ keepAlive: true, ca: ca && readFileSync(ca) })
    const http = axios.create({ httpAgent: agent, httpsAgent: agent, responseType: 'arraybuffer' })
    const url = endpoint(base)
    return async () => (await http.post(url, BODY, { headers: HEADERS })).data
  },

  // Its HTTP client takes no root of one's own: NODE_EXTRA_CA_CERTS brings it.
  async 'co-wechat-api'({ base }) {
    const API = require('co-wechat-api')
    const api = new API(APPID, SECRET)
    api.prefix = `${base}/cgi-bin/`
    api.wxaPrefix = `${base}/wxa/`
    api.setOpts({ timeout: 30_000 })
    return () => api.getWXACodeUnlimit(PARAMS.scene, PARAMS.page)
  },

  async impit({ base, ca }) {
    const { Impit } = await import('impit')
    const impit = new Impit({ ignoreTlsErrors: ca !== undefined })
    const url = endpoint(base)
    return async () => {
      const answer = await impit.fetch(url, { method: 'POST', headers: HEADERS, body: BODY })
      return Buffer.from(await answer.arrayBuffer())
    }
  },
}
