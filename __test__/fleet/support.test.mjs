import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startFaultProxy } from '../support/faults.mjs'
import { setupFleet } from '../support/fleet.mjs'
import { needsRedis, startRedis } from '../support/redis.mjs'
import { suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { all } from './scenarios/bounds.mjs'
import { FAULTS } from './scenarios/matrix.mjs'
import { broken } from './scenarios.mjs'

/** After the proxy has lost something, what arrives within so many milliseconds is an answer all the same. */
const SILENCE = 150
/** A busy machine answers late. */
const LATE = 30_000

/**
 * What the other end of a connection says to a write: a reply, how the connection ended, `silence` if the proxy has lost the
 * request or its reply, or `late`.
 */
async function write(proxy, socket = connect(proxy.port, '127.0.0.1')) {
  const pieces = []
  const begun = performance.now()
  const { lost } = proxy.seen
  let isOver = false
  const outcome = new Promise((resolve) => {
    if (socket.destroyed) resolve('closed')
    socket.on('data', (piece) => {
      pieces.push(piece.toString())
      if (pieces.join('').endsWith('\r\n')) resolve(pieces.join(''))
    })
    socket.on('error', ({ code }) => resolve(code))
    socket.on('end', () => resolve('ended'))
    socket.on('close', () => resolve('closed'))
  })
  socket.write('SET witness 1\r\n')
  const silence = async () => {
    const isLost = await until(() => isOver || proxy.seen.lost > lost, LATE)
    return isLost ? sleep(SILENCE, 'silence') : 'late'
  }
  const said = await Promise.race([outcome, silence()])
  isOver = true
  socket.destroy()
  return { said, pieces: pieces.length, ms: performance.now() - begun }
}

const GONE = /^(ended|closed|ECONNRESET|EPIPE)$/

/** What a fault looks like to a new connection, and to one that was open before, where that differs. */
const LOOKS = {
  'Redis refuses connections': ['ECONNREFUSED', GONE],
  'Redis is a black hole': ['silence'],
  'Redis takes 200 ms for a reply': ['+OK\r\n'],
  'Redis resets connections': ['ECONNRESET', GONE],
  'Redis half-closes connections': ['ended'],
  'Redis answers byte by byte': ['+OK\r\n'],
  "Redis's replies get lost": ['silence'],
  'Redis is a replica (READONLY)': [/^-READONLY/],
  'Redis loads its data (LOADING)': [/^-LOADING/, GONE],
  'Redis wants a password (NOAUTH)': [/^-NOAUTH/, GONE],
  'Redis dies and comes back empty': [GONE],
  'Redis is emptied (FLUSHALL)': ['+OK\r\n'],
}

const looksLike = (text, look) => (typeof look === 'string' ? text === look : look.test(text))

suite(
  'the tools of the fleet scenarios',
  (test) => {
    for (const { fault, begin, end } of FAULTS) {
      test(`${fault}: connected and new clients see it, and none when it is over`, needsRedis, async (t) => {
        const redis = await startRedis(t)
        const proxy = await startFaultProxy(t, redis.port)
        const [toNew, toOld = toNew] = LOOKS[fault]
        redis.cli('SET', 'kept', 1)
        const old = connect(proxy.port, '127.0.0.1').on('error', () => {})
        old.write('PING\r\n')
        await once(old, 'data')
        await begin({ proxy, redis })
        for (const [look, socket] of [[toOld, old], [toNew]]) {
          const { said } = await write(proxy, socket)
          assert.ok(looksLike(said, look), said)
        }
        await end({ proxy, redis })
        assert.equal((await write(proxy)).said, '+OK\r\n')
        assert.equal(redis.cli('EXISTS', 'kept'), fault.match(/empt/) ? '0' : '1')
      })
    }

    test(
      'a request whose reply is lost has been executed, and one into a black hole has not',
      needsRedis,
      async (t) => {
        const redis = await startRedis(t)
        const proxy = await startFaultProxy(t, redis.port)
        await proxy.set('drop')
        assert.equal((await write(proxy)).said, 'silence')
        assert.equal(redis.cli('EXISTS', 'witness'), '0')
        await proxy.set('dropReplies')
        assert.equal((await write(proxy)).said, 'silence')
        assert.ok(await until(() => redis.cli('EXISTS', 'witness') === '1'))
      },
    )

    test('replies are lost from the request on that contains a text', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const proxy = await startFaultProxy(t, redis.port)
      await proxy.set('dropReplies', { from: 'witness' })
      const socket = connect(proxy.port, '127.0.0.1')
      socket.write('PING\r\n')
      await once(socket, 'data')
      assert.equal((await write(proxy, socket)).said, 'silence')
    })

    test('a sliced reply arrives byte by byte', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const proxy = await startFaultProxy(t, redis.port)
      await proxy.set('slice')
      const { said, pieces } = await write(proxy)
      assert.equal(said, '+OK\r\n')
      assert.ok(pieces > 1)
    })

    test('a delayed reply arrives late, in one piece', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const proxy = await startFaultProxy(t, redis.port)
      assert.equal((await write(proxy)).pieces, 1)
      await proxy.set('delay', { ms: 200 })
      const { pieces, ms } = await write(proxy)
      assert.equal(pieces, 1)
      assert.ok(ms > 195, `${ms} ms`)
    })

    test('nothing arrives on a connection after a loss', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const proxy = await startFaultProxy(t, redis.port)
      const socket = connect(proxy.port, '127.0.0.1')
      await proxy.set('drop')
      socket.write('PING\r\n')
      assert.ok(await until(() => proxy.seen.lost > 0))
      await proxy.set('pass')
      assert.equal((await write(proxy, socket)).said, 'silence')
    })

    test('a failed call and an additional token request are outside the bounds', needsRedis, async (t) => {
      const place = await setupFleet(t)
      place.fake.fail(41030, { endpoint: 'codes' })
      await all(await place.enter(1), 2)
      const result = await place.tally()
      assert.deepEqual(broken({ expect: { tokenRequests: [0, 0] } }, result), [
        'failed is 1 and not 0 to 0',
        'tokenRequests is 1 and not 0 to 0',
        'a call failed with ERR_WXA_API',
      ])
    })

    test('a process that dies has crashed, and one that the scenario kills has not', needsRedis, async (t) => {
      const place = await setupFleet(t)
      const [dies, killed] = await place.enter(2)
      dies.child.kill('SIGSEGV')
      killed.kill()
      const { crashed, hung } = await place.tally()
      assert.deepEqual({ crashed, hung }, { crashed: 1, hung: 0 })
    })

    test('a call that never settles and a process that never exits count as hung', needsRedis, async (t) => {
      const place = await setupFleet(t)
      const [stopped] = await place.enter(1)
      stopped.child.kill('SIGSTOP')
      stopped.call(3, { timeoutMs: 100 })
      assert.equal((await place.tally()).hung, 4)
    })

    test('a secret that is printed, sent to Redis or stored in Redis is found', needsRedis, async (t) => {
      const place = await setupFleet(t)
      const { secret } = place.options
      await all(await place.enter(1), 1)
      assert.equal((await place.tally()).secrets, 0)
      place.redis.cli('SET', 'leak', secret)
      place.more.texts.push(`on stderr: ${secret}`)
      const [token] = place.fake.liveTokens()
      await new Promise((resolve) => connect(place.proxy.port, '127.0.0.1').end(`GET ${token}\r\n`, resolve))
      assert.ok(await until(() => Buffer.concat(place.proxy.seen.wire).includes(token)))
      assert.equal((await place.tally()).secrets, 3)
    })
  },
  { concurrency: 4 },
)
