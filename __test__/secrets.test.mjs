import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { run } from './support/child.mjs'
import { deadUrl } from './support/ports.mjs'
import { startProxy } from './support/proxy.mjs'
import { checkText, failure, guard, setup, suite, thrown, times } from './support/suite.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
const HTML = { 'Content-Type': 'text/html' }

/** What a server may answer that knows a secret and repeats it. A function gets the secret as it came, and in a URL. */
const ECHOES = {
  'in errmsg': (plain) => ({ errcode: 48001, errmsg: `no: ${plain} rid: 1-2-3` }),
  'in a rid': (plain) => ({ errcode: 48001, errmsg: `no rid: ${plain}` }),
  'in a hint': (plain) => ({ errcode: 48001, errmsg: `no hint: [${plain}]` }),
  'in errmsg, percent-encoded': (_, encoded) => ({ errcode: 48001, errmsg: `no: https://host/path?q=${encoded}` }),
  'in an errmsg that is an object': (plain) => ({
    status: 200,
    body: JSON.stringify({ errcode: 48001, errmsg: { token: plain } }),
  }),
  'in HTML under 200': (plain) => ({ status: 200, headers: HTML, body: `<p>${plain}</p>` }),
  'in HTML under 502': (_, encoded) => ({ status: 502, headers: HTML, body: `<p>/path?q=${encoded}</p>` }),
  'in HTML, and longer than an excerpt': (plain) => ({
    status: 200,
    headers: HTML,
    body: `<p>${'x'.repeat(90)}${plain}</p>`,
  }),
  'in HTML, percent-encoded and longer than an excerpt': (_, encoded) => ({
    status: 404,
    headers: HTML,
    body: `<p>${'x'.repeat(95)}/?q=${encoded}</p>`,
  }),
  'in HTML, on two lines': (plain) => ({ status: 200, headers: HTML, body: `<p>\n${plain}\n</p>\n${plain}` }),
  'in JSON without an errcode': (plain) => ({ status: 200, body: JSON.stringify({ error: plain, errcode: 0 }) }),
  'in plain text': (plain) => ({ status: 500, body: `bad request ${plain}` }),
  'in a redirect': (_, encoded) => ({
    status: 302,
    headers: { Location: `http://127.0.0.1:1/?${encoded}` },
    body: encoded,
  }),
}

/** How a secret may be written, one way inside the other. */
const spellings = (text) => [
  text,
  encodeURIComponent(text),
  encodeURIComponent(encodeURIComponent(text)),
  JSON.stringify(JSON.stringify(text)).slice(1, -1).replaceAll('/', '\\/'),
  text.replaceAll('&', '&amp;').replaceAll('=', '&#0061;').replaceAll('+', '&#X2b;'),
  Buffer.from(`appid:${text}`).toString('base64'),
  Buffer.from(`${text}:x`).toString('base64url'),
  text.slice(5, -5),
]

/** What may go wrong with a request, and the `code` of the error that says so; an errcode makes `ERR_WXA_API`. */
const MISHAPS = {
  '-1': 'ERR_WXA_API',
  40001: 'ERR_WXA_API',
  45009: 'ERR_WXA_API',
  41030: 'ERR_WXA_API',
  hang: 'ERR_WXA_TIMEOUT',
  drip: 'ERR_WXA_TIMEOUT',
  reset: 'ERR_WXA_NETWORK',
  close: 'ERR_WXA_NETWORK',
  cut: 'ERR_WXA_NETWORK',
  html: 'ERR_WXA_RESPONSE',
  empty: 'ERR_WXA_RESPONSE',
  truncate: 'ERR_WXA_RESPONSE',
  huge: 'ERR_WXA_RESPONSE',
  redirect: 'ERR_WXA_RESPONSE',
}

suite('secrets', (test) => {
  for (const token of ['stable', 'classic']) {
    for (const endpoint of ['tokens', 'codes']) {
      for (const [name, code] of Object.entries(MISHAPS)) {
        // `failure` looks for the secret and the tokens in every text of the error.
        test(`the error after ${name} of ${endpoint} shows no secret and no token (${token})`, async (t) => {
          const { fake, wxa } = await setup(t, {}, { token, retries: 0 })
          if (endpoint === 'codes') await wxa.getAccessToken()
          const what = code === 'ERR_WXA_API' ? Number(name) : name
          const mishap = fake.fail(what, { endpoint, times: Number.POSITIVE_INFINITY })
          // Only a server without an answer has to be given up.
          const error = await failure(draw(wxa, code === 'ERR_WXA_TIMEOUT' ? { timeoutMs: 2000 } : {}))
          assert.deepEqual([error.code, error.errcode], [code, code === 'ERR_WXA_API' ? what : undefined])
          assert.ok(mishap.used > 0)
        })
      }

      for (const [where, echo] of Object.entries(ECHOES)) {
        test(`a secret that the server of ${endpoint} repeats ${where} does not show (${token})`, async (t) => {
          const { fake, wxa, secret } = await setup(t, {}, { token, retries: 0 })
          let known = secret
          if (endpoint === 'codes') known = (await wxa.getAccessToken()).accessToken
          const answer = echo(known, encodeURIComponent(known))
          const repeated = fake.fail(answer, { endpoint, times: Number.POSITIVE_INFINITY })
          const error = await failure(draw(wxa))
          const isRefusal = JSON.stringify(answer).includes('48001')
          assert.deepEqual(
            [error.code, error.errcode],
            isRefusal ? ['ERR_WXA_API', 48001] : ['ERR_WXA_RESPONSE', undefined],
          )
          assert.ok(repeated.used > 0)
        })
      }
    }

    test(`the error for a token response that breaks off shows no token (${token})`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { token, retries: 0 })
      const value = 'Canary-token-that-WeChat-has-just-handed-out'
      guard(t, value)
      fake.fail({ status: 200, body: `{"access_token":"${value}","expires_in":72` }, { endpoint: 'tokens' })
      assert.equal((await failure(draw(wxa))).code, 'ERR_WXA_RESPONSE')
    })

    test(`the error for a malformed token response shows no token (${token})`, async (t) => {
      const value = 'Canary-token-that-WeChat-has-just-handed-out'
      guard(t, value)
      for (const body of [
        JSON.stringify({ access_token: `${value} `, expires_in: 7200 }),
        JSON.stringify({ accessToken: value }),
        JSON.stringify([{ access_token: value }]),
        `<xml><access_token>${value}</access_token></xml>`,
        `access_token=${value}&expires_in=7200`,
      ]) {
        const { fake, wxa } = await setup(t, {}, { token, retries: 0 })
        fake.fail({ status: 200, body }, { endpoint: 'tokens' })
        assert.equal((await failure(draw(wxa))).code, 'ERR_WXA_RESPONSE')
      }
    })
  }

  test('a provider token with every kind of character does not show, in any encoding', async (t) => {
    const token = 'Canary !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~0123456789'.replace(' ', '')
    guard(t, token)
    const { fake, client } = await setup(t)
    const json = JSON.stringify(token).slice(1, -1)
    const form = new URLSearchParams({ t: token }).toString().slice(2)
    for (const text of [token, json, form, encodeURIComponent(token)]) {
      fake.fail({ status: 200, headers: HTML, body: `<p>${text}</p>` }, { endpoint: 'codes' })
      assert.equal((await failure(draw(client({ token: () => token, retries: 0 })))).code, 'ERR_WXA_RESPONSE')
      fake.fail({ errcode: 48001, errmsg: text }, { endpoint: 'codes' })
      assert.equal((await failure(draw(client({ token: () => token, retries: 0 })))).errcode, 48001)
    }
  })

  test('a timeout shows no secret although its cause repeats one', async (t) => {
    const { fake, wxa } = await setup(t, {}, { timeoutMs: 3000 })
    const { accessToken } = await wxa.getAccessToken()
    fake.fail({ status: 502, headers: HTML, body: `<p>${accessToken}</p>` }, { endpoint: 'codes' })
    // For ever: a request on an idle connection is sent again on a new one.
    fake.fail('hang', { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    const error = await failure(draw(wxa))
    assert.equal(error.code, 'ERR_WXA_TIMEOUT')
    assert.equal(error.cause.code, 'ERR_WXA_RESPONSE')
  })

  test('the error for an unreachable or unknown host shows no secret', async (t) => {
    const { client } = await setup(t)
    for (const baseUrl of [await deadUrl(), 'https://nohost.invalid', ['https://nohost.invalid', await deadUrl()]]) {
      for (const token of ['stable', 'classic']) {
        const { code } = await failure(draw(client({ baseUrl, token, retries: 0, timeoutMs: 60_000 })))
        assert.equal(code, 'ERR_WXA_NETWORK')
      }
    }
  })

  test('the error for a proxy that refuses or does not exist shows neither a secret nor its login', async (t) => {
    guard(t, 'Canary-password')
    const { wxa, client } = await setup(t)
    await wxa.getAccessToken()
    const login = (url) => url.replace('http://', 'http://user:Canary-password@')
    const { url: refusing } = await startProxy(t, { refuse: 407 })
    for (const proxy of [login(refusing), login(await deadUrl())]) {
      for (const token of ['stable', 'classic']) {
        const { code } = await failure(draw(client({ proxy, token, retries: 0, timeoutMs: 60_000 })))
        assert.equal(code, proxy.endsWith(new URL(refusing).port) ? 'ERR_WXA_RESPONSE' : 'ERR_WXA_NETWORK')
      }
    }
  })

  test('the error for a refused option does not show the secret', async (t) => {
    const { client, secret } = await setup(t)
    for (const wrong of [
      { secret: `${secret}\n` },
      { appSecret: secret },
      { secret: [secret] },
      { secret: { value: secret } },
      { token: secret },
      { fromAppid: 7, proxy: secret },
      { proxy: secret },
      { proxy: `ftp://user:${secret}@localhost` },
      { baseUrl: `https://user:${encodeURIComponent(secret)}@localhost` },
      { baseUrl: secret },
      { ca: secret },
    ]) {
      const error = thrown(() => client(wrong))
      assert.equal(error.code, 'ERR_WXA_PARAMS')
    }
  })

  for (const [where, echo] of Object.entries(ECHOES)) {
    test(`a gateway that repeats an earlier request ${where} of a code reveals no secret`, async (t) => {
      const { fake, wxa, client, secret } = await setup(t, {}, { retries: 0 })
      const { accessToken: last } = await wxa.getAccessToken()
      wxa.invalidateAccessToken(last)
      fake.revokeTokens()
      const { accessToken } = await wxa.getAccessToken()
      assert.notEqual(accessToken, last)
      // Of an account's clients it is all the same which of them sent what is repeated.
      const other = client()
      for (const text of [secret, last, accessToken].flatMap(spellings)) {
        const repeated = fake.fail(echo(text, encodeURIComponent(text)), { endpoint: 'codes' })
        await failure(draw(other))
        assert.equal(repeated.used, 1)
      }
    })

    test(`a gateway that repeats an earlier request ${where} of a token reveals no secret`, async (t) => {
      // An account whose token was refused a moment ago does not ask again at once: each has one of its own.
      for (const spelling of spellings('').keys()) {
        for (const which of ['secret', 'token']) {
          // One request, whatever is answered.
          const { fake, wxa, client, secret } = await setup(t, {}, { token: 'classic', retries: 0 })
          const { accessToken } = await wxa.getAccessToken()
          wxa.invalidateAccessToken(accessToken)
          const text = spellings(which === 'secret' ? secret : accessToken)[spelling]
          const repeated = fake.fail(echo(text, encodeURIComponent(text)), { endpoint: 'tokens' })
          await failure(client().getAccessToken())
          assert.equal(repeated.used, 1)
        }
      }
    })
  }

  test('a secret in the query or body of request() does not show, even one of another account', async (t) => {
    const { fake, client, secret } = await setup(t)
    const [body, query, token] = times(3, () => `Canary-${randomBytes(12).toString('hex')}`)
    guard(t, body, query, token)
    const provided = client({ token: () => 'a-token-of-ours', secret: undefined, retries: 0 })
    const own = client({ retries: 0 })
    for (const [wxa, known, path, options] of [
      [own, secret, '/cgi-bin/clear_quota/v2', { body: { appid: 'wx', appsecret: secret } }],
      [provided, body, '/cgi-bin/clear_quota/v2', { body: { appid: 'wx', appsecret: body } }],
      [provided, query, '/cgi-bin/clear_quota/v2', { query: { appid: 'wx', appsecret: query } }],
      [provided, token, '/cgi-bin/openapi/quota/clear', { body: { component_access_token: token } }],
    ]) {
      for (const text of spellings(known)) {
        const answer = { status: 200, body: JSON.stringify({ errcode: 48001, errmsg: `no: ${text} rid: 1-2-3` }) }
        const repeated = fake.fail(answer, { where: (request) => request.path === path })
        assert.match((await failure(wxa.request(path, options))).message, /48001 no: .*\*\*\*/)
        assert.equal(repeated.used, 1)
        fake.fail({ status: 502, headers: HTML, body: `<p>${text}</p>` }, { endpoint: 'codes' })
        assert.match((await failure(draw(wxa))).message, /HTTP 502.*\*\*\*/)
      }
    }
  })

  test('a value under the name of a secret does not show, even an unknown one', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    await wxa.getAccessToken()
    for (const name of [
      'refresh_token',
      'session_key',
      'component_access_token',
      'authorizer_refresh_token',
      'appSecret',
    ]) {
      const value = `Canary-${randomBytes(12).toString('hex')}`
      guard(t, value)
      for (const text of [`?a=1&${name}=${value}&b`, JSON.stringify({ [name]: value }), `${name}: ${value}`]) {
        fake.fail({ status: 200, body: JSON.stringify({ errcode: 48001, errmsg: text }) }, { endpoint: 'codes' })
        await failure(draw(wxa))
        fake.fail({ status: 502, headers: HTML, body: `<p>${encodeURIComponent(text)}</p>` }, { endpoint: 'codes' })
        await failure(draw(wxa))
      }
    }
  })

  test('a token in a refusal does not show', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    const value = 'Canary-token-that-no-client-has-seen-yet'
    guard(t, value)
    fake.fail(
      { status: 200, body: JSON.stringify({ errcode: 40125, errmsg: `no ${value}`, access_token: value }) },
      { endpoint: 'tokens' },
    )
    assert.equal((await failure(draw(wxa))).errcode, 40125)
  })

  test('getRid shows neither secret nor token, in any encoding', async (t) => {
    const { fake, wxa, secret, secrets } = await setup(t)
    const { accessToken } = await wxa.getAccessToken()
    for (const text of [secret, accessToken].flatMap(spellings)) {
      const request = {
        invoke_time: 1,
        cost_in_ms: 2,
        request_url: text,
        request_body: text,
        response_body: `a ${text}`,
      }
      fake.fail({ status: 200, body: JSON.stringify({ errcode: 0, request }) }, { endpoint: 'debug' })
      const info = await wxa.getRid('6-7-8')
      checkText(JSON.stringify(info), secrets())
      assert.equal(info.costInMs, 2)
    }
  })

  test('the error for a secret that is too long is short', async (t) => {
    const { client } = await setup(t)
    const error = thrown(() => client({ secret: 'c4nary'.repeat(5000) }))
    assert.deepEqual([error.param, error.message.length < 1000], ['secret', true])
  })

  test('a response of any length makes a short error', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    await wxa.getAccessToken()
    for (const errmsg of ['\\'.repeat(42), '\\'.repeat(1_000_000), 'x'.repeat(7_800_000), '&amp;'.repeat(1_000_000)]) {
      fake.fail({ status: 200, body: JSON.stringify({ errcode: 48001, errmsg }) }, { endpoint: 'codes' })
      const error = await failure(draw(wxa))
      assert.equal(error.errcode, 48001)
      assert.ok(error.errmsg.length <= 2049 && error.message.length < 4000, String(error.errmsg.length))
      assert.equal(error.errmsg.length > 42, error.errmsg.endsWith('…'))
    }
  })

  test('a printed client shows no secret', async (t) => {
    const { wxa, secret } = await setup(t)
    const { accessToken } = await wxa.getAccessToken()
    const shown = [
      inspect(wxa, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
      JSON.stringify(wxa),
      String(wxa),
      JSON.stringify(wxa.stats()),
      inspect(Object.getOwnPropertyDescriptors(wxa)),
    ]
    for (const text of shown) checkText(text, [secret, accessToken])
  })

  test('the secret travels in the body of stable_token alone, tokens in queries alone', async (t) => {
    const { fake, wxa, secret } = await setup(t)
    await draw(wxa)
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    await wxa.getAccessToken({ forceRefresh: true })
    const [accessToken] = fake.liveTokens()
    for (const { endpoint, query, headers, body } of fake.requests) {
      checkText(JSON.stringify(headers), [secret, accessToken])
      checkText(JSON.stringify(query), [secret])
      if (endpoint !== 'stable_token') checkText(body, [secret, accessToken])
    }
  })

  test('the output of a process with every kind of failure shows no secret, at any log level', async (t) => {
    const { fake, options, secret } = await setup(t)
    for (const what of [-1, 'html', 'reset', 'truncate', 'redirect', 45009]) {
      fake.fail(what, { endpoint: 'codes', where: ({ path }) => path.endsWith('getwxacode') })
    }
    const script = `
      for (const token of ['stable', 'classic']) {
        const wxa = new WxaCode({ ...given, token, retries: 0 })
        const calls = []
        for (let n = 0; n < 6; n++) calls.push(await wxa.getQRCode({ path: 'a' }).catch((error) => error))
        calls.push(await wxa.getUnlimitedQRCode({ scene: '%' }).catch((error) => error))
        calls.push(await wxa.getQRCode({ path: 'a' }, { signal: AbortSignal.abort() }).catch((error) => error))
        const wrong = new WxaCode({ ...given, secret: given.secret + 'x', token })
        calls.push(await wrong.getQRCode({ path: 'a' }).catch((error) => error))
        const gone = new WxaCode({ ...given, baseUrl: 'http://127.0.0.1:1', token })
        calls.push(await gone.getQRCode({ path: 'a' }, { timeoutMs: 500 }).catch((error) => error))
        console.log(wxa)
        for (const call of calls) call instanceof Error ? console.error(call) : console.log(call.length)
      }
      Promise.reject(await new WxaCode({ ...given, retries: 0, secret: given.secret + 'y' }).getAccessToken().catch((error) => error))`
    const env = { RUST_LOG: 'trace', RUST_BACKTRACE: '1', NODE_DEBUG: 'net,tls,http,fetch,undici,worker', DEBUG: '*' }
    const { code, stdout, stderr } = await run(script, { given: options, env })
    assert.equal(code, 1)
    assert.match(stderr, /40125/)
    const tokens = fake.requests.map(({ query }) => query.access_token).filter(Boolean)
    assert.ok(tokens.length > 2)
    checkText(stdout + stderr, [secret, ...tokens])
  })
})
