import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startFakeWeChat } from 'wxacode-fake'
import { deadUrl } from './support/ports.mjs'
import { startProxy } from './support/proxy.mjs'
import { newSecret, suite } from './support/suite.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const EVERY_WAY = fileURLToPath(new URL('support/every-way.cjs', import.meta.url))
/** The package's own files. */
const FILES = ['index.js', 'lib/'].map((file) => ROOT + file)
const [appid, secret] = ['wx0123456789abcdef', newSecret()]

/** A descriptor cannot be made any more where these stand on `Object.prototype`, in Node itself. */
const OF_DESCRIPTORS = ['get', 'set', 'value', 'writable', 'enumerable', 'configurable']
/** Looked up by the language itself. They count where they are functions, which JSON does not carry. */
const OF_THE_LANGUAGE = ['then', 'toJSON', 'return']

/** Runs every way through the package in a process of its own. Gives what came of it, and all that it sent. */
async function goEveryWay(t, how) {
  const fake = await startFakeWeChat({ apps: [{ appid, secret }] })
  const proxy = await startProxy(t, { refuse: 407 })
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-'))
  t.after(async () => {
    rmSync(folder, { recursive: true })
    await fake.close()
  })
  const grant = JSON.stringify({ grant_type: 'client_credential', appid, secret })
  const { access_token: live } = await (
    await fetch(`${fake.url}/cgi-bin/stable_token`, { method: 'POST', body: grant })
  ).json()
  const given = { appid, secret, live, baseUrl: fake.url, refusing: proxy.url, dead: await deadUrl(), files: FILES }
  const file = join(folder, 'given.json')
  const patience = {}
  writeFileSync(file, JSON.stringify({ ...given, patience, ...how }))
  const child = spawn(process.execPath, ['--stack-trace-limit=40', EVERY_WAY, file], { cwd: ROOT, stdio: 'pipe' })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  const [code] = await once(child, 'close')
  const report = JSON.parse(readFileSync(file, 'utf8'))
  assert.equal(code, 0, `${printed}${report.failed}`)
  return {
    ...report,
    printed,
    outcomes: report.outcomes.map(([name, outcome]) => [
      name,
      JSON.parse(JSON.stringify(outcome).replace(/127\.0\.0\.1:\d+/g, 'HERE')),
    ]),
    sent: fake.requests.map(sentBy).sort(),
    through: [...new Set(proxy.seen.map(({ method, url }) => `${method} ${url}`))],
  }
}

/** All of a request but its token and its port, as one line. */
function sentBy({ method, path, query: { access_token, ...query }, headers: { host, ...headers }, body }) {
  return JSON.stringify([method, path, access_token !== undefined, query, headers, body])
}

/** A server that no test has named, and how often it was reached. */
async function startStranger(t) {
  const seen = { connections: 0 }
  const server = createServer((socket) => {
    seen.connections += 1
    socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { seen, url: `http://127.0.0.1:${server.address().port}` }
}

/** Each is gone once, whatever the order of the tests. */
let clean
const goClean = (t) => {
  clean ??= goEveryWay(t, { heap: true, patience: { timeoutMs: 600_000 } })
  return clean
}

suite(
  'Object.prototype is a boundary',
  (test) => {
    test('neither JavaScript nor the addon reads a property of Object.prototype', async (t) => {
      const { names } = await goClean(t)
      assert.ok(['baseUrl', 'accessToken', 'lineColor', 'statusText'].every((name) => names.includes(name)))
      const watch = names.filter((name) => !OF_DESCRIPTORS.includes(name))
      const { found, outcomes } = await goEveryWay(t, { watch })
      // What Node looks up for its own ends, while it loads a module for us, is its own.
      const ours = found.filter(({ name, by }) => by === '' && !OF_THE_LANGUAGE.includes(name))
      assert.deepEqual(ours, [])
      // It would have seen them: these are looked up at every call.
      assert.ok(found.some(({ name, reader }) => name === 'then' && reader.includes('index.js')))
      assert.deepEqual(outcomes, (await clean).outcomes)
    })

    for (const make of [
      (url) => url,
      () => 300,
      () => true,
      (url) => ({ r: 1, g: 1, b: 1, url, path: url, accessToken: 'x', errcode: 45009 }),
      (url) => [url],
    ]) {
      const shown = JSON.stringify(make('http://stranger'))
      test(`${shown} under every property name changes nothing that leaves the process`, async (t) => {
        const { loaded, sent, through, outcomes } = await goClean(t)
        assert.ok(sent.length > 40 && through.length > 0)
        const { url, seen } = await startStranger(t)
        const words = loaded
          .filter((file) => file.endsWith('.js'))
          .flatMap((file) => readFileSync(file, 'utf8').match(/[A-Za-z_$][\w$]*/g))
        const names = [...new Set(words)].filter((word) => !OF_DESCRIPTORS.includes(word))
        assert.ok(names.length > 1000)
        const polluted = await goEveryWay(t, { pollution: { names, value: make(url) } })
        assert.deepEqual(polluted.sent, sent)
        assert.deepEqual(polluted.through, through)
        assert.deepEqual(polluted.outcomes, outcomes)
        assert.equal(polluted.printed, '')
        assert.equal(seen.connections, 0)
      })
    }
  },
  { concurrency: 2 },
)
