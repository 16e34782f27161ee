import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { certificates } from './support/certificates.mjs'
import { asked } from './support/decode.mjs'
import { startFaultProxy } from './support/faults.mjs'
import { startProxy } from './support/proxy.mjs'
import { failure, newAppid, newSecret, setup, suite, times } from './support/suite.mjs'

/** Connections in the pool. */
const N = 8
/** The default of `timeoutMs`: `setup` has a longer one. */
const TIMEOUT = 10_000

/** The ways to WeChat. */
const WAYS = {
  'in plain http': {},
  'over TLS': { tls: true },
  'through a proxy': { viaProxy: true },
  'over TLS through a proxy': { tls: true, viaProxy: true },
}

/** A client whose connections go through a TCP proxy that can forget them, and the events of its requests. */
async function begin(t, { tls, viaProxy, others, ...clientOptions } = {}) {
  // Clients with another root have other connections: a test has its own.
  const { ca, ...certificate } = await certificates()
  const fakeOptions = { ...(tls && { tls: certificate }), others }
  const here = await setup(t, fakeOptions, { ca, timeoutMs: TIMEOUT, ...clientOptions })
  const port = Number(new URL(here.fake.url).port)
  const network = await startFaultProxy(t, viaProxy ? (await startProxy(t)).port : port)
  const way = viaProxy ? { proxy: network.url('http') } : { baseUrl: network.url(tls ? 'https' : 'http') }
  const client = (more) => here.client({ ...way, ...more })
  return { ...here, client, wxa: client(), network, events: listen(t, here) }
}

/** The events of an account's requests. */
function listen(t, { appid }) {
  const events = []
  const hear = (event) => event.appid === appid && events.push(event)
  subscribe('wxacode:request', hear)
  t.after(() => unsubscribe('wxacode:request', hear))
  return events
}

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)

/** Expected events of a request that was sent again. */
const IDLE = /had been idle did not respond.*空闲连接没有响应/

const sentAgain = (events) => events.filter(({ message }) => IDLE.test(message)).length

/** Leaves so many idle connections in the pool. */
async function fill({ fake, wxa, events }, n = N) {
  await wxa.getAccessToken()
  do {
    events.length = 0
    const arrivals = fake.count('codes') + n
    const hold = fake.hold('codes')
    const calls = times(n, () => draw(wxa))
    await fake.arrived(arrivals, 'codes')
    hold.release()
    await Promise.all(calls)
    // On a busy machine the hold may last so long that a request is sent again, and the idle connections discarded.
  } while (events.some(({ event }) => event !== 'request.ok'))
  events.length = 0
}

/** Requests that were sent again although the first one arrived: none, unless the machine is so busy that its answer is late. */
const spare = ({ events, network }) =>
  events.filter(({ event }) => event !== 'request.ok').length - network.seen.swallowed

const succeeds = async (call) => assert.equal(asked(await call).path, 'a')

suite('idle connections that are dead', (test) => {
  for (const [way, options] of Object.entries(WAYS)) {
    test(`cost calls one after the other one share of the time, once, ${way}`, async (t) => {
      const here = await begin(t, { ...options, retries: 0 })
      await fill(here)
      const { fake, wxa, network } = here
      const requests = fake.count('codes')
      await network.set('forget')
      for (let n = 0; n < N; n++) await succeeds(draw(wxa))
      assert.equal(network.seen.swallowed, 1)
      assert.equal(fake.count('codes') - requests, N + spare(here))
    })

    test(`cost concurrent calls one share of the time each, ${way}`, async (t) => {
      const here = await begin(t, { ...options, retries: 0 })
      await fill(here)
      const { fake, wxa, network } = here
      const requests = fake.count('codes')
      await network.set('forget')
      await Promise.all(times(N, () => succeeds(draw(wxa))))
      assert.equal(network.seen.swallowed, N)
      assert.equal(fake.count('codes') - requests, N + spare(here))
    })
  }

  test('cost a token request one share of its time', async (t) => {
    const other = { appid: newAppid(), secret: newSecret() }
    const here = await begin(t, { others: [other] })
    await fill(here)
    const { fake, client, network } = here
    const events = listen(t, other)
    const tokens = fake.count('tokens')
    await network.set('forget')
    // It has no token yet, and the same connections.
    await succeeds(draw(client(other)))
    assert.deepEqual(
      events.map(({ event, endpoint }) => `${event} ${endpoint}`),
      ['request.error stable_token', 'request.ok stable_token', 'request.ok createQRCode'],
    )
    assert.equal(fake.count('tokens') - tokens, 1)
  })

  test('are told of in an event that says so, with a request more in the statistics', async (t) => {
    const here = await begin(t)
    await fill(here, 1)
    const { wxa, network, events } = here
    const { requests } = wxa.stats()
    await network.set('forget')
    await succeeds(draw(wxa))
    const [failed, ok] = events
    assert.deepEqual([failed.event, ok.event, events.length], ['request.error', 'request.ok', 2])
    assert.ok(failed.durationMs > ok.durationMs)
    assert.equal(failed.code, 'ERR_WXA_NETWORK')
    assert.match(failed.message, IDLE)
    assert.match(failed.message, /no answer within 1500 ms.*sent again on a new connection/)
    assert.equal(wxa.stats().requests - requests, 2)
  })

  test('take a permit more of the minute', async (t) => {
    const { wxa, network, events } = await begin(t, { ratePerMinute: 4 })
    const unlimited = (n) => wxa.getUnlimitedQRCode({ scene: `${n}`, checkPath: false })
    await unlimited(1)
    await network.set('forget')
    await unlimited(2)
    await unlimited(3)
    assert.equal(sentAgain(events), 1)
    assert.equal((await failure(unlimited(4))).code, 'ERR_WXA_RATE_LIMIT')
  })

  test('get nothing twice that must not run twice', async (t) => {
    const here = await begin(t)
    await fill(here)
    const { fake, wxa, network, events } = here
    await network.set('forget')
    const requests = fake.count()
    const error = await failure(wxa.request('/wxa/anything', { body: {}, retries: 0, timeoutMs: 3000 }))
    assert.equal(error.code, 'ERR_WXA_TIMEOUT')
    assert.equal(fake.count(), requests)
    assert.equal(sentAgain(events), 0)
  })

  test('cost nothing when they were closed', async (t) => {
    const here = await begin(t)
    await fill(here)
    const { fake, wxa, network, events } = here
    const requests = fake.count('codes')
    await network.set('reset')
    await network.set('pass')
    for (let n = 0; n < N; n++) await succeeds(draw(wxa))
    assert.equal(sentAgain(events), 0)
    assert.equal(fake.count('codes') - requests, N)
  })

  test('make a call time out whose new connection is dead too, and none when the host is back', async (t) => {
    const here = await begin(t)
    await fill(here)
    const { wxa, network } = here
    await network.set('drop')
    const error = await failure(draw(wxa, { timeoutMs: 4000 }))
    assert.equal(error.code, 'ERR_WXA_TIMEOUT')
    assert.equal(error.cause, undefined)
    await network.set('forget')
    await Promise.all(times(N, () => succeeds(draw(wxa))))
  })
})

suite('idle connections that are slow', (test) => {
  test('answer their call, whose second request is aborted', async (t) => {
    const here = await begin(t)
    await fill(here, 1)
    const { fake, wxa, network, events } = here
    const requests = fake.count('codes')
    await network.set('delay', { ms: 2500 })
    await succeeds(draw(wxa))
    assert.equal(fake.count('codes') - requests, 2)
    assert.deepEqual(
      events.map(({ event }) => event),
      ['request.abort', 'request.ok'],
    )
  })

  test('are not those that are new', async (t) => {
    const { fake, wxa, network, events } = await begin(t)
    await network.set('delay', { ms: 2500 })
    await wxa.getAccessToken()
    assert.equal(fake.count('tokens'), 1)
    assert.deepEqual([events.length, sentAgain(events)], [1, 0])
  })
})
