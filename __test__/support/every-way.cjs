'use strict'

// Everything that the package does, in a process of its own, with little said about each thing, so that much is left to be
// looked up: what the file says that it is given is done to `Object.prototype` first, and what came of each step is written there.

const { readFileSync, writeFileSync } = require('node:fs')

const [file] = process.argv.slice(2)
const given = JSON.parse(readFileSync(file, 'utf8'))
/** What it is looked through for: a name of a property or of a header. */
const NAME = /^[A-Za-z_$][\w$-]{0,40}$/

/** Whose reads count: files of the package, and its addon, which reads on behalf of the file that called it, or of none. */
const isOurs = (frame) => given.files.some((file) => frame.includes(file))
const isNodes = (frame) => /node:|<anonymous>$|at new Promise|at Array\.|at Object\.assign|at JSON\./.test(frame)

const found = new Map()
let isLooking = true

/** Reports every name that is read through to `Object.prototype`, and changes nothing else. */
function watchNames(names) {
  for (const name of names) {
    if (name in Object.prototype) continue
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      configurable: true,
      get() {
        if (isLooking) look(name)
        return undefined
      },
      set(value) {
        Object.defineProperty(this, name, {
          __proto__: null,
          value,
          configurable: true,
          enumerable: true,
          writable: true,
        })
      },
    })
  }
}

function look(name) {
  isLooking = false
  const frames = new Error().stack.split('\n').slice(3)
  const reader = frames.find((frame) => !isNodes(frame))
  if (reader === undefined ? frames.length === 0 : isOurs(reader)) {
    const by = frames[0] !== reader && frames[0].includes('node:') ? frames[0].trim() : ''
    const one = { name, reader: reader?.trim() ?? 'the addon', by }
    found.set(JSON.stringify(one), one)
  }
  isLooking = true
}

/** Every name in the heap once all has been done: of properties that anybody has read by name, Node and the addon included. */
async function namesInHeap() {
  const { getHeapSnapshot } = require('node:v8')
  let text = ''
  for await (const chunk of getHeapSnapshot()) text += chunk
  return [...new Set(JSON.parse(text).strings)].filter((text) => NAME.test(text))
}

/** What is used of it, read as the standard says: Node's own looks up its own tables behind themselves. */
class Response {
  constructor(body, { status, statusText, headers }) {
    Object.assign(this, {
      body: body && String(body.length),
      status,
      statusText,
      headers: headers && Object.entries(headers),
    })
  }
}
globalThis.Response = Response

const outcomes = []

async function step(name, run) {
  const outcome = await Promise.resolve()
    .then(run)
    .then(told, (error) => ({ threw: told(error) }))
  outcomes.push([name, outcome])
}

/** What of a value does not differ from run to run, its own and no more. */
function told(value) {
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  if (value instanceof Date) return 'a date'
  if (value instanceof Error) return { message: steady(value.message), ...told({ ...value, message: undefined }) }
  if (Array.isArray(value)) return value.map(told)
  if (typeof value === 'string') return steady(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'undefined' ? 'nothing' : value
  return Object.keys(value).map((key) => [key, /ms$|Ms$|^time$/.test(key) ? 'a number' : told(value[key])])
}

const steady = (text) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}/g, 'RID')
    .replace(/urn:uuid:[0-9a-f-]+/g, 'INSTANCE')
    .replace(/t=\w+|wxaurl\.cn\/\w+|#小程序:\/\/\S+/g, 'LINK')
    .replace(/\d\d_[\w-]{20,}/g, 'TOKEN')
    .replace(/\b[0-9a-f]{8}\b/g, 'FINGERPRINT')

/** What adapters over node:http are given, with what they use of it and no more. */
const visit = (headers = {}) => {
  const seen = { headers: {}, status: undefined, body: undefined }
  let end
  const done = new Promise((resolve) => {
    end = resolve
  })
  const res = {
    destroyed: false,
    stream: undefined,
    writableFinished: false,
    headersSent: false,
    once() {},
    getHeader: () => undefined,
    setHeader: (name, value) => {
      seen.headers[name] = value
    },
    end(body) {
      Object.assign(seen, {
        status: this.statusCode,
        body: Buffer.isBuffer(body) && body[0] === 123 ? String(body) : told(body),
      })
      end(seen)
    },
  }
  return { req: { method: 'GET', headers }, res, seen, done }
}

async function everyWay() {
  const wxacode = require('wxacode')
  const { WxaCode, check, codeKey, explain, imageType } = wxacode
  const { subscribe } = require('node:diagnostics_channel')
  const events = []
  for (const channel of ['token', 'redis', 'request'])
    subscribe(`wxacode:${channel}`, (event) => events.push(told(event)))
  const { appid, secret, baseUrl, refusing, dead } = given
  const account = { appid, secret }
  const open = (more) => new WxaCode({ ...account, baseUrl, timeoutMs: 600_000, ...more })

  await step('nothing but an account', () => new WxaCode({ appid, secret }).appid)
  await step('by way of a proxy', () => {
    const behind = new WxaCode({ appid, token: () => 'a-token', proxy: refusing, retries: 0, timeoutMs: 600_000 })
    // On a busy machine the proxy may be slow to refuse, which is told otherwise.
    return behind.getQRCode({ path: 'a' }).catch(({ code }) => code)
  })
  await step(
    'every option',
    () =>
      new WxaCode({
        ...account,
        baseUrl: [baseUrl],
        token: 'stable',
        timeoutMs: 600_000,
        retries: 1,
        ratePerMinute: 50,
        cache: { maxBytes: 1e6 },
      }).appid,
  )
  await step('an option that is wrong', () => open({ retires: 1 }))
  await step('a value that is wrong', () => open({ retries: -1 }))
  await step('no account', () => new WxaCode({}))
  await step('cloud run', () =>
    new WxaCode({ appid, token: 'none', baseUrl, fromAppid: appid }).getQRCode({ path: 'a', width: 280 }),
  )
  await step('a classic token', async () => typeof (await open({ token: 'classic' }).getAccessToken()).accessToken)

  // While pictures are still to be drawn a busy machine needs more than the default.
  const wxa = new WxaCode({ appid, secret, baseUrl, ...given.patience })
  await step('a token', async () => Object.keys(await wxa.getAccessToken()))
  await step('a token by empty options', async () => Object.keys(await wxa.getAccessToken({})))
  await step('unlimited', () => wxa.getUnlimitedQRCode({ scene: 'a' }))
  await step('unlimited, with call options', () =>
    wxa.getUnlimitedQRCode({ scene: 'b', lineColor: { r: 1, g: 2, b: 3 } }, {}),
  )
  await step('unlimited, by a class', () =>
    wxa.getUnlimitedQRCode(
      new (class {
        get scene() {
          return 'c'
        }
      })(),
    ),
  )
  await step('under a signal', () => wxa.getUnlimitedQRCode({ scene: 'd' }, { signal: new AbortController().signal }))
  await step('under one that is aborted', () =>
    wxa.getUnlimitedQRCode({ scene: 'd' }, { signal: AbortSignal.abort(new Error('mine')) }),
  )
  await step('limited', () => wxa.getQRCode({ path: 'a' }))
  await step('with what is not known here', () =>
    wxa.createQRCode({ path: 'a', extra: { b: [1, { d: 1, c: 2 }], a: 1 } }),
  )
  await step('with what is not to be there', () => wxa.createQRCode({ path: 'a', extra: { access_token: 'x', a: 1 } }))
  await step('a key', () => codeKey({ kind: 'limited', path: 'a', width: 300, extra: { b: 1 } }))
  await step('square', () => wxa.createQRCode({ path: 'a' }))
  await step('a page that is not there', () => wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/none' }))
  await step('a parameter that is wrong', () => wxa.getUnlimitedQRCode({ scene: '%' }))
  await step('a parameter that is missing', () => wxa.createQRCode({}))
  await step('a parameter that is misspelt', () => wxa.createQRCode({ path: 'a', with: 1 }))
  await step('connection refused', () =>
    open({ baseUrl: dead, token: () => 'a-token', retries: 0 }).getUnlimitedQRCode({ scene: 'a' }),
  )

  await step('request by GET', () => wxa.request('/cgi-bin/openapi/quota/get'))
  await step('request by POST', () =>
    wxa.request('/cgi-bin/openapi/quota/get', {
      body: { cgi_path: '/wxa/getwxacode', a: [{}], at: new Date(0) },
      query: { a: 1 },
    }),
  )
  await step('request without path', () => wxa.request(7))
  await step('request with bytes', () => wxa.request('/wxa/a', { body: { a: Buffer.from('a') } }))
  await step('request with a long query', () => wxa.request('/wxa/a', { query: { a: 'x'.repeat(1e4) } }))
  await step('quota', () => wxa.getQuota('/wxa/getwxacode'))
  await step('clear', () => wxa.clearQuota())
  await step('rid', () => wxa.getRid('1-2-3'))
  await step('scheme', () => wxa.generateScheme())
  await step('scheme with an end', () =>
    wxa.generateScheme({ jumpWxa: { path: 'pages/index/index' }, expireInterval: 1 }),
  )
  await step('url link', () => wxa.generateUrlLink({ cloudBase: { env: 'a' } }))
  await step('short link', () => wxa.generateShortLink({ pageUrl: 'pages/index/index' }))
  await step('nfc', () => wxa.generateNFCScheme({ modelId: 'm' }))
  await step('query scheme', () => wxa.queryScheme({ scheme: 'weixin://dl/business/?t=none' }))
  await step('query visits', () => wxa.queryScheme({ queryType: 1 }))
  await step('query url link', () => wxa.queryUrlLink({ queryType: 1 }))

  const batched = async (jobs, options) => {
    const results = []
    for await (const result of wxa.batch(jobs, options)) results.push(told(result))
    return results.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  }
  const jobs = [
    { kind: 'unlimited', scene: 'j1' },
    { kind: 'limited', path: 'j2' },
    { kind: 'qrcode', path: 'j3', meta: {} },
  ]
  await step('batch', () => batched(jobs))
  await step('batch with options', () => batched(jobs, {}))
  await step('batch of what is none', () => batched([{ scene: 'a' }, { kind: 'unlimited' }]))
  await step('batch of nothing to go through', () => batched({}))
  await step("batch of an iterator of one's own", () => {
    let left = 2
    return batched({ [Symbol.iterator]: () => ({ next: () => (left-- > 0 ? { value: jobs[0] } : { done: true }) }) })
  })
  await step('batch that is left', async () => {
    for await (const { index } of wxa.batch(jobs.slice(1, 2), { concurrency: 1, signal: new AbortController().signal }))
      return index
  })

  await step('check', () => [check('unlimited', { scene: 'a' }), check('limited', {}), check('qrcode', { path: '' })])
  await step('check of nothing known', () => check('round', {}))
  await step('explain', () => [explain(41030), explain(40001, 'getQRCode'), explain(1)])
  await step('explain of no number', () => explain('1'))
  await step('imageType', () => [imageType(Buffer.from([0xff, 0xd8, 0xff])), imageType(new Uint8Array(0))])
  await step('imageType of a text', () => imageType('a'))

  const answers = [
    given.live,
    { accessToken: given.live },
    { access_token: given.live, expires_in: 60 },
    {},
    { errcode: 40164 },
    7,
  ]
  for (const gives of answers)
    await step(`a provider, ${answers.indexOf(gives)}`, () =>
      open({ secret: undefined, token: () => gives }).getQRCode({ path: 'p', width: 280 }),
    )
  await step('a provider that gives a dead one first', () => {
    let asked = 0
    return open({ token: () => (asked++ > 0 ? given.live : 'dead') }).getQRCode({ path: 'p', width: 280 })
  })
  await step('a provider that throws', () =>
    open({
      token: () => {
        throw new Error('mine')
      },
    }).getQRCode({ path: 'p' }),
  )

  const kept = open({ cache: true })
  await step('kept', async () => [
    await kept.getUnlimitedQRCode({ scene: 'k' }),
    await kept.getUnlimitedQRCode({ scene: 'k' }),
  ])
  await step('invalidate', async () => {
    wxa.invalidateAccessToken('other')
    return typeof (await wxa.getAccessToken()).accessToken
  })

  const mappings = {
    found: () => ({ scene: 'w', width: 280 }),
    none: () => null,
    wrong: () => ({ scene: '%' }),
    square: () => ({ kind: 'qrcode', path: 'w', width: 280 }),
    gone: () => ({ scene: 'w', page: 'pages/none' }),
  }
  console.error = () => {}
  for (const name of Object.keys(mappings)) {
    const toCode = mappings[name]
    await step(`express: ${name}`, () => {
      const { req, res, done } = visit()
      require('wxacode/express').codeHandler(wxa, toCode)(req, res)
      return done
    })
    await step(`koa: ${name}`, async () => {
      const { req, res, seen } = visit()
      const ctx = {
        req,
        res,
        status: undefined,
        body: undefined,
        set: (headers) => Object.assign(seen.headers, headers),
      }
      await require('wxacode/koa').codeHandler(wxa, toCode, {})(ctx)
      return [ctx.status, told(ctx.body), seen.headers]
    })
    await step(`fastify: ${name}`, async () => {
      const { req, res } = visit()
      const sent = []
      const put = (what) => (value) => {
        sent.push([what, told(value)])
        return reply
      }
      const reply = {
        raw: res,
        sent: false,
        getHeader: () => undefined,
        code: put('code'),
        headers: put('headers'),
        send: put('send'),
      }
      await require('wxacode/fastify').codeHandler(wxa, toCode)({ raw: req }, reply)
      return sent
    })
    await step(`web: ${name}`, async () => {
      const request = { method: 'GET', headers: new Map(), signal: new AbortController().signal }
      const { status, statusText, headers, body } = await require('wxacode/web').codeHandler(wxa, toCode)(request)
      return [status, statusText, headers, body]
    })
  }
  await step('a handler that is wrong', () =>
    require('wxacode/express').codeHandler(wxa, mappings.found, { downlod: true }),
  )
  await step('a handler of nothing', () => require('wxacode/express').codeHandler({}, 7))
  await step('stats', () => Object.keys(wxa.stats()))
  await step('close', () => wxa.close())
  await step('closed', () => wxa.getQRCode({ path: 'a' }))
  await new Promise((resolve) => setImmediate(resolve))
  const heard = events.map((event) => JSON.stringify(event)).filter((event) => !event.includes('api.weixin.qq.com'))
  outcomes.push(['events', [...new Set(heard)].sort()])
}

/** Puts the same value there under every name, as merging somebody's JSON would. */
function pollute({ names, value }) {
  for (const name of names) {
    if (name in Object.prototype) continue
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
}

const before = Object.getOwnPropertyNames(Object.prototype)

function clean() {
  for (const name of Object.getOwnPropertyNames(Object.prototype))
    if (!before.includes(name)) delete Object.prototype[name]
}

async function main() {
  if (given.watch) watchNames(given.watch)
  if (given.pollution) {
    // Node itself does not load a module any more once some names are there.
    for (const name of ['wxacode', 'wxacode/express', 'wxacode/koa', 'wxacode/fastify', 'wxacode/web']) require(name)
    pollute(given.pollution)
  }
  await everyWay()
  isLooking = false
  clean()
  const names = given.heap ? await namesInHeap() : []
  const loaded = Object.keys(require.cache).filter((path) => given.files.some((prefix) => path.startsWith(prefix)))
  writeFileSync(file, JSON.stringify({ outcomes, names, loaded, found: [...found.values()] }))
}

main().then(
  () => process.exit(0),
  (error) => {
    clean()
    writeFileSync(file, JSON.stringify({ failed: String(error?.stack) }))
    process.exit(1)
  },
)
