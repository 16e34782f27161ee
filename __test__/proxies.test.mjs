import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { certificates } from './support/certificates.mjs'
import { run } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { deadUrl } from './support/ports.mjs'
import { startProxy } from './support/proxy.mjs'
import { failure, guard, setup, suite, thrown } from './support/suite.mjs'

const draw = (wxa) => wxa.createQRCode({ path: 'a', width: 280 })
/** An address for documentation only (RFC 5737). */
const ELSEWHERE = '192.0.2.1:8080'

/** Prints the error of a call. */
const FAIL = `
const error = await new WxaCode({ ...given, token: () => 'T-proxies', retries: 0 }).createQRCode({ path: 'a' }).catch((error) => error)
console.log(error.code + ' ' + error.message)`

/** The message of a call through `proxy` that fails on its way. */
async function lost(t, proxy, options = {}) {
  const { client } = await setup(t)
  const error = await failure(draw(client({ proxy, retries: 0, token: () => 'T-proxies', ...options })))
  assert.equal(error.code, 'ERR_WXA_NETWORK')
  return error
}

suite('a proxy and secrets in plain http', (test) => {
  test('a proxy on another machine is refused for plain http to this machine', async (t) => {
    guard(t, 'Canary-p@ssword')
    const { fake, client } = await setup(t)
    const { port } = new URL(fake.url)
    const login = `user:${encodeURIComponent('Canary-p@ssword')}@`
    for (const [proxy, baseUrl, more] of [
      [`http://${ELSEWHERE}`, fake.url],
      [`http://${login}${ELSEWHERE}`, fake.url],
      [`https://${ELSEWHERE}`, `http://localhost:${port}`],
      ['http://proxy.example:8080', `http://[::1]:${port}`, { token: () => 'T-proxies' }],
      [`http://${ELSEWHERE}`, ['https://api.weixin.qq.com', fake.url]],
    ]) {
      const error = thrown(() => client({ proxy, baseUrl, ...more }))
      assert.equal(error.code, 'ERR_WXA_PARAMS')
      assert.equal(error.param, 'proxy')
      assert.match(error.message, /plain http.*(192\.0\.2\.1|proxy\.example):8080/)
    }
    assert.equal(fake.count(), 0)
  })

  test('a local proxy is accepted for plain http, and a remote one for https or without a secret', async (t) => {
    const proxy = await startProxy(t)
    const { client } = await setup(t)
    for (const host of ['127.0.0.1', 'localhost']) {
      assert.equal(asked(await draw(client({ proxy: `http://${host}:${proxy.port}` }))).path, 'a')
    }
    client({ proxy: `http://${ELSEWHERE}`, baseUrl: 'https://api.weixin.qq.com' })
    client({ proxy: `http://${ELSEWHERE}`, baseUrl: 'http://api.weixin.qq.com', token: 'none' })
  })

  test("proxy 'env' uses no proxy for plain http", async (t) => {
    const proxy = await startProxy(t)
    const { fake, options } = await setup(t, {}, { proxy: 'env' })
    const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, http_proxy: proxy.url, ALL_PROXY: proxy.url }
    const script = `console.log((await new WxaCode(given).createQRCode({ path: 'a' })).length > 1000)`
    const { stdout, stderr } = await run(script, { given: options, env })
    assert.equal(stdout, 'true\n', stderr)
    assert.equal(fake.count('codes'), 1)
    assert.deepEqual(proxy.seen, [])
  })
})

suite('errors name the proxy', (test) => {
  test('an error names the proxy that was used, and none that NO_PROXY excludes', async (t) => {
    const [host, proxy] = [await deadUrl(), await deadUrl()].map((url) => new URL(url).host)
    const { options } = await setup(t, {}, { proxy: 'env', baseUrl: `https://${host}` })
    const said = async (env) =>
      (await run(FAIL, { given: options, env: { HTTPS_PROXY: `http://${proxy}`, ...env } })).stdout
    for (const no of ['127.0.0.1', host, '*', 'example.com 127.0.0.0/8']) {
      const direct = await said({ NO_PROXY: no })
      assert.ok(direct.startsWith('ERR_WXA_NETWORK') && direct.includes(`cannot connect to ${host}`), direct)
      assert.ok(!direct.includes(proxy) && direct.includes('set proxy'), direct)
    }
    for (const no of ['', 'example.com', `${host}0`]) {
      const through = await said({ NO_PROXY: no })
      assert.ok(through.includes(`the proxy ${proxy} failed: cannot connect to ${proxy}`), through)
      assert.ok(!through.includes('set proxy'), through)
    }
    const plain = await run(FAIL, {
      given: { ...options, baseUrl: `http://${host}` },
      env: { HTTPS_PROXY: `http://${proxy}` },
    })
    assert.ok(plain.stdout.includes(`cannot connect to ${host}`) && !plain.stdout.includes(proxy), plain.stdout)
  })

  for (const baseUrl of ['https://nohost.invalid', 'http://127.0.0.1:9']) {
    test(`an unreachable proxy is named as the cause, on the way to ${baseUrl}`, async (t) => {
      const { host } = new URL(await deadUrl())
      const { message, retryable } = await lost(t, `http://${host}`, { baseUrl })
      assert.ok(message.includes(`the proxy ${host} failed: cannot connect to ${host}`), message)
      assert.ok(!message.includes('set proxy'), message)
      assert.equal(retryable, true)
    })
  }

  test('a proxy whose name does not resolve is named as the cause', async (t) => {
    const { message } = await lost(t, 'http://noproxy.invalid', { baseUrl: 'https://nohost.invalid' })
    assert.match(message, /the proxy noproxy\.invalid:80 failed: the name noproxy\.invalid could not be resolved/)
    assert.match(message, /the spelling of proxy/)
  })

  for (const [refuse, shown, retryable] of [
    [407, /the proxy answered CONNECT with 407.*requires a login/, false],
    [403, /did not answer CONNECT with 200.*did not open a tunnel to nohost\.invalid:443/, true],
    [502, /did not answer CONNECT with 200.*did not open a tunnel to nohost\.invalid:443/, true],
    ['hang up', /closed the connection instead of answering CONNECT.*did not open a tunnel/, true],
  ]) {
    test(`a proxy that refuses a tunnel with ${refuse} is named as the cause`, async (t) => {
      guard(t, 'Canary-password')
      const proxy = await startProxy(t, { refuse })
      const url = `http://user:Canary-password@127.0.0.1:${proxy.port}`
      const error = await lost(t, url, { baseUrl: 'https://nohost.invalid' })
      assert.match(error.message, shown)
      assert.ok(error.message.includes(`the proxy 127.0.0.1:${proxy.port} failed`), error.message)
      assert.equal(error.retryable, retryable)
    })
  }

  test('https to a proxy that speaks plain http is reported as a fault of the proxy', async (t) => {
    const proxy = await startProxy(t)
    const { message } = await lost(t, `https://127.0.0.1:${proxy.port}`, { baseUrl: 'https://nohost.invalid' })
    assert.match(message, /the proxy 127\.0\.0\.1:\d+ failed: the TLS handshake.*http:\/\/ instead of https:\/\//)
  })

  test('a certificate error behind a proxy names the host', async (t) => {
    const proxy = await startProxy(t)
    const { ca: _, ...tls } = await certificates()
    const { fake, client } = await setup(t, { tls })
    const { message } = await failure(draw(client({ proxy: proxy.url, retries: 5, token: () => 'T-proxies' })))
    const { host } = new URL(fake.url)
    assert.ok(message.includes(`the certificate of ${host}`), message)
    assert.ok(message.includes(`(through the proxy ${new URL(proxy.url).host})`), message)
  })

  test('a login with a backslash is sent unchanged', async (t) => {
    const proxy = await startProxy(t)
    const { client } = await setup(t)
    await draw(client({ proxy: `http://CORP\\user:pass@127.0.0.1:${proxy.port}` }))
    const login = `Basic ${Buffer.from('CORP\\user:pass').toString('base64')}`
    for (const { headers } of proxy.seen) assert.equal(headers['proxy-authorization'], login)
    assert.ok(proxy.seen.length > 0)
  })

  test('a login that has to be percent-encoded is refused, and the message says so', async (t) => {
    guard(t, 'Canary-password')
    const { client } = await setup(t)
    for (const password of ['1/Canary-password', 'a#Canary-password', '8?Canary-password']) {
      const error = thrown(() => client({ proxy: `http://user:${password}@proxy.example:8080` }))
      assert.equal(error.param, 'proxy')
      assert.match(error.message, /percent-encoded/)
    }
  })
})

suite('redirects', (test) => {
  test('are not followed, and the error shows the target without query and secret', async (t) => {
    const followed = []
    const target = createServer((req, res) => {
      followed.push(req.url)
      res.end()
    }).listen(0, '127.0.0.1')
    await once(target, 'listening')
    t.after(() => target.close())
    const there = `http://127.0.0.1:${target.address().port}`
    const { fake, secret, client } = await setup(t)
    for (const [location, shown] of [
      [`${there}/login?next=Canary-next#top`, `Location: ${there}/login.`],
      ['//portal.example/auth', 'Location: http://portal.example/auth.'],
      ['/moved', `Location: ${fake.url}/moved.`],
      [`${there}/${encodeURIComponent(secret)}`, `Location: ${there}/***.`],
      [`${there}/${'x'.repeat(9000)}`, `Location: ${there}/xxx`],
    ]) {
      fake.fail({ status: 302, headers: { Location: location }, body: '<html>' }, { endpoint: 'tokens' })
      const { code, message } = await failure(client({ retries: 0, token: 'stable' }).getAccessToken())
      assert.equal(code, 'ERR_WXA_RESPONSE')
      assert.ok(`${message}.`.includes(shown), message)
      assert.ok(!message.includes('Canary-next') && message.length < 1000, message)
    }
    assert.deepEqual(followed, [])
  })
})
