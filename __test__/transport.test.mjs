import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidParamsError, WeChatAPIError } from 'wxacode'
import { certificates } from './support/certificates.mjs'
import { run } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { deadUrl } from './support/ports.mjs'
import { startProxy } from './support/proxy.mjs'
import { failure, guard, setup, suite, thrown, times } from './support/suite.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
const ALWAYS = { endpoint: 'codes', times: Number.POSITIVE_INFINITY }
/** Milliseconds that one request for a token may take. A call that ends earlier has ended by its own deadline. */
const ATTEMPT = 4000
const HTML = '<html><title>Bad Gateway</title></html>'
const WOBBLES = [
  -1,
  'reset',
  'close',
  'cut',
  { status: 502, body: HTML },
  { status: 503, body: '' },
  { status: 500, body: HTML },
]
const REFUSALS = [41030, 45009, 45011, 48001, 123456]
const NO_ANSWERS = [
  'html',
  'empty',
  'truncate',
  'huge',
  'redirect',
  ...[400, 404, 412, 429].map((status) => ({ status, body: HTML })),
]

const named = (what) => (typeof what === 'object' ? `a ${what.status}` : what)

/** Milliseconds that `work` takes. */
async function clocked(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** A live token of a fake for clients that are not to ask for one. */
const tokenOf = async (client) => (await client().getAccessToken()).accessToken

/** What a child prints of a call: the length of the picture or the code of the error. */
const CALL = `
const wxa = new WxaCode(given)
const said = await wxa.createQRCode({ path: 'a', width: 280 }).then((image) => image.length > 1000 ? 'picture' : 'what?', (error) => error.code)
console.log(said)`

suite('retries', (test) => {
  for (const what of WOBBLES) {
    test(`${named(what)} of a code request is retried and the call succeeds`, async (t) => {
      const { fake, wxa } = await setup(t)
      fake.fail(what, { endpoint: 'codes', times: 2 })
      assert.equal(asked(await draw(wxa)).path, 'a')
      assert.equal(fake.count('codes'), 3)
      assert.equal(wxa.stats().requests, 3)
    })

    test(`${named(what)} of every code request is an error after 1 + retries requests`, async (t) => {
      const { fake, client } = await setup(t)
      fake.fail(what, ALWAYS)
      for (const [retries, arrivals] of [
        [0, 1],
        [1, 3],
      ]) {
        const error = await failure(draw(client({ retries })))
        assert.equal(error.retryable, true)
        assert.equal(error.endpoint, 'createQRCode')
        assert.equal(fake.count('codes'), arrivals)
      }
    })
  }

  test('two retries are the default', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.fail(-1, ALWAYS)
    const error = await failure(draw(wxa))
    assert.equal(error.errcode, -1)
    assert.equal(fake.count('codes'), 3)
  })

  for (const what of [...REFUSALS, ...NO_ANSWERS]) {
    test(`${named(what)} is never retried`, async (t) => {
      const { fake, wxa } = await setup(t)
      fake.fail(what, ALWAYS)
      const error = await failure(draw(wxa))
      assert.equal(error.code, typeof what === 'number' ? 'ERR_WXA_API' : 'ERR_WXA_RESPONSE')
      assert.equal(fake.count('codes'), 1)
    })
  }
})

suite('deadlines', (test) => {
  for (const endpoint of ['tokens', 'codes']) {
    for (const what of ['hang', 'drip']) {
      test(`${what} of ${endpoint} makes the call time out`, async (t) => {
        const { fake, wxa } = await setup(t, {}, { timeoutMs: 300 })
        if (endpoint === 'codes') await wxa.getAccessToken({ timeoutMs: 600_000 })
        fake.fail(what, { endpoint, times: Number.POSITIVE_INFINITY })
        let error
        const ms = await clocked(async () => {
          error = await failure(draw(wxa))
        })
        assert.equal(error.code, 'ERR_WXA_TIMEOUT')
        assert.equal(error.endpoint, 'createQRCode')
        assert.equal(error.retryable, true)
        assert.match(error.message, endpoint === 'tokens' ? /300 ms.*access token/ : /300 ms.*response/)
        assert.ok(ms >= 290 && ms < ATTEMPT, `${ms} ms`)
      })
    }
  }

  test('timeoutMs of a call wins over the one of the client, either way', async (t) => {
    const { fake, client } = await setup(t)
    fake.fail('hang', ALWAYS)
    const short = await clocked(() => failure(draw(client({ timeoutMs: 60_000 }), { timeoutMs: 200 })))
    assert.ok(short < ATTEMPT, `${short} ms`)
    const long = await clocked(() => failure(draw(client({ timeoutMs: 1 }), { timeoutMs: 400 })))
    assert.ok(long >= 390, `${long} ms`)
  })

  test('timeoutMs of a call counts beside a signal', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.fail('hang', ALWAYS)
    const { signal } = new AbortController()
    const ms = await clocked(() => failure(draw(wxa, { signal, timeoutMs: 200 })))
    assert.ok(ms < ATTEMPT, `${ms} ms`)
  })

  test('getAccessToken has a deadline too', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('tokens')
    const error = await failure(wxa.getAccessToken({ timeoutMs: 200 }))
    assert.equal(error.code, 'ERR_WXA_TIMEOUT')
    assert.equal(error.endpoint, 'stable_token')
  })

  for (const endpoint of ['tokens', 'codes']) {
    test(`the cause of a timeout is the last failure (${endpoint})`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { timeoutMs: 3000 })
      fake.fail(-1, { endpoint })
      fake.fail('hang', { endpoint, times: Number.POSITIVE_INFINITY })
      const error = await failure(draw(wxa))
      assert.equal(error.code, 'ERR_WXA_TIMEOUT')
      assert.ok(error.cause instanceof WeChatAPIError)
      assert.equal(error.cause.errcode, -1)
      assert.equal(error.cause.endpoint, endpoint === 'tokens' ? 'stable_token' : 'createQRCode')
      assert.match(error.message, /system error/)
    })
  }

  test('a caller that times out leaves the shared token request alone', async (t) => {
    const { fake, wxa } = await setup(t)
    const hold = fake.hold('tokens')
    const patient = draw(wxa)
    assert.equal((await failure(draw(wxa, { timeoutMs: 100 }))).code, 'ERR_WXA_TIMEOUT')
    hold.release()
    await patient
    assert.equal(fake.count('tokens'), 1)
  })

  test('a code request that times out is closed', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.hold('codes')
    await failure(draw(wxa, { timeoutMs: 500 }))
    await fake.idle()
    assert.equal(fake.requests.at(-1).closed, true)
  })

  test('ratePerMinute: a call that times out while it waits is not sent', async (t) => {
    const { fake, client } = await setup(t, {}, { ratePerMinute: 3 })
    const scene = (wxa) => wxa.getUnlimitedQRCode({ scene: 'a', width: 280 }, { timeoutMs: 20_000 })
    await Promise.all([client(), client(), client()].map(scene))
    const error = await failure(scene(client()))
    assert.equal(error.code, 'ERR_WXA_RATE_LIMIT')
    assert.equal(error.endpoint, 'getUnlimitedQRCode')
    assert.equal(error.retryable, true)
    for (const text of Object.values(error.explanation.fix)) assert.match(text, /ratePerMinute/)
    assert.equal(fake.count('codes'), 3)
  })

  test('ratePerMinute limits getUnlimitedQRCode alone, and Infinity turns it off', async (t) => {
    const { fake, client } = await setup(t)
    await Promise.all(times(5, () => draw(client({ ratePerMinute: 1 }))))
    const free = client({ ratePerMinute: Number.POSITIVE_INFINITY })
    await Promise.all(times(5, () => free.getUnlimitedQRCode({ scene: 'a', width: 280 })))
    assert.equal(fake.count('codes'), 10)
  })
})

suite('several hosts', (test) => {
  test('an unreachable host is skipped, for tokens and codes', async (t) => {
    const { fake, client } = await setup(t)
    const wxa = client({ baseUrl: [await deadUrl(), fake.url], retries: 0 })
    await Promise.all(times(5, () => draw(wxa)))
    assert.equal(fake.count('tokens'), 1)
    assert.equal(fake.count('codes'), 5)
  })

  test('the first host is used while it works', async (t) => {
    const { fake, client } = await setup(t)
    const { fake: other } = await setup(t)
    const wxa = client({ baseUrl: [fake.url, other.url] })
    for (const _ of times(5, Number)) await draw(wxa)
    assert.equal(other.count(), 0)
  })

  test('a host that does not answer a code gets half of the time and is avoided afterwards', async (t) => {
    const { fake, client } = await setup(t)
    const { fake: hanging } = await setup(t)
    const token = await tokenOf(client)
    hanging.hold()
    const wxa = client({ baseUrl: [hanging.url, fake.url], token: () => token, timeoutMs: 6000, retries: 0 })
    assert.equal(asked(await draw(wxa)).path, 'a')
    assert.equal(hanging.count(), 1)
    for (const _ of times(5, Number)) await draw(wxa)
    assert.equal(hanging.count(), 1)
    assert.equal(fake.count('codes'), 6)
  })

  test('a host that does not answer stable_token costs a call some seconds, not its token', async (t) => {
    const { fake, client } = await setup(t)
    const { fake: hanging } = await setup(t)
    hanging.hold()
    const wxa = client({ baseUrl: [hanging.url, fake.url], timeoutMs: 20_000 })
    assert.equal(asked(await draw(wxa)).path, 'a')
    assert.equal(hanging.count('codes'), 0)
  })

  test('a refusal or an unexpected response of the first host is not retried on the next', async (t) => {
    const { fake, client } = await setup(t)
    const { fake: other } = await setup(t)
    const wxa = client({ baseUrl: [fake.url, other.url], retries: 0 })
    for (const what of [41030, 'html', { status: 502, body: HTML }]) {
      fake.fail(what, { endpoint: 'codes' })
      await failure(draw(wxa))
    }
    assert.equal(other.count(), 0)
  })

  test('a classic token request that was perhaps received is not sent to another host', async (t) => {
    const { fake, client } = await setup(t)
    const { fake: other } = await setup(t)
    fake.fail('reset', { endpoint: 'tokens' })
    const wxa = client({ baseUrl: [fake.url, other.url], token: 'classic' })
    await failure(wxa.getAccessToken())
    assert.equal(fake.count('tokens') + other.count('tokens'), 1)
  })

  test('a name that does not exist is ERR_WXA_NETWORK and named', async (t) => {
    const { client } = await setup(t)
    const wxa = client({ baseUrl: 'https://nohost.invalid', token: () => 'a', retries: 0 })
    const error = await failure(draw(wxa))
    assert.equal(error.code, 'ERR_WXA_NETWORK')
    assert.match(error.message, /nohost\.invalid/)
    assert.match(error.message, /DNS/)
  })

  test('a host in other letters than ASCII is the one that browsers mean', async (t) => {
    const { client } = await setup(t)
    const baseUrl = ['https://网关.invalid:8443/微信', 'https://Bücher。invalid']
    const error = await failure(draw(client({ baseUrl: baseUrl[0], token: () => 'a', retries: 0 })))
    assert.equal(error.code, 'ERR_WXA_NETWORK')
    assert.match(error.message, /xn--d6q013i\.invalid/)
    const other = await failure(draw(client({ baseUrl: baseUrl[1], token: () => 'a', retries: 0 })))
    assert.match(other.message, /xn--bcher-kva\.invalid/)
    assert.match(thrown(() => client({ baseUrl: 'https://网关 .invalid' })).message, /baseUrl/)
  })

  test('a closed port is ERR_WXA_NETWORK, and the error names it', async (t) => {
    const { client } = await setup(t)
    const url = await deadUrl()
    const error = await failure(draw(client({ baseUrl: url, token: () => 'a', retries: 0 })))
    assert.equal(error.code, 'ERR_WXA_NETWORK')
    assert.equal(error.retryable, true)
    assert.ok(error.message.includes(new URL(url).host), error.message)
  })
})

suite('proxies', (test) => {
  test('all requests go through a proxy, with its login', async (t) => {
    const proxy = await startProxy(t)
    const password = 'Canary-p@ss/word:%41'
    guard(t, password)
    const { fake, client } = await setup(t)
    const wxa = client({ proxy: `http://user:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}` })
    assert.equal(asked(await draw(wxa)).path, 'a')
    assert.deepEqual(
      proxy.seen.map(({ url }) => new URL(url).origin),
      [fake.url, fake.url],
    )
    const login = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`
    for (const { headers } of proxy.seen) assert.equal(headers['proxy-authorization'], login)
    for (const { headers } of fake.requests) assert.equal(headers['proxy-authorization'], undefined)
  })

  test('https goes through a CONNECT tunnel, which sees no token', async (t) => {
    const proxy = await startProxy(t)
    const { ca, ...tls } = await certificates()
    const { fake, wxa } = await setup(t, { tls }, { proxy: proxy.url, ca })
    await draw(wxa)
    assert.deepEqual(
      [...new Set(proxy.seen.map(({ method, url }) => `${method} ${url}`))],
      [`CONNECT ${new URL(fake.url).host}`],
    )
  })

  for (const what of ['dead', 'refusing']) {
    test(`a ${what} proxy fails the call without its password`, async (t) => {
      const password = 'Canary-p@ssword'
      guard(t, password)
      const { fake, client } = await setup(t)
      const url = what === 'dead' ? await deadUrl() : (await startProxy(t, { refuse: 407 })).url
      const proxy = `http://user:${encodeURIComponent(password)}@${new URL(url).host}`
      const error = await failure(draw(client({ proxy, retries: 0, token: () => 'a' })))
      assert.equal(error.code, what === 'dead' ? 'ERR_WXA_NETWORK' : 'ERR_WXA_RESPONSE')
      const https = await failure(
        draw(client({ proxy, retries: 0, token: () => 'a', baseUrl: 'https://nohost.invalid' })),
      )
      assert.equal(https.code, 'ERR_WXA_NETWORK')
      assert.equal(fake.count(), 0)
    })
  }

  test('an invalid proxy is refused, without its password in the message', async (t) => {
    const password = 'Canary-password'
    guard(t, password)
    const { client } = await setup(t)
    for (const proxy of [
      `http://user:${password}@`,
      `http://user:${password}@[`,
      `socks5://user:${password}@localhost`,
    ]) {
      const error = thrown(() => client({ proxy }))
      assert.ok(error instanceof InvalidParamsError)
      assert.equal(error.param, 'proxy')
    }
  })

  test("proxy 'env' reads HTTPS_PROXY, and NO_PROXY", async (t) => {
    const proxy = await startProxy(t)
    const { ca, ...tls } = await certificates()
    const { options } = await setup(t, { tls }, { proxy: 'env', ca })
    const child = (env) => run(CALL, { given: options, env })
    assert.deepEqual(await child({ HTTPS_PROXY: proxy.url }), {
      code: 0,
      signal: null,
      stdout: 'picture\n',
      stderr: '',
    })
    const seen = proxy.seen.length
    assert.ok(seen > 0)
    for (const no of ['127.0.0.1', '*', 'example.com,127.0.0.1', '127.0.0.0/8']) {
      assert.equal((await child({ HTTPS_PROXY: proxy.url, NO_PROXY: no })).stdout, 'picture\n')
      assert.equal(proxy.seen.length, seen, `NO_PROXY=${no}`)
    }
    assert.equal((await child({})).stdout, 'picture\n')
    assert.equal(proxy.seen.length, seen)
    assert.equal((await child({ https_proxy: proxy.url })).stdout, 'picture\n')
    assert.ok(proxy.seen.length > seen)
  })

  test('without the option proxy the environment is not read', async (t) => {
    const { ca, ...tls } = await certificates()
    const { options } = await setup(t, { tls }, { ca })
    const dead = await deadUrl()
    const { stdout } = await run(CALL, {
      given: options,
      env: { HTTPS_PROXY: dead, HTTP_PROXY: dead, ALL_PROXY: dead },
    })
    assert.equal(stdout, 'picture\n')
  })
})

suite('certificates', (test) => {
  test('a server with an unknown root is refused without a retry, and the message says what to do', async (t) => {
    const { ca: _, ...tls } = await certificates()
    const { fake, wxa } = await setup(t, { tls })
    const error = await failure(draw(wxa))
    assert.equal(error.code, 'ERR_WXA_NETWORK')
    assert.equal(error.retryable, false)
    assert.match(error.message, /certificate/)
    assert.match(error.message, /\bca\b/)
    assert.match(error.message, /NODE_EXTRA_CA_CERTS/)
    assert.equal(fake.count(), 0)
  })

  test('a certificate for another name is refused', async (t) => {
    const { ca, ...tls } = await certificates({ hosts: ['127.0.0.1'] })
    const { fake, client } = await setup(t, { tls }, { ca })
    const elsewhere = fake.url.replace('127.0.0.1', 'localhost')
    const error = await failure(draw(client({ baseUrl: elsewhere, token: () => 'a', retries: 0 })))
    assert.equal(error.code, 'ERR_WXA_NETWORK')
    assert.match(error.message, /certificate/)
    assert.equal(fake.count(), 0)
  })

  test('ca adds a root, as text, as a Buffer, and with others in one', async (t) => {
    const { ca, ...tls } = await certificates()
    const { ca: other } = await certificates()
    const { fake, client } = await setup(t, { tls })
    for (const one of [ca, Buffer.from(ca), new TextEncoder().encode(ca), `# a comment\n${other}\n${ca}`]) {
      assert.equal(asked(await draw(client({ ca: one }))).path, 'a')
    }
    assert.equal(fake.count('tokens'), 1)
  })

  test('NODE_EXTRA_CA_CERTS adds a root', async (t) => {
    const { ca, ...tls } = await certificates()
    const { options } = await setup(t, { tls })
    const folder = await mkdtemp(join(tmpdir(), 'wxacode-'))
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, 'ca.pem')
    await writeFile(file, ca)
    const { stdout } = await run(CALL, { given: options, env: { NODE_EXTRA_CA_CERTS: file } })
    assert.equal(stdout, 'picture\n')
    assert.equal((await run(CALL, { given: options })).stdout, 'ERR_WXA_NETWORK\n')
  })
})
