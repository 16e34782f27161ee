// A thread with a server that does its worst, and a client of it. For each name that it is sent it makes some calls at
// once and says when they have ended.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { parentPort } from 'node:worker_threads'
import { WxaCode } from 'wxacode'
import { JPEG } from './jpeg.mjs'
import { newAppid, newSecret } from './suite.mjs'

const secret = newSecret()
/** As much as the client reads of an answer, almost. */
const ALMOST = 7_800_000
/** Of what a debug build takes long for, though no longer than in proportion. */
const MUCH = 2_000_000
const filled = (unit, length = ALMOST) => unit.repeat(Math.ceil(length / unit.length))
const refusal = (errmsg) => `{"errcode":48001,"errmsg":"${errmsg}"}`
const spelt = (text) => [
  text,
  encodeURIComponent(text),
  encodeURIComponent(encodeURIComponent(text)),
  JSON.stringify(JSON.stringify(text)).slice(1, -1).replaceAll('/', '\\\\\\/'),
  [...text].map((char) => `\\\\u00${char.charCodeAt(0).toString(16)}`).join(''),
  [...text].map((char) => `&amp;#x000${char.charCodeAt(0).toString(16)};`).join(''),
  Buffer.from(`x${text}`).toString('base64'),
]

/** What the server answers to everything but the request for a token. One that takes the answer gives it itself. */
const BODIES = {
  'a picture': () => Buffer.concat([JPEG, Buffer.alloc(ALMOST)]),
  'a long errmsg': () => refusal(filled('the quick brown fox ')),
  'an errmsg in front of its errcode': () => `{"errmsg":"${filled('\\u005c')}","errcode":48001}`,
  'an errmsg of escaped backslashes': () => refusal(filled('\\\\')),
  'a few backslashes': () => refusal(filled('\\\\', 84)),
  'backslashes and nothing else': () => filled('\\'),
  'a web page of backslashes': () => `<html>${filled('\\')}`,
  'deep arrays': () => filled('[', MUCH),
  'deep objects': () => filled('{"a":{"a":', MUCH),
  'deep objects behind an errcode': () => `{"errcode":48001,"data":${filled('{"a":', MUCH)}`,
  'secrets in every spelling': () => refusal(filled(spelt(secret).join(' '))),
  'halves of secrets': () => refusal(filled(secret.slice(0, 7))),
  'names of secrets': () => refusal(filled('access_token=')),
  'very many keys': () => `{${filled('"a":0,', MUCH)}"b":0}`,
  'very many errcodes': () => `{${filled('"errcode":0,', MUCH)}"errcode":48001}`,
  'a long number': () => `{"errcode":${filled('9', MUCH)}}`,
  'a picture of headers': () => Buffer.alloc(ALMOST, Buffer.from('ffd8ffe00002', 'hex')),
  'a picture of fill bytes': () => Buffer.concat([JPEG.subarray(0, 2), Buffer.alloc(ALMOST, 0xff)]),
  'a token that is all backslashes, and repeated': () => refusal(filled('\\\\')),
  'an answer without an end': (answer) => trickle(answer),
  'very long headers': (answer) => {
    for (let n = 0; n < 60; n++) answer.setHeader(`x-${n}`, filled('\\', 30_000))
    answer.end(refusal('x'))
  },
}

let body = 'a picture'
/** Made once: what this costs is not to be measured. */
const made = new Map()

const server = createServer((request, answer) => {
  request.resume()
  if (request.url === '/cgi-bin/stable_token') return answer.end(token())
  if (BODIES[body].length > 0) return BODIES[body](answer)
  if (!made.has(body)) made.set(body, BODIES[body]())
  answer.end(made.get(body))
})

function token() {
  const access_token = body.startsWith('a token') ? filled('\\', 4096) : 'a-token-of-a-usual-kind'
  return JSON.stringify({ access_token, expires_in: body.startsWith('a token') ? 1e300 : 7200 })
}

function trickle(answer) {
  const timer = setInterval(() => answer.write(filled('\\', 1000)), 1)
  answer.on('close', () => clearInterval(timer))
  answer.write('{"errcode":48001,"errmsg":"')
}

server.listen(0, '127.0.0.1')
await once(server, 'listening')
const baseUrl = `http://127.0.0.1:${server.address().port}`

parentPort.on('message', async (name) => {
  body = name
  const timeoutMs = name === 'an answer without an end' ? 1500 : 60_000
  const wxa = new WxaCode({ appid: newAppid(), secret, baseUrl, retries: 0, timeoutMs })
  const calls = [
    wxa.createQRCode({ path: 'a' }),
    wxa.request('/wxa/other', { body: { appsecret: secret } }),
    wxa.getRid('1-2-3'),
  ]
  const outcomes = await Promise.allSettled(calls)
  await wxa.close()
  parentPort.postMessage(outcomes.map(({ status, reason }) => reason?.code ?? status))
})
parentPort.postMessage(Object.keys(BODIES))
