import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { seed, shuffled } from './shuffle.mjs'

// The script that runs all files chooses one seed for them and prints it.
if (process.env.TEST_SEED === undefined) console.log(`TEST_SEED=${seed}`)

/**
 * Collects tests and runs them in random order, several at a time. TEST_CONCURRENCY says how many, for a machine on which they
 * take each other's time.
 */
export function suite(name, collect, { concurrency = 4 } = {}) {
  const tests = []
  collect((title, ...rest) => tests.push([title, rest.length > 1 ? rest[0] : {}, rest.at(-1)]))
  describe(name, { concurrency: Number(process.env.TEST_CONCURRENCY ?? concurrency) }, () => {
    for (const [title, options, run] of shuffled(tests)) it(title, { timeout: 120_000, ...options }, run)
  })
}

export const newAppid = () => `wx${randomBytes(8).toString('hex')}`

/** Recognisable, and different in a URL from what it is in a body. */
export const newSecret = () => `Canary+/&=%${randomBytes(16).toString('hex')}`

/** The setups of running tests, with the secrets that no error may contain. */
const setups = new Set()

/**
 * A fake WeChat with one app, or with others beside it, and a client of it. When the test ends, what the fake has seen
 * is searched for secrets at places where none belongs.
 */
export async function setup(t, { app, others = [], ...fakeOptions } = {}, clientOptions = {}) {
  const [appid, secret] = [newAppid(), newSecret()]
  const account = { appid, secret, ...app }
  const fake = await startFakeWeChat({ apps: [account, ...others], ...fakeOptions })
  const tokens = new Set()
  const remember = () => {
    for (const token of fake.liveTokens()) tokens.add(token)
    for (const { query } of fake.requests) if (query.access_token) tokens.add(query.access_token)
  }
  const revokeTokens = fake.revokeTokens
  fake.revokeTokens = (...which) => {
    remember()
    revokeTokens(...which)
  }
  const here = {
    secrets() {
      remember()
      return [secret, ...others.map((other) => other.secret), ...tokens]
    },
  }
  setups.add(here)
  t.after(async () => {
    setups.delete(here)
    await fake.close()
    checkRequests(fake.requests, here.secrets())
  })
  // A machine that stands still for seconds is no reason for a call to fail, nor to send a request again, which a seventh of
  // this time without an answer would be.
  const options = { appid, secret, baseUrl: fake.url, timeoutMs: 600_000, ...clientOptions }
  const client = (more = {}) => new WxaCode({ ...options, ...more })
  return { fake, account, appid, secret, options, client, wxa: client(), secrets: here.secrets }
}

/** A secret that no setup knows of, like a password in a proxy's URL. */
export function guard(t, ...secrets) {
  const here = { secrets: () => secrets }
  setups.add(here)
  t.after(() => setups.delete(here))
}

/** Awaits a rejection and gives the error, in which no secret may be. */
export async function failure(promise) {
  const outcome = await Promise.resolve(promise).then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
  if ('value' in outcome) assert.fail(`it resolved with ${inspect(outcome.value)}`)
  checkError(outcome.error)
  return outcome.error
}

/** The same for what throws at once. */
export function thrown(run) {
  let result
  try {
    result = run()
  } catch (error) {
    checkError(error)
    return error
  }
  return assert.fail(`it returned ${inspect(result)}`)
}

/**
 * That a message of both languages has each cause and what to do about it: the whole, or its first clauses, and a list that
 * both end with once. Gives the texts in full, in the order of the message.
 */
export function checkMessage({ message, explanation: { cause, fix } }) {
  const end = (text, stop) => (/[?？]$/.test(text) ? text : text + stop)
  const [causeEn, causeZh] = [`${end(cause.en, '.')} `, `. | ${end(cause.zh, '。')}`]
  const [start, middle] = [message.indexOf(causeEn), message.indexOf(causeZh)]
  assert.ok(start >= 0 && middle > start, `${causeEn}${causeZh} is missing in ${message}`)
  const en = message.slice(start + causeEn.length, middle)
  const [zh, rest] = message.slice(middle + causeZh.length).split(/。(?= \| response: |$)/)
  assert.ok(rest === '' || rest.startsWith(' | response: '), message)
  const isBeginning = (text, whole, end) =>
    text === whole || (text !== '' && whole.startsWith(text) && end.test(whole.slice(text.length)))
  assert.ok(isBeginning(en, fix.en, /^[;.] /), `“${en}” does not begin “${fix.en}”`)
  const tail = zh.endsWith('…') ? zh.slice(0, -1) : undefined
  assert.ok(
    tail === undefined ? isBeginning(zh, fix.zh, /^[；。]/) : tail !== '' && fix.zh.startsWith(tail),
    `“${zh}” does not begin “${fix.zh}”`,
  )
  const list = tail && fix.zh.slice(tail.length)
  const isListOf = (n) => en.endsWith(list.slice(0, n))
  if (tail !== undefined)
    assert.ok(times(list.length + 1, isListOf).lastIndexOf(true) > 40, `“${list}” is not in “${en}”`)
  return `${message.slice(0, start)}${cause.en}. ${fix.en}. | ${cause.zh}。${fix.zh}。${rest}`
}

/** That no text of an error, nor of its causes, shows a secret of a test under way. */
export function checkError(error) {
  const secrets = [...setups].flatMap((one) => one.secrets())
  checkText([...textsOf(error)].join('\n'), secrets)
}

function* textsOf(error) {
  yield inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null })
  if (typeof error === 'object') yield JSON.stringify(error) ?? ''
  yield String(error)
  for (let one = error; one instanceof Error; one = one.cause) {
    yield one.message
    yield one.stack ?? ''
    yield JSON.stringify(one, Object.getOwnPropertyNames(one))
  }
}

/** The length of a part of a secret that gives it away. */
const TELLING = 12

/** Neither the whole of a secret nor a part of it, plain or percent-encoded. */
export function checkText(text, secrets) {
  for (const part of secrets.flatMap(partsOf)) assert.ok(!text.includes(part), `a secret shows: ${part} is in ${text}`)
}

const parts = new Map()

/** A secret cut into telling parts, in each of its forms. */
function partsOf(secret) {
  if (!parts.has(secret)) {
    const forms = [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)]
    const cut = (form) => times(Math.floor(form.length / TELLING), (n) => form.slice(n * TELLING, (n + 1) * TELLING))
    parts.set(secret, [...new Set(forms.flatMap(cut))])
  }
  return parts.get(secret)
}

/** The APIs whose body is where the AppSecret belongs. */
const WITH_SECRET = ['/cgi-bin/stable_token', '/cgi-bin/clear_quota/v2']

function checkRequests(requests, [secret, ...tokens]) {
  for (const { endpoint, path, headers, body, query } of requests) {
    const { host, ...rest } = headers
    assert.equal(rest.referer, undefined)
    checkText(JSON.stringify(rest), [secret, ...tokens])
    if (endpoint !== 'token') assert.ok(!Object.values(query).includes(secret), `${endpoint} has the secret in its URL`)
    if (!WITH_SECRET.some((one) => path.endsWith(one))) checkText(body, [secret, ...tokens])
  }
}

/** Resolves when every call begun before waits for the token that is being fetched. */
export const allWait = (wxa, call) => allWaitFor((limit) => wxa.getAccessToken({ ...call, ...limit }))

/** The same for what `ask` asks for, with the options of a call that it is given. */
export async function allWaitFor(ask) {
  // Calls that begin now go to a server and back. The runtime takes calls up in their order: by then it has taken up all those
  // before, however busy the machine is. And what they wait for has not come meanwhile.
  const [error] = await Promise.all([
    failure(ask({ timeoutMs: 150 })),
    withPeer((peer) => times(2, () => peer.request('/'))),
  ])
  assert.equal(error.code, 'ERR_WXA_TIMEOUT')
}

/** A client of a server that says yes to all, and shares nothing with any other. */
async function withPeer(use) {
  const server = createServer((_, res) => res.setHeader('Content-Type', 'application/json').end('{"errcode":0}'))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const baseUrl = `http://127.0.0.1:${server.address().port}`
    await Promise.all(use(new WxaCode({ appid: newAppid(), token: () => 'a-token', baseUrl, timeoutMs: 600_000 })))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** A promise with its handles. */
export function deferred() {
  let handles
  const promise = new Promise((resolve, reject) => {
    handles = { resolve, reject }
  })
  return { promise, ...handles }
}

/**
 * As many calls as a test makes at once. TEST_SHARE is the part of them that a slow machine can answer before the client, whose
 * requests for tokens have seconds, gives it up: 0.2 of `many(200)` are 40.
 */
export const many = (n) => Math.ceil(n * Number(process.env.TEST_SHARE ?? 1))

/** `n` results of `make(index)`. */
export const times = (n, make) => Array.from({ length: n }, (_, index) => make(index))
