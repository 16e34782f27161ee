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
import { readAddress } from '../src/doctor/redis/address.js'
import { TRY_ALL } from '../src/doctor/redis/look.js'
import { desk, suite } from './helpers.mjs'

/** What doctor says of a Redis, in JSON; the account itself is well, and has time. */
async function redisLine({ wxacode }, url) {
  const { code, json } = await wxacode(['doctor', '--json', '--timeout', '60'], { env: { WXACODE_REDIS: url } })
  const { checks } = json()
  const line = checks.find(({ name }) => name === 'redis')
  for (const { name, ok } of checks) if (name !== 'redis') assert.notEqual(ok, false, name)
  assert.equal(code, line.ok === false ? 4 : 0)
  return line
}

/** The client waits 250 ms, which a machine that is very busy does not keep: it is looked at again. */
async function greenLine(here, url) {
  for (;;) {
    const line = await redisLine(here, url)
    if (line.ok === true) return line
    assert.match(line.cause, /the client waits 250 ms|the client cannot use/, JSON.stringify(line))
  }
}

/** A red line, with what it says and what to do. */
async function assertRed(here, url, cause, fix) {
  const line = await redisLine(here, url)
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

suite('doctor and Redis', (test) => {
  test('without one the line says how to give it', async (t) => {
    const line = await redisLine(await desk(t), '')
    assert.equal(line.ok, 'skip')
    assert.match(line.detail, /--redis or WXACODE_REDIS/)
  })

  test(
    'one that is well is green, with the way there and back, and no key of the doctor is left',
    needsRedis,
    async (t) => {
      const redis = await startRedis(t)
      const here = await desk(t)
      const line = await redisLine(here, redis.url)
      assert.equal(line.ok, true, JSON.stringify(line))
      assert.match(line.detail, /^127\.0\.0\.1:\d+ takes writes and scripts, \d+(\.\d)? ms there and back$/)
      assert.ok(redis.everything().every(({ key }) => key.startsWith(`wxacode:{${here.account.appid}:stable:`)))
      const chinese = await here.wxacode(['doctor', '--lang', 'zh', '--redis', redis.url])
      assert.match(
        chinese.out,
        /^[✓✗] Redis +127\.0\.0\.1:\d+ (可写，可执行脚本，)?往返 [\d.]+ ms|^✗ Redis +客户端用不了/m,
      )
    },
  )

  test('nobody there, a name without an address, a socket that is not there: each with its fix', async (t) => {
    const here = await desk(t)
    const port = await freePort()
    await assertRed(here, `redis://127.0.0.1:${port}`, /nobody listens at 127\.0\.0\.1:\d+/, /inside a container/)
    await assertRed(here, 'redis://cache.invalid/1', /cache\.invalid:6379 has no address/, /DNS/)
    await assertRed(here, 'unix:///nowhere/redis.sock', /no socket \/nowhere\/redis\.sock/, /unixsocket/)
  })

  test('what is no Redis is told by what it says; what says nothing, by its silence', async (t) => {
    const here = await desk(t)
    await assertRed(
      here,
      await listening(t, createHttpServer()),
      /is no Redis: it says “HTTP\/1\.1 400/,
      /host and port/,
    )
    const open = new Set()
    const silent = await listening(
      t,
      createServer((socket) => open.add(socket.on('error', () => {}))),
    )
    t.after(() => {
      for (const socket of open) socket.destroy()
    })
    await assertRed(here, silent, /does not answer/, /firewalls/)
    const shut = await listening(
      t,
      createServer((socket) => socket.destroy()),
    )
    await assertRed(here, shut, /closed the connection at once/, /rediss:/)
  })

  test('a password that is missing or wrong, and one that is not wanted', needsRedis, async (t) => {
    const redis = await startRedis(t, '--requirepass', 'se cret%', '--databases', 2)
    const here = await desk(t)
    const at = (login, path = '') => redis.url.replace('//', `//${login}`) + path
    await assertRed(here, redis.url, /wants a password/, /WXACODE_REDIS=redis:\/\//)
    await assertRed(here, at(':wrong@'), /does not take this user or password/, /percent-encoded/)
    await greenLine(here, at(`:${encodeURIComponent('se cret%')}@`, '/1'))
    await assertRed(
      here,
      at(`:${encodeURIComponent('se cret%')}@`, '/7'),
      /no database of that number/,
      /smaller number/,
    )
    const open = await startRedis(t)
    await assertRed(
      here,
      open.url.replace('//', '//:needless@'),
      /has no password, and the address has one/,
      /Leave it out/,
    )
  })

  test('a replica takes no writes', needsRedis, async (t) => {
    const redis = await startRedis(t, '--replica-serve-stale-data', 'yes')
    await redis.demote()
    await assertRed(await desk(t), redis.url, /is a replica, which takes no writes/, /redis-sentinel:/)
  })

  test('a memory that is full takes no writes', needsRedis, async (t) => {
    const redis = await startRedis(t, '--maxmemory', 1)
    await assertRed(await desk(t), redis.url, /memory of .* is full/, /maxmemory/)
  })

  test('what a user may not do is told with the ACL that allows it', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const here = await desk(t)
    const as = (user) => redis.url.replace('//', `//${user}:pass@`)
    const rights = {
      noscripts: ['~*', '+@all', '-@scripting'],
      nohashes: ['~*', '+@all', '-hset', '-hincrby'],
      nokeys: ['~other:*', '+@all'],
      enough: ['~wxacode:*', '+eval', '+@hash', '+@string', '+@keyspace', '+time', '-keys'],
    }
    for (const [user, rules] of Object.entries(rights)) await redis.ask('ACL', 'SETUSER', user, 'on', '>pass', ...rules)
    await assertRed(here, as('noscripts'), /does not let noscripts run EVAL/, /^ACL SETUSER noscripts \+eval$/)
    await assertRed(here, as('nohashes'), /run HSET, HINCRBY/, /^ACL SETUSER nohashes \+hset \+hincrby$/)
    await assertRed(here, as('nokeys'), /keys that begin with wxacode:/, /^ACL SETUSER nokeys ~wxacode:\*$/)
    await greenLine(here, as('enough'))
    const { out } = await here.wxacode(['doctor'], { env: { WXACODE_REDIS: as('nokeys') } })
    assert.match(out, /✗ Redis .*\n +fix {2}ACL SETUSER nokeys ~wxacode:\*/)
    assert.ok(!out.includes('pass@'))
  })

  test('TLS where there is none, and none where it is wanted', {
    ...needsRedis,
    ...(speaksTls ? {} : { skip: 'no TLS' }),
  }, async (t) => {
    const redis = await startTlsRedis(t)
    const here = await desk(t)
    await assertRed(here, redis.url.replace('redis:', 'rediss:'), /does not answer in TLS/, /Write redis:/)
    await assertRed(here, `redis://127.0.0.1:${redis.tls.port}`, /speaks TLS|closed the connection/, /rediss:/)
    await assertRed(
      here,
      `rediss://localhost:${redis.tls.port}`,
      /certificate of localhost:\d+ is not trusted/,
      /NODE_EXTRA_CA_CERTS/,
    )
  })

  test('a socket, sentinels and any node of a cluster lead to it', needsRedis, async (t) => {
    const here = await desk(t)
    const [socket, master, cluster] = await Promise.all([startSocketRedis(t), startRedis(t), startCluster(t)])
    const sentinel = await startSentinel(t, master.port)
    const good = async (url, name) => {
      const line = await greenLine(here, url)
      assert.match(line.detail, name)
    }
    await good(socket.url, /redis\.sock takes writes/)
    await good(
      `redis-sentinel://127.0.0.1:${sentinel.port}/0#main`,
      new RegExp(`^127\\.0\\.0\\.1:${master.port} takes`),
    )
    for (const { url } of cluster) await good(url, /takes writes/)
    await assertRed(here, `redis-sentinel://127.0.0.1:${sentinel.port}/0#other`, /do not know that master/, /behind #/)
  })

  test('every command that the scripts of the core use is tried', () => {
    const root = fileURLToPath(new URL('../../src/', import.meta.url))
    const files = readdirSync(root, { recursive: true }).filter(
      (file) => /\.(lua|rs)$/.test(file) && !/tests?/.test(file),
    )
    const texts = files.map((file) => readFileSync(join(root, file), 'utf8'))
    const used = new Set(
      texts.flatMap((text) => [...text.matchAll(/redis\.p?call\('([A-Z]+)'/g)].map(([, name]) => name)),
    )
    assert.ok(used.size >= 10)
    for (const name of used) assert.ok(TRY_ALL.includes(`try('${name}'`), name)
  })

  test('addresses are read as the client reads them', () => {
    const { places, password, db, name, isTls } = readAddress('rediss://:p%20w%@[::1]:7000/3')
    assert.deepEqual(
      { places, password, db, name, isTls },
      { places: [{ host: '::1', port: 7000 }], password: 'p w%', db: 3, name: '[::1]:7000', isTls: true },
    )
    const sentinels = readAddress('redis-sentinel://me:p@a:1,b/2#main')
    assert.deepEqual(sentinels.places, [
      { host: 'a', port: 1 },
      { host: 'b', port: 26379 },
    ])
    assert.deepEqual([sentinels.master, sentinels.username, sentinels.db, sentinels.name], ['main', 'me', 2, 'a:1,b'])
    const socket = readAddress('unix:///run/redis.sock?db=1&pass=x')
    assert.deepEqual([socket.places, socket.db, socket.password], [[{ path: '/run/redis.sock' }], 1, 'x'])
    assert.equal(readAddress('http://a'), undefined)
  })
})
