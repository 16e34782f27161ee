import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../__test__/support/ports.mjs'
import { needsRedis, speaksTls, startRedis, startTlsRedis } from '../../__test__/support/redis.mjs'
import { startCluster, startSentinel, startSocketRedis } from '../../__test__/support/redis-kinds.mjs'
import { until } from '../../__test__/support/until.mjs'
import { readAddress } from '../src/doctor/redis/address.js'
import { TRY_COMMANDS } from '../src/doctor/redis/probe.js'
import { redis } from '../src/doctor/redis/redis.js'
import { setupCli, suite } from './helpers.mjs'

/** An account whose client finds Redis well, or as `redis` and `events` say. */
const contextOf = (url, { redis = 'up', events = [] } = {}) => ({
  options: { appid: 'wx0123456789abcdef', redis: url },
  signal: new AbortController().signal,
  token: async () => ({}),
  wxa: { stats: () => ({ redis }) },
  redisEvents: { events },
})

/** What doctor finds of a Redis, in English. */
async function found(url, client) {
  const { ok, detail, cause, fix, exitCode } = await redis(contextOf(url, client))
  if (ok === false) assert.equal(exitCode, 4)
  for (const text of [detail, cause, fix]) assert.equal(text?.zh === undefined, text?.en === undefined)
  return { ok, detail: detail?.en, cause: cause?.en, fix: fix?.en }
}

/** One that is well. On a machine that is very busy it may be slow, and is looked at again. */
async function assertGreen(url, detail) {
  for (;;) {
    const line = await found(url)
    if (line.ok === true) return assert.match(line.detail, detail)
    assert.match(line.cause ?? '', /there and back, and the client waits 250 ms/, JSON.stringify(line))
  }
}

/** A red line, with what it says and what to do. */
async function assertRed(url, cause, fix) {
  const line = await found(url)
  assert.equal(line.ok, false, JSON.stringify(line))
  assert.match(line.cause, cause)
  assert.match(line.fix, fix)
}

/** Something else on a port of this machine. */
async function listening(t, server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `redis://127.0.0.1:${server.address().port}`
}

const needsTls = speaksTls ? needsRedis : { skip: 'redis-server has no TLS' }

suite('doctor and Redis', (test) => {
  test('says how to configure Redis when there is none', async () => {
    const line = await found(undefined)
    assert.equal(line.ok, 'skip')
    assert.match(line.detail, /--redis or WXACODE_REDIS/)
  })

  test('reports a healthy Redis with its round-trip time, and leaves no key', needsRedis, async (t) => {
    const server = await startRedis(t)
    await assertGreen(server.url, /^127\.0\.0\.1:\d+ takes writes and scripts, \d+(\.\d)? ms there and back$/)
    assert.deepEqual(server.everything(), [])
  })

  test('reports a Redis that the client cannot use, with the reason of the client', needsRedis, async (t) => {
    const server = await startRedis(t)
    const events = [{ event: 'redis.down', host: 'x', message: 'no answer within 250 ms' }]
    const { ok, cause } = await found(server.url, { redis: 'down', events })
    assert.equal(ok, false)
    assert.match(cause, /the client cannot use 127\.0\.0\.1:\d+: no answer within 250 ms|the client waits 250 ms/)
  })

  test(
    'the quota says how many codes are used for ever, if another process with that Redis was told',
    needsRedis,
    async (t) => {
      const [here, { url }] = [await setupCli(t), await startRedis(t)]
      const env = { WXACODE_REDIS: url }
      const doctor = async () => (await here.wxacode(['doctor'], { env })).out
      assert.match(await doctor(), /quota +left today: (?!.*for ever)/)
      await here.wxacode(['limited', '--path', 'a', '-o', 'a'], { env })
      // A Redis that is slow to answer has not told it yet.
      assert.ok(
        await until(async () => /left today: .*; 1 of 100000 codes used for ever \(just now\)/.test(await doctor())),
      )
    },
  )

  test('checks Redis although WeChat is unreachable, and shows no login', needsRedis, async (t) => {
    const server = await startRedis(t)
    await server.ask('ACL', 'SETUSER', 'app', 'on', '>s3cret', '~other:*', '+@all')
    const { wxacode } = await setupCli(t)
    const env = { WXACODE_REDIS: server.url.replace('//', '//app:s3cret@') }
    const { out, code } = await wxacode(['doctor', '--base-url', 'https://wechat.invalid'], { env })
    assert.equal(code, 4)
    assert.match(out, /^✗ DNS .*\n +fix.*\n- TLS/)
    assert.match(out, /^✗ Redis +127\.0\.0\.1:\d+ does not let app use keys .*\n +fix {2}ACL SETUSER app ~wxacode:\*$/m)
    assert.ok(!out.includes('s3cret'))
  })

  test('has a fix for a closed port, an unknown host name and a missing socket', async () => {
    const port = await freePort()
    await assertRed(`redis://127.0.0.1:${port}`, /no service listens at 127\.0\.0\.1:\d+/, /inside a container/)
    await assertRed('redis://cache.invalid/1', /cache\.invalid:6379 has no address/, /DNS/)
    await assertRed('unix:///nowhere/redis.sock', /no socket \/nowhere\/redis\.sock/, /unixsocket/)
  })

  test('reports a server that is not Redis, and one that does not reply', async (t) => {
    const web = await listening(t, createHttpServer())
    await assertRed(web, /is not Redis: it responds with “HTTP\/1\.1 400/, /host and port/)
    const open = new Set()
    const silent = await listening(
      t,
      createServer((socket) => open.add(socket.on('error', () => {}))),
    )
    t.after(() => {
      for (const socket of open) socket.destroy()
    })
    await assertRed(silent, /does not answer/, /firewalls/)
    const shut = await listening(
      t,
      createServer((socket) => socket.destroy()),
    )
    await assertRed(shut, /closed the connection at once/, /rediss:/)
  })

  test('reports a missing, a wrong and an unnecessary password', needsRedis, async (t) => {
    const server = await startRedis(t, '--requirepass', 'se cret%', '--databases', 2)
    const at = (login, path = '') => server.url.replace('//', `//${login}`) + path
    const right = `:${encodeURIComponent('se cret%')}@`
    await assertRed(server.url, /requires a password/, /WXACODE_REDIS=redis:\/\//)
    await assertRed(at(':wrong@'), /does not accept this user or password/, /percent-encoded/)
    await assertGreen(at(right, '/1'), /takes writes/)
    await assertRed(at(right, '/7'), /no database of that number/, /smaller number/)
    const open = await startRedis(t)
    await assertRed(
      open.url.replace('//', '//:needless@'),
      /has no password, and the address has one/,
      /Remove it from the address/,
    )
  })

  test('reports a replica, which takes no writes', needsRedis, async (t) => {
    const server = await startRedis(t)
    await server.demote()
    await assertRed(server.url, /is a replica, which takes no writes/, /redis-sentinel:/)
  })

  test('reports a full memory, which takes no writes', needsRedis, async (t) => {
    const server = await startRedis(t, '--maxmemory', 1)
    await assertRed(server.url, /memory of .* is full/, /maxmemory/)
  })

  test('reports what the user may not do, with the ACL that allows it', needsRedis, async (t) => {
    const server = await startRedis(t)
    const as = (user) => server.url.replace('//', `//${user}:pass@`)
    const rights = {
      noscripts: ['~*', '+@all', '-@scripting'],
      nohashes: ['~*', '+@all', '-hset', '-hincrby'],
      nokeys: ['~other:*', '+@all'],
      enough: ['~wxacode:*', '+eval', '+@hash', '+@string', '+@keyspace', '+time', '-keys'],
    }
    for (const [user, rules] of Object.entries(rights))
      await server.ask('ACL', 'SETUSER', user, 'on', '>pass', ...rules)
    await assertRed(as('noscripts'), /does not let noscripts run EVAL/, /^ACL SETUSER noscripts \+eval$/)
    await assertRed(as('nohashes'), /run HSET, HINCRBY/, /^ACL SETUSER nohashes \+hset \+hincrby$/)
    await assertRed(as('nokeys'), /keys that begin with wxacode:/, /^ACL SETUSER nokeys ~wxacode:\*$/)
    await assertGreen(as('enough'), /takes writes/)
  })

  test('reports TLS that the server does not speak, and missing TLS', needsTls, async (t) => {
    const server = await startTlsRedis(t)
    await assertRed(server.url.replace('redis:', 'rediss:'), /does not answer in TLS/, /Write redis:/)
    await assertRed(`redis://127.0.0.1:${server.tls.port}`, /speaks TLS|closed the connection/, /rediss:/)
    await assertRed(
      `rediss://localhost:${server.tls.port}`,
      /certificate of localhost:\d+ is not trusted/,
      /NODE_EXTRA_CA_CERTS/,
    )
  })

  test('reaches Redis by a socket, by sentinels and by any node of a cluster', needsRedis, async (t) => {
    const [socket, master, cluster] = await Promise.all([startSocketRedis(t), startRedis(t), startCluster(t)])
    const sentinel = await startSentinel(t, master.port)
    const at = `redis-sentinel://127.0.0.1:${sentinel.port}/0`
    await assertGreen(socket.url, /redis\.sock takes writes/)
    await assertGreen(`${at}#main`, new RegExp(`^127\\.0\\.0\\.1:${master.port} takes`))
    for (const { url } of cluster) await assertGreen(url, /takes writes/)
    await assertRed(`${at}#other`, /do not know that master/, /behind #/)
  })

  test('tries every command that the scripts of the core use', () => {
    const root = fileURLToPath(new URL('../../src/', import.meta.url))
    const files = readdirSync(root, { recursive: true }).filter(
      (file) => /\.(lua|rs)$/.test(file) && !/tests?/.test(file),
    )
    const texts = files.map((file) => readFileSync(join(root, file), 'utf8'))
    const used = new Set(
      texts.flatMap((text) => [...text.matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, name]) => name)),
    )
    assert.ok(used.size >= 10)
    for (const name of used) assert.ok(TRY_COMMANDS.includes(`try('${name}'`), name)
  })

  test('reads addresses as the client does', () => {
    assert.deepEqual(readAddress('rediss://:p%20w%@[::1]:7000/3'), {
      servers: [{ host: '::1', port: 7000 }],
      isTls: true,
      username: undefined,
      password: 'p w%',
      db: 3,
      name: '[::1]:7000',
    })
    const sentinels = readAddress('redis-sentinel://me:p@a:1,b/2#main')
    assert.deepEqual(sentinels.servers, [
      { host: 'a', port: 1 },
      { host: 'b', port: 26379 },
    ])
    assert.deepEqual([sentinels.master, sentinels.username, sentinels.db, sentinels.name], ['main', 'me', 2, 'a:1,b'])
    const socket = readAddress('unix:///run/redis.sock?db=1&pass=x')
    assert.deepEqual([socket.servers, socket.db, socket.password], [[{ path: '/run/redis.sock' }], 1, 'x'])
    assert.equal(readAddress('http://a'), undefined)
  })
})
