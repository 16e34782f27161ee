import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { WxaPlatform } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { start, withoutWarnings } from './child.mjs'
import { checkText, newAppid, newSecret, times } from './suite.mjs'
import { until } from './until.mjs'

/** What WeChat gives, by how the fake writes it. A pre-authorisation code belongs into one URL, and nowhere else. */
const GIVEN = /(ticket|preauthcode|queryauthcode|refreshtoken)@@@[\w-]{8}|91_[\w-]{40}/

/** A fake draws a picture in 100 ms: what is asked for in hundreds is a link. */
const FAKE = { keepRequests: 200_000, limits: { linksPerSecond: Number.POSITIVE_INFINITY } }

/**
 * A process with a platform, which does what each line of its input says and prints what came of it, with every event and every
 * error in full. Ends with its input.
 */
const PROCESS = `
const { createInterface } = await import('node:readline')
const { subscribe } = await import('node:diagnostics_channel')
const { inspect } = await import('node:util')
const { WxaPlatform } = await import('wxacode')
const print = (what) => console.log(JSON.stringify(what))
for (const name of ['token', 'redis', 'request', 'platform'])
  subscribe('wxacode:' + name, (event) => print({ event: event.event, appid: event.appid, shown: inspect(event, { depth: Infinity }) }))
const platform = new WxaPlatform(given)
const clients = new Map()
function client(appid) {
  if (!clients.has(appid)) clients.set(appid, platform.client(appid))
  return clients.get(appid)
}
const draw = (appid, how) => client(appid).getUnlimitedQRCode({ scene: 'a', checkPath: false }, how)
const WAYS = {
  draw: ({ appid, how }) => draw(appid, how),
  link: ({ appid, how }) => client(appid).generateScheme({ jumpWxa: { query: 'm=' + appid } }, how),
  token: ({ appid, how }) => client(appid).getAccessToken(how),
  push: ({ query, body }) => platform.receivePush({ query, body: Buffer.from(body, 'base64') }),
  complete: ({ code }) => platform.completeAuthorization(code),
  remove: ({ appid }) => platform.removeAuthorizer(appid),
  stats: () => platform.stats(),
  close: () => platform.close(),
}
const GIVES = { stats: true, complete: true }
const shown = (error) => [inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(error), error.stack].join('\\n')
async function outcome({ way, ...what }) {
  const begun = performance.now()
  return WAYS[way](what).then(
    (value) => ({ ms: performance.now() - begun, value: GIVES[way] && value }),
    (error) => ({ ms: performance.now() - begun, code: error.code ?? 'unknown', errcode: error.errcode, shown: shown(error) }),
  )
}
WAYS.stats = async () => platform.stats()
print('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const { id, asked } = JSON.parse(line)
  Promise.all(asked.map(outcome)).then((outcomes) => print({ id, outcomes }))
}
`

/**
 * A fake with a third-party platform, whose pushes arrive at `receiver.target`: a platform in this process or in another one.
 * When the test ends, all that its processes have printed, and all that `texts` and its folder hold, is searched for secrets.
 */
export async function setupPlatforms(t, { fake: fakeOptions, ticket = true, ...more } = {}) {
  const receiver = await startReceiver(t)
  const own = { secret: newSecret(), pushToken: `Canary${newAppid()}`, pushUrl: receiver.url }
  const fake = await startFakeWeChat({ platforms: [own], ...FAKE, ...fakeOptions })
  const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
  const file = `file:${join(folder, 'wechat.json')}`
  const credentials = fake.platforms[0]
  const options = { ...credentials, baseUrl: fake.url, timeoutMs: 600_000, ...more }
  const processes = []
  const texts = []
  const place = {
    fake,
    receiver,
    folder,
    file,
    options,
    processes,
    texts,
    check,
    enter,
    open,
    merchants,
    ticket: pushTicket,
  }
  t.after(async () => {
    for (const { child } of processes) child.kill('SIGKILL')
    await Promise.all(processes.map(({ done }) => done))
    await fake.close()
    await check()
    await rm(folder, { recursive: true, force: true })
  })
  return place

  /** A platform in this process. The last one receives the pushes. */
  function open(others = {}) {
    const platform = new WxaPlatform({ ...options, ...others })
    t.after(() => platform.close())
    receiver.target = platform
    return platform
  }

  /** Other processes. The first of them receives the pushes, unless a platform here does. */
  async function enter(count, others = {}) {
    const entered = times(count, () => startProcess({ ...options, ...others }))
    processes.push(...entered)
    await Promise.all(entered.map((one) => one.ready))
    receiver.target ??= entered[0]
    return entered
  }

  async function pushTicket(how) {
    const push = await fake.pushTicket(how)
    assert.equal(push.answer, 'success', inspect(receiver.errors.at(-1)))
  }

  /** Merchants whose refresh tokens `platform` has stored, each in the form of its appid. */
  async function merchants(count, platform) {
    if (ticket && fake.liveTickets().length === 0) await pushTicket()
    const appids = times(count, newAppid)
    // An exchange has 6 s, also on a busy machine: there the merchant authorises again.
    const complete = (appid) =>
      until(async () => {
        const code = await fake.authorize(appid, { push: false })
        return platform.completeAuthorization(code).then(
          () => true,
          (error) => {
            if (error.code !== 'ERR_WXA_TIMEOUT') throw error
          },
        )
      }, 120_000)
    for (let n = 0; n < count; n += 10) await Promise.all(appids.slice(n, n + 10).map(complete))
    return appids
  }

  /** That no text of this test shows a secret. */
  async function check() {
    const files = await readdir(folder)
    const stored = await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')))
    const printed = processes.flatMap(({ output }) => [output.stdout, output.stderr])
    for (const text of [...texts, ...printed, ...stored]) noSecret(text)
  }

  function noSecret(text) {
    checkText(text, [credentials.secret, credentials.pushToken, credentials.encodingAESKey])
    const seen = GIVEN.exec(text)
    assert.equal(seen, null, seen && text.slice(Math.max(0, seen.index - 300), seen.index + 100))
  }
}

/** A server that hands every push to `receiver.target`, and answers as a provider does. */
async function startReceiver(t) {
  const receiver = { target: undefined, errors: [], url: undefined }
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    try {
      await receiver.target.receivePush({ query, body: Buffer.concat(chunks) })
      response.end('success')
    } catch (error) {
      receiver.errors.push(error)
      response.writeHead(500).end()
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  receiver.url = `http://127.0.0.1:${server.address().port}/push?from=wechat`
  return receiver
}

function startProcess(options) {
  const { child, done, output, printed } = start(PROCESS, { given: options })
  // A process that was killed on purpose no longer reads.
  child.stdin.on('error', () => {})
  let told = 0
  let isKilled = false
  return {
    child,
    output,
    done,
    ready: printed('"ready"\n'),
    ask,
    link,
    draw,
    events,
    receivePush,
    completeAuthorization,
    kill,
    leave,
  }

  /** What came of things that are done at once; of those of a process that was killed, nothing. */
  async function ask(...asked) {
    told += 1
    const id = told
    child.stdin.write(`${JSON.stringify({ id, asked })}\n`)
    const mark = `{"id":${id},`
    await printed(mark).catch((error) => {
      if (!isKilled) throw error
    })
    // The line may still be coming.
    await printed(`\n`).catch(() => {})
    const line = output.stdout.split('\n').find((text) => text.startsWith(mark))
    return line === undefined ? [] : JSON.parse(await whole(line, mark)).outcomes
  }

  async function whole(line, mark) {
    for (;;) {
      const at = output.stdout.indexOf(mark)
      const end = output.stdout.indexOf('\n', at)
      if (end > 0) return output.stdout.slice(at, end)
      await Promise.race([once(child.stdout, 'data'), done])
      if (child.exitCode !== null || child.signalCode !== null) return line
    }
  }

  /** So many codes of each merchant, at once. */
  function draw(appids, calls = 1, how) {
    return ask(...[appids].flat().flatMap((appid) => times(calls, () => ({ way: 'draw', appid, how }))))
  }

  /** A link of each merchant, at once. */
  function link(appids, how) {
    return ask(...[appids].flat().map((appid) => ({ way: 'link', appid, how })))
  }

  /** What has happened in it, by name. */
  function events(name, appid) {
    const lines = output.stdout.split('\n').filter((line) => line.startsWith(`{"event":"${name}"`))
    return lines.filter((line) => appid === undefined || line.includes(appid))
  }

  async function receivePush({ query, body }) {
    const [one] = await ask({ way: 'push', query, body: body.toString('base64') })
    if (one === undefined || one.code) throw new Error(one?.shown ?? 'the process has ended')
  }

  async function completeAuthorization(code) {
    const [one] = await ask({ way: 'complete', code })
    if (one === undefined || one.code) throw new Error(one?.shown ?? 'the process has ended')
  }

  async function kill() {
    isKilled = true
    child.kill('SIGKILL')
    await done
  }

  /** Ends by itself when there is nothing more to do. */
  async function leave() {
    child.stdin.end()
    const { code, signal, stderr } = await done
    assert.deepEqual({ code, signal, rest: withoutWarnings(stderr).rest }, { code: 0, signal: null, rest: '' })
  }
}

/** That all went well. */
export function allWell(outcomes, count) {
  const failed = outcomes.filter(({ code }) => code)
  assert.equal(failed.length, 0, `${failed.length} of ${outcomes.length} failed: ${failed[0]?.shown}`)
  if (count !== undefined) assert.equal(outcomes.length, count)
}

/** How often each of the requests arrived since the last look. */
export function counter(fake, ...endpoints) {
  let before = endpoints.map((one) => fake.count(one))
  return () => {
    const now = endpoints.map((one) => fake.count(one))
    const since = now.map((count, n) => count - before[n])
    before = now
    return since
  }
}
