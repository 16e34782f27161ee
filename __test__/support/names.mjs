import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { start } from './child.mjs'

/** A network of its own, in which the machine's name server is the one that the script starts. Takes Linux and its rights. */
const NETWORK = ['unshare', '--map-root-user', '--mount', '--net', 'sh', '-c']
const UP = 'ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"'

/** Why there is none here, or `undefined`. */
export const missingNetwork = () => {
  const { status, error, stderr } = spawnSync(NETWORK[0], [...NETWORK.slice(1), UP, '/dev/null', 'true'])
  return status === 0 ? undefined : `no network of its own here: ${error?.message ?? stderr}`
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
// The fake refuses a call without a token: a client that gets this errcode has reached it.
const reach = (host, more) => client(host, more).createQRCode({ path: 'a' }).then(() => 'picture', (error) => error.code === 'ERR_WXA_API' ? 'reached' : error.code + ' ' + error.message)
const threads = () => Number(/Threads:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
// All of it before the end: a pipe takes its time.
const say = (result) => process.stdout.write(JSON.stringify(result), () => process.exit())
const until = async (look) => { while (!look()) await new Promise((resolve) => setTimeout(resolve, 20)) }
`

/** `lost` is how the resolver asks again, in its own words: so many packets at once may lose some. */
export async function withNameServer(t, script, lost = 'timeout:1 attempts:30') {
  const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'resolv.conf')
  await writeFile(file, `nameserver 127.0.0.1\noptions ${lost}\n`)
  const under = [...NETWORK, UP, file]
  const { code, stdout, stderr } = await start(PREAMBLE + script, { preamble: '', under }).done
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}
