import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import { run, start, withoutWarnings } from '../support/child.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import {
  clients,
  errorsOf,
  keysOf,
  slotMove,
  startCluster,
  startPair,
  startSentinel,
  startSocketRedis,
  startTlsRedis,
} from '../support/redis-kinds.mjs'
import { checkText, failure, guard, setup, suite, thrown, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

/**
 * What a user of Redis has to be allowed, with `keyPrefix: 'shop:'` and database 0. For another database `+select` as
 * well, through sentinels `+role`.
 */
const ACL =
  '~shop:* -@all +eval +time +get +set +incr +del +pexpire +pttl +hget +hmget +hgetall +hset +hsetnx +hincrby +hdel'

/** Everything that a URL makes something of. */
const PASSWORD = 'Canary p@ss:w/rd?#%+&=[é]'

/** Makes one call for each of its clients and ends. */
const JOINER = `
const stats = []
for (const options of given) {
  const wxa = new WxaCode(options)
  await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
  stats.push(wxa.stats())
}
console.log(JSON.stringify(stats))
`

/** Makes calls until its input ends, tells of Redis as it goes, and then what came of the calls. */
const WORKER = `
const { setTimeout: pause } = await import('node:timers/promises')
const { subscribe } = await import('node:diagnostics_channel')
subscribe('wxacode:redis', ({ event, message }) => console.log(event, message))
let working = true
process.stdin.resume().once('end', () => { working = false })
const wxas = given.map((options) => new WxaCode(options))
const errors = []
while (working) {
  const calls = wxas.map((wxa) => wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false }))
  for (const { reason } of await Promise.allSettled(calls)) if (reason) errors.push(reason.code + ' ' + reason.message)
  console.log('called')
  await pause(5)
}
console.log(JSON.stringify({ errors, stats: wxas.map((wxa) => wxa.stats()) }))
`

/** Other clients, in a process of their own: what they say of themselves. */
async function join(options, env = {}) {
  const { stdout, stderr, code } = await run(JOINER, { given: options, env })
  assert.equal(withoutWarnings(stderr).rest, '')
  assert.equal(code, 0)
  checkText(stdout, [PASSWORD, ...options.map(({ secret }) => secret)])
  return JSON.parse(stdout)
}

/** A process whose calls do not cease. */
async function work(t, options) {
  const { child, done, output, printed } = start(WORKER, { given: options })
  t.after(() => child.kill())
  await printed('called\n')
  return {
    printed,
    isUp: () => output.stdout.lastIndexOf('redis.up') >= output.stdout.lastIndexOf('redis.down'),
    async called() {
      const said = output.stdout.split('called\n').length
      await until(() => output.stdout.split('called\n').length > said + 1)
    },
    async stop() {
      child.stdin.end()
      const { stdout, stderr } = await done
      assert.equal(withoutWarnings(stderr).rest, '')
      checkText(stdout, [PASSWORD, ...options.map(({ secret }) => secret)])
      return JSON.parse(stdout.trimEnd().split('\n').at(-1))
    },
  }
}

const draw = (wxa, call) => wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false }, call)

/** The process that comes second has the token of the first. */
async function share({ fake, wxa, options }) {
  await draw(wxa)
  const [stats] = await join([options])
  assert.equal(wxa.stats().redis, 'up')
  assert.equal(stats.redis, 'up')
  assert.equal(stats.refreshes, 0)
  assert.equal(fake.count('tokens'), 1)
}

/** A client whose calls succeed without Redis. */
async function aloneWith(t, redis) {
  const here = await setup(t, {}, { redis })
  await draw(here.wxa)
  assert.equal(here.wxa.stats().redis, 'down')
  return here
}

/** The setup of a test with a cluster: the token is on one node, and there is another node to which its slot may move. */
async function setupInCluster(t, nodes, more) {
  const here = await setup(t, {}, { redis: patient(nodes[0].url), ...more })
  await draw(here.wxa)
  const home = nodes.find((node) => keysOf(node).length > 0)
  const to = nodes.find((node) => node !== home)
  return { ...here, to, home, move: slotMove(nodes, keysOf(home)[0], home, to) }
}

suite(
  'connections to Redis',
  (test) => {
    test('two processes share a token through a socket', needsRedis, async (t) => {
      const redis = await startSocketRedis(t)
      await share(await setup(t, {}, { redis: patient(redis.url) }))
      assert.ok(keysOf(redis).some((key) => key.endsWith(':token')))
    })

    test('two processes share a token through TLS with a root of their own', needsRedis, async (t) => {
      const redis = await startTlsRedis(t)
      await share(await setup(t, {}, { redis: patient({ url: redis.url, ca: redis.ca }) }))
      assert.ok(keysOf(redis).some((key) => key.endsWith(':token')))
    })

    test('without that root, or with another, Redis counts as down and receives nothing', needsRedis, async (t) => {
      const [redis, other] = await Promise.all([startTlsRedis(t), startTlsRedis(t)])
      for (const ca of [undefined, other.ca]) await aloneWith(t, { url: redis.url, ca })
      assert.deepEqual(keysOf(redis), [])
    })

    test('a configured root works without the roots of the system', needsRedis, async (t) => {
      const redis = await startTlsRedis(t)
      const { options } = await setup(t, {}, { redis: patient({ url: redis.url, ca: redis.ca }) })
      const [stats] = await join([options], { SSL_CERT_FILE: 'no-such.pem' })
      assert.equal(stats.redis, 'up')
    })

    test('a root in NODE_EXTRA_CA_CERTS counts for a Redis without a root of its own', needsRedis, async (t) => {
      const [redis, other] = await Promise.all([startTlsRedis(t), startTlsRedis(t)])
      const { options } = await setup(t)
      const ways = [redis.url, { url: redis.url, ca: other.ca }]
      const clients = ways.map((way) => ({ ...options, redis: patient(way) }))
      const [usual, given] = await join(clients, { NODE_EXTRA_CA_CERTS: redis.tls['tls-ca-cert-file'] })
      assert.deepEqual([usual.redis, given.redis], ['up', 'down'])
    })

    test('a certificate for another host is not accepted', needsRedis, async (t) => {
      const redis = await startTlsRedis(t)
      const at = (host) => ({ url: `rediss://${host}:${redis.tlsPort}`, ca: redis.ca })
      // Which is here by definition, and is not in the certificate.
      await aloneWith(t, at('other.localhost'))
      assert.deepEqual(keysOf(redis), [])
      await share(await setup(t, {}, { redis: patient(at('localhost')) }))
    })

    test('the keys are in the database of the URL, by either protocol', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const { port } = await startSentinel(t, redis.port)
      const urls = [
        `redis://127.0.0.1:${redis.port}/1`,
        `redis://127.0.0.1:${redis.port}/2?protocol=resp3`,
        `redis-sentinel://127.0.0.1:${port}/3#main`,
        `redis-sentinel://127.0.0.1:${port}/4?protocol=resp3#main`,
      ]
      for (const url of urls) await share(await setup(t, {}, { redis: patient(url) }))
      assert.deepEqual(keysOf(redis), [])
      for (const n of [1, 2, 3, 4]) assert.match(redis.cli('-n', n, '--raw', 'KEYS', '*'), /:token$/m)
    })

    for (const [what, ca] of Object.entries({
      'a PEM without a certificate': '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
      'a PEM whose certificate is none': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      'what is no PEM': Buffer.of(0, 255, 1),
    })) {
      test(`${what} is refused as redis.ca`, async (t) => {
        const { client } = await setup(t)
        for (const url of ['rediss://127.0.0.1', 'rediss-sentinel://127.0.0.1/0#main']) {
          const error = thrown(() => client({ redis: { url, ca } }))
          assert.equal(error.name, 'InvalidParamsError')
          assert.equal(error.param, 'redis.ca', url)
        }
      })
    }

    test('a password may have any character, with and without a user name', needsRedis, async (t) => {
      guard(t, PASSWORD)
      const redis = await startRedis(t)
      redis.cli('ACL', 'SETUSER', 'sh@p', 'on', `>${PASSWORD}`, '~*', '+@all')
      const login = encodeURIComponent(PASSWORD)
      await share(await setup(t, {}, { redis: patient(`redis://sh%40p:${login}@127.0.0.1:${redis.port}`) }))
      redis.cli('CONFIG', 'SET', 'requirepass', PASSWORD)
      await share(await setup(t, {}, { redis: patient(`redis://:${login}@127.0.0.1:${redis.port}/0`) }))
    })

    test('a user needs the commands of the scripts and of the circuit breaker, and no others', async () => {
      const source = new URL('../../src/', import.meta.url)
      const found = (ending, pattern) =>
        readdirSync(source, { recursive: true })
          // What sentinels need besides has a sentence of its own in the documents.
          .filter((name) => name.endsWith(ending) && !name.endsWith('sentinel.rs'))
          .flatMap((name) => [...readFileSync(new URL(name, source), 'utf8').matchAll(pattern)])
          .map(([, command]) => command.toLowerCase())
      const inLua = found('.lua', /redis\.call\('(\w+)'/g)
      const inRust = found('.rs', /redis::cmd\("(\w+)"\)/g)
      const allowed = ACL.split(' ').filter((word) => word.startsWith('+'))
      const needed = new Set(['eval', ...inLua, ...inRust])
      assert.deepEqual(allowed.sort(), [...needed].map((command) => `+${command}`).sort())
    })

    test('a user with only those commands works, and reconnects after an outage', needsRedis, async (t) => {
      guard(t, PASSWORD)
      const redis = await startRedis(t, '--user', 'shop', 'on', '>right', ...ACL.split(' '))
      const url = `redis://shop:right@127.0.0.1:${redis.port}`
      const here = await setup(t, {}, { redis: patient({ url, keyPrefix: 'shop:' }) })
      const { fake, wxa } = here
      await share(here)
      await wxa.getAccessToken({ forceRefresh: true })
      wxa.invalidateAccessToken((await wxa.getAccessToken()).accessToken)
      await wxa.getAccessToken()
      fake.fail(45009, { endpoint: 'codes' })
      assert.equal((await failure(draw(wxa, { timeoutMs: 500 }))).errcode, 45009)
      assert.equal(wxa.stats().redis, 'up')
      const names = new Set(keysOf(redis).map((key) => key.split(':').at(-1)))
      assert.deepEqual(names, new Set(['token', 'fence', 'cool', 'minute', 'pause', 'forced', 'forced-day']))
      assert.equal(redis.cli('ACL', 'LOG'), '')
      await redis.stop()
      const { wxa: other } = await aloneWith(t, { url, keyPrefix: 'shop:' })
      await redis.start()
      await until(() => other.stats().redis === 'up')
      assert.equal(redis.cli('ACL', 'LOG'), '')
    })

    test('a user without those commands counts as an outage until the ACL allows them', needsRedis, async (t) => {
      const redis = await startRedis(t, '--user', 'shop', 'on', '>right', ...ACL.split(' '))
      const url = `redis://shop:right@127.0.0.1:${redis.port}`
      await aloneWith(t, { url, keyPrefix: 'other:' })
      const { wxa } = await aloneWith(t, { url: `${url}/1`, keyPrefix: 'shop:' })
      redis.cli('ACL', 'SETUSER', 'shop', '+select')
      await until(() => wxa.stats().redis === 'up')
    })

    test('the error for an unusable Redis shows no secret', needsRedis, async (t) => {
      guard(t, PASSWORD)
      const redis = await startRedis(t, '--user', 'shop', 'on', '>right', ...ACL.split(' '))
      const { port } = await startSentinel(t, redis.port)
      const events = []
      const listen = (event) => events.push(event)
      diagnostics.subscribe('wxacode:redis', listen)
      t.after(() => diagnostics.unsubscribe('wxacode:redis', listen))
      const wrong = encodeURIComponent(PASSWORD)
      const here = await setup(t, {}, { token: 'classic' })
      for (const url of [
        `redis://shop:${wrong}@127.0.0.1:${redis.port}`,
        `redis://:${wrong}@127.0.0.1:1`,
        `rediss://shop:${wrong}@127.0.0.1:${redis.port}`,
        `unix:///no/such.sock?user=shop&pass=${wrong}`,
        `redis-sentinel://shop:${wrong}@127.0.0.1:${port}/0#main`,
        `redis-sentinel://shop:${wrong}@127.0.0.1:${port}/0#other`,
        `redis://shop:right@127.0.0.1:${redis.port}`,
      ]) {
        const wxa = here.client({ redis: url })
        const error = await failure(draw(wxa))
        assert.equal(error.code, 'ERR_WXA_REDIS')
        checkText(JSON.stringify(wxa.stats()), [PASSWORD, here.secret])
      }
      for (const url of [
        `redis://shop:${wrong}@`,
        `redis://shop:${wrong}@127.0.0.1:port`,
        `redis://shop:${wrong}@127.0.0.1/main`,
        `redis://shop:${PASSWORD}@127.0.0.1`,
        `rediss://shop:${wrong}@127.0.0.1/#what`,
        `http://shop:${wrong}@127.0.0.1`,
        `redis-sentinel://shop:${wrong}@127.0.0.1`,
        `redis-sentinel://shop:${wrong}@127.0.0.1/0/0#main`,
      ]) {
        assert.equal(thrown(() => here.client({ redis: url })).param, 'redis', url)
      }
      assert.ok(events.length >= 7, `${events.length} events`)
      checkText(JSON.stringify(events), [PASSWORD, here.secret])
    })

    test('a process has one connection for all its clients', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const { options } = await setup(t, {}, { redis: patient(redis.url) })
      const all = times(20, (n) => ({ ...options, token: n % 2 ? 'stable' : 'classic' }))
      const workers = await Promise.all(times(2, () => work(t, all)))
      await Promise.all(workers.map(({ called }) => called()))
      assert.equal(clients(redis), 2)
      await Promise.all(workers.map(({ stop }) => stop()))
      await until(() => clients(redis) === 0)
    })

    test('sentinels lead to a master that speaks TLS', needsRedis, async (t) => {
      const redis = await startTlsRedis(t)
      const { port } = await startSentinel(t, redis.tlsPort, { 'tls-replication': 'yes', ...redis.tls })
      const url = `rediss-sentinel://127.0.0.1:${port}/0#main`
      await share(await setup(t, {}, { redis: patient({ url, ca: redis.ca }) }))
      await aloneWith(t, url)
    })

    test('no call fails when the master dies, and the next master has the token', needsRedis, async (t) => {
      guard(t, PASSWORD)
      const [master, replica] = await startPair(t)
      for (const { cli } of [master, replica])
        cli('ACL', 'SETUSER', 'shop', 'on', `>${PASSWORD}`, ...ACL.split(' '), '+role')
      const sentinel = await startSentinel(t, master.port)
      await until(async () => (await sentinel.ask('num-slaves')) === '1')
      const url = `redis-sentinel://shop:${encodeURIComponent(PASSWORD)}@127.0.0.1:1,127.0.0.1:${sentinel.port}/0#main`
      const here = await setup(t, {}, { redis: patient({ url, keyPrefix: 'shop:' }) })
      await share(here)
      const worker = await work(t, [here.options])
      await until(() => keysOf(replica).some((key) => key.endsWith(':token')))
      await master.stop()
      await worker.printed('redis.down')
      await worker.called()
      await worker.printed('redis.up')
      assert.equal(await sentinel.ask('port'), String(replica.port))
      const { errors, stats } = await worker.stop()
      assert.deepEqual(errors, [])
      assert.equal(stats[0].redis, 'up')
      const [{ redis, refreshes }] = await join([here.options])
      assert.deepEqual({ redis, refreshes }, { redis: 'up', refreshes: 0 })
      assert.equal(here.fake.count('tokens'), 1)
    })

    test(
      'a process that starts without a master fetches its own token, and shares it with the next master',
      needsRedis,
      async (t) => {
        const [master, replica] = await startPair(t)
        const sentinel = await startSentinel(t, master.port)
        await until(async () => (await sentinel.ask('num-slaves')) === '1')
        await master.stop()
        const { fake, options, wxa } = await setup(t, {}, { redis: `redis-sentinel://127.0.0.1:${sentinel.port}#main` })
        await draw(wxa)
        assert.equal(wxa.stats().redis, 'down')
        await until(() => wxa.stats().redis === 'up')
        await until(() => keysOf(replica).some((key) => key.endsWith(':token')))
        const [{ refreshes }] = await join([{ ...options, redis: patient(options.redis) }])
        assert.equal(refreshes, 0)
        assert.equal(fake.count('tokens'), 1)
      },
    )

    test('in a cluster the keys of an account are on one node, whichever node the URL names', needsRedis, async (t) => {
      const nodes = await startCluster(t)
      const setups = []
      const homes = (appid) => nodes.filter((node) => keysOf(node).some((key) => key.includes(appid)))
      while (setups.length < 6 || !nodes.every((node) => keysOf(node).length > 0)) {
        const here = await setup(t, {}, { redis: patient(nodes[setups.length % 3].url), ratePerMinute: 5 })
        await draw(here.wxa)
        assert.equal(here.wxa.stats().redis, 'up')
        setups.push(here)
      }
      const others = setups.map(({ options }, n) => ({ ...options, redis: patient(nodes[(n + 1) % 3].url) }))
      for (const { redis, refreshes } of await join(others)) {
        assert.deepEqual({ redis, refreshes }, { redis: 'up', refreshes: 0 })
      }
      for (const { appid, fake, wxa } of setups) {
        await Promise.all(times(3, () => draw(wxa)))
        assert.equal((await failure(draw(wxa, { timeoutMs: 5000 }))).code, 'ERR_WXA_RATE_LIMIT')
        await wxa.getAccessToken({ forceRefresh: true })
        assert.equal(fake.count('codes'), 5)
        assert.equal(fake.count('tokens'), 2)
        assert.equal(wxa.stats().redis, 'up')
        assert.equal(homes(appid).length, 1)
      }
      for (const node of nodes) {
        const { CROSSSLOT = 0, MOVED = 0 } = errorsOf(node)
        assert.equal(CROSSSLOT, 0)
        // Each client is told once where its account lies.
        assert.ok(MOVED <= 2 * 2 * setups.length, `${MOVED} redirections`)
        // This process comes by the URL of each node, and by what the others have named.
        assert.ok(clients(node) <= 3, `${clients(node)} connections`)
      }
    })

    for (const token of ['stable', 'classic']) {
      test(`${token}: calls go on while a slot moves`, needsRedis, async (t) => {
        const nodes = await startCluster(t)
        const here = await setupInCluster(t, nodes, { token })
        const workers = await Promise.all(nodes.map(({ url }) => work(t, [{ ...here.options, redis: patient(url) }])))
        const called = () => Promise.all(workers.map((worker) => worker.called()))
        here.move.begin()
        await called()
        here.move.keys()
        await called()
        here.move.end()
        await called()
        await until(() => workers.every((worker) => worker.isUp()))
        for (const worker of workers) assert.deepEqual((await worker.stop()).errors, [])
        assert.deepEqual(
          nodes.filter((node) => keysOf(node).length > 0),
          [here.to],
        )
        const [{ redis, refreshes }] = await join([here.options])
        assert.deepEqual({ redis, refreshes }, { redis: 'up', refreshes: 0 })
        assert.equal(here.fake.count('tokens'), 1)
      })

      test(`${token}: a process that starts while its slot moves gets the shared token`, needsRedis, async (t) => {
        const nodes = await startCluster(t)
        const here = await setupInCluster(t, nodes, { token })
        here.move.begin()
        here.move.keys()
        const joining = join([here.options])
        await until(() => errorsOf(here.home).ASK)
        here.move.end()
        const [{ refreshes }] = await joining
        assert.equal(refreshes, 0)
        assert.equal(here.fake.count('tokens'), 1)
      })
    }

    test('a slot that has moved is found again at once', needsRedis, async (t) => {
      const nodes = await startCluster(t)
      const here = await setupInCluster(t, nodes)
      const { begin, keys, end } = here.move
      for (const step of [begin, keys, end]) step()
      const { MOVED: before = 0 } = errorsOf(here.home)
      await draw(here.wxa)
      await draw(here.wxa)
      assert.equal(here.wxa.stats().redis, 'up')
      assert.equal(errorsOf(here.home).MOVED, before + 1)
      await share(here)
    })

    test('while one slot moves, the others stay available', needsRedis, async (t) => {
      const nodes = await startCluster(t)
      const here = await setupInCluster(t, nodes, { token: 'classic' })
      here.move.begin()
      await draw(here.wxa)
      const other = await setup(t, {}, { redis: patient(nodes[0].url), token: 'classic' })
      await draw(other.wxa)
      assert.equal(other.wxa.stats().redis, 'up')
    })

    test('a node without a host name has the host of the node that names it', needsRedis, async (t) => {
      const nodes = await startCluster(t, '--cluster-preferred-endpoint-type', 'unknown-endpoint')
      const setups = await Promise.all(times(6, () => setup(t, {}, { redis: patient(nodes[0].url) })))
      for (const { wxa } of setups) {
        await draw(wxa)
        assert.equal(wxa.stats().redis, 'up')
      }
      assert.ok(keysOf(nodes[0]).length < nodes.flatMap(keysOf).length)
    })
  },
  { concurrency: 3 },
)
