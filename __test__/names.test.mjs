import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from './support/child.mjs'
import { suite } from './support/suite.mjs'

/** More than the 512 threads that a runtime has for what blocks. */
const ACCOUNTS = 700

/** A network of its own, in which the machine's name server is the one that the script starts. Takes Linux and its rights. */
const NETWORK = ['unshare', '--map-root-user', '--mount', '--net', 'sh', '-c']
const UP = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"'

const missing = () => {
  const { status, error, stderr } = spawnSync(NETWORK[0], [...NETWORK.slice(1), UP, '/dev/null', 'true'])
  return status === 0 ? false : `no network of its own here: ${error?.message ?? stderr}`
}

/**
 * A name server that knows `*.good.example` and keeps silent about all others, a fake WeChat, and what it is asked for
 * through names: `reach` says how a call to a host ended.
 */
const PREAMBLE = `
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
const given = JSON.parse(process.env.TEST_GIVEN)
const asked = new Map()
const server = createSocket('udp4')
server.on('message', (query, { port, address }) => {
  const labels = []
  let at = 12
  for (; query[at] > 0; at += query[at] + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]))
  const name = labels.join('.')
  asked.set(name, (asked.get(name) ?? 0) + 1)
  if (!name.endsWith('good.example')) return
  const isA = query.readUInt16BE(at + 1) === 1
  const head = Buffer.from(query.subarray(0, 12))
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(isA ? 1 : 0, 6)
  head.writeUInt32BE(0, 8)
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
  server.send(Buffer.concat([head, query.subarray(12, at + 5), ...(isA ? [answer] : [])]), port, address)
})
server.bind(53, '127.0.0.1')
await once(server, 'listening')
const fake = await startFakeWeChat()
const { port } = new URL(fake.url)
const client = (host, more) => new WxaCode({ appid: fake.appid, token: 'none', baseUrl: 'http://' + host + ':' + port, timeoutMs: 60_000, retries: 0, ...more })
// The fake refuses a call without a token: whoever hears that has reached it.
const reach = (host, more) => client(host, more).createQRCode({ path: 'a' }).then(() => 'picture', (error) => error.code === 'ERR_WXA_API' ? 'reached' : error.code + ' ' + error.message)
const threads = () => Number(/Threads:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
const until = async (look) => { while (!look()) await new Promise((resolve) => setTimeout(resolve, 20)) }
`

/** `lost` is how the resolver asks again, in its own words: so many packets at once may lose some. */
async function inside(t, script, lost = 'timeout:1 attempts:30') {
  const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'resolv.conf')
  await writeFile(file, `nameserver 127.0.0.1\noptions ${lost}\n`)
  const under = [...NETWORK, UP, file]
  const { code, stdout, stderr } = await start(PREAMBLE + script, { preamble: '', under }).done
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

suite('names that no server answers', (test) => {
  const skip = missing()

  for (const [what, name] of [
    ['of one host', () => 'silent.example'],
    ['each with a host of its own', (n) => `silent${n}.example`],
  ]) {
    test(`hold up nobody else: ${ACCOUNTS} accounts ${what}`, { skip }, async (t) => {
      const names = Array.from({ length: ACCOUNTS }, (_, n) => name(n))
      const said = await inside(
        t,
        `
        const names = ${JSON.stringify(names)}
        const silent = names.map((name) => reach(name))
        const distinct = new Set(names).size
        await until(() => asked.size >= distinct && threads() >= distinct)
        const most = threads()
        const good = await Promise.all(['localhost', '127.0.0.1', 'a.good.example', 'b.good.example'].map((name) => reach(name, { retries: 5 })))
        const ends = new Set(await Promise.all(silent))
        console.log(JSON.stringify({ good, most, ends: [...ends].map((end) => end.replace(/silent\\d*/g, 'silent').replace(/:\\d+/g, '')) }))
        process.exit()`,
      )
      assert.deepEqual(said.good, ['reached', 'reached', 'reached', 'reached'])
      assert.ok(what !== 'of one host' || said.most < 100, `${said.most} threads`)
      for (const end of said.ends) {
        assert.match(end, /^ERR_WXA_NETWORK .*silent\.example could not be resolved.*DNS/)
      }
    })
  }

  test('are asked for once however many wait, and a name that is known is not asked for at each connection', {
    skip,
  }, async (t) => {
    const said = await inside(
      t,
      `
      await Promise.all(Array.from({ length: 50 }, () => reach('many.good.example')))
      await Promise.all(Array.from({ length: 50 }, () => reach('silent.example', { timeoutMs: 300 })))
      await reach('silent.example', { timeoutMs: 300 })
      console.log(JSON.stringify({ many: asked.get('many.good.example'), silent: asked.get('silent.example') }))
      process.exit()`,
      'timeout:30 attempts:1',
    )
    // An A and an AAAA.
    assert.deepEqual(said, { many: 2, silent: 2 })
  })

  test('of a Redis hold up nobody else either', { skip }, async (t) => {
    const said = await inside(
      t,
      `
      const redis = (n) => ({ url: 'redis://silent' + n + '.example', timeoutMs: 100 })
      const options = { appid: fake.appid, secret: fake.secret, baseUrl: fake.url, timeoutMs: 60_000 }
      const clients = Array.from({ length: 600 }, (_, n) => new WxaCode({ ...options, redis: redis(n) }))
      for (const wxa of clients) wxa.getAccessToken().catch(() => {})
      await until(() => asked.size >= 600)
      const good = await reach('a.good.example', { retries: 5 })
      console.log(JSON.stringify({ good }))
      process.exit()`,
    )
    assert.deepEqual(said, { good: 'reached' })
  })
})
