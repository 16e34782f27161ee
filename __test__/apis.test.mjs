import assert from 'node:assert/strict'
import { WeChatAPIError } from 'wxacode'
import { asked } from './support/decode.mjs'
import { checkText, failure, setup, suite } from './support/suite.mjs'

const lastBody = (fake) => JSON.parse(fake.requests.at(-1).body)
const DAY = 86_400_000

suite('any other API', (test) => {
  test('posts a body as raw JSON with the token, and gives the answer parsed', async (t) => {
    const { fake, wxa } = await setup(t)
    const answer = await wxa.request('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/wxa/getwxacode', 名: '<&>' } })
    assert.equal(answer.errcode, 0)
    assert.equal(answer.quota.daily_limit, 10_000)
    const { method, query, body, headers } = fake.requests.at(-1)
    assert.equal(method, 'POST')
    assert.deepEqual(Object.keys(query), ['access_token'])
    assert.equal(body, '{"cgi_path":"/wxa/getwxacode","名":"<&>"}')
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
  })

  test('gets without a body, with a query of strings, numbers and booleans', async (t) => {
    const { fake, wxa } = await setup(t)
    await failure(wxa.request('/cgi-bin/get_api_domain_ip', { query: { a: 'ü&=', b: 2, c: true } }))
    const { method, path, query } = fake.requests.at(-1)
    assert.deepEqual([method, path], ['GET', '/cgi-bin/get_api_domain_ip'])
    const { access_token, ...rest } = query
    assert.deepEqual(rest, { a: 'ü&=', b: '2', c: 'true' })
    assert.ok(access_token)
  })

  test('method wins over the guess, and a post without parameters has an empty object', async (t) => {
    const { fake, wxa } = await setup(t)
    await failure(wxa.request('/wxa/unheard', { method: 'POST' }))
    assert.deepEqual([fake.requests.at(-1).method, fake.requests.at(-1).body], ['POST', '{}'])
  })

  test('a picture comes as a Buffer', async (t) => {
    const { wxa } = await setup(t)
    const image = await wxa.request('/wxa/getwxacodeunlimit', { body: { scene: 'a', width: 280 } })
    assert.ok(Buffer.isBuffer(image))
    assert.equal(asked(image).scene, 'a')
  })

  test('a refusal is a WeChatAPIError that names the path, with rid and explanation', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.fail(48001, { endpoint: 'debug' })
    const error = await failure(wxa.request('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/wxa/getwxacode' } }))
    assert.ok(error instanceof WeChatAPIError)
    assert.deepEqual([error.errcode, error.endpoint], [48001, 'getQuota'])
    assert.ok(error.rid && error.explanation.fix.zh)
    const other = await failure(wxa.request('/wxa/unheard', { body: {} }))
    assert.deepEqual([other.errcode, other.endpoint], [40066, '/wxa/unheard'])
    assert.match(other.message, /^\/wxa\/unheard: 40066/)
  })

  for (const errcode of [40001, 40014, 42001]) {
    test(`a token that WeChat refuses (${errcode}) is replaced and the request repeated once`, async (t) => {
      const { fake, wxa } = await setup(t)
      await wxa.getAccessToken()
      fake.revokeTokens()
      fake.fail(errcode, { endpoint: 'debug' })
      const { errcode: ok } = await wxa.request('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/wxa/getwxacode' } })
      assert.equal(ok, 0)
      assert.deepEqual([fake.count('tokens'), fake.count('debug'), wxa.stats().replays], [2, 2, 1])
    })
  }

  test('-1 and broken connections are tried again, and not with retries: 0', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const what of [-1, 'reset', { status: 502, body: '<html>' }]) {
      fake.fail(what, { endpoint: 'debug' })
      const before = fake.count('debug')
      await wxa.getQuota('/wxa/getwxacode')
      assert.equal(fake.count('debug'), before + 2)
      fake.fail(what, { endpoint: 'debug' })
      const options = { body: { cgi_path: '/wxa/getwxacode' }, retries: 0 }
      await failure(wxa.request('/cgi-bin/openapi/quota/get', options))
      assert.equal(fake.count('debug'), before + 3)
    }
  })

  test('answers that are neither JSON nor a picture are refused', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    for (const what of ['html', 'empty', { status: 200, body: 'ok' }, { status: 200, body: '{"a":' }]) {
      fake.fail(what, { endpoint: 'debug' })
      const error = await failure(wxa.request('/cgi-bin/openapi/quota/get', { body: {} }))
      assert.equal(error.code, 'ERR_WXA_RESPONSE')
    }
    fake.fail({ status: 200, body: '\ufeff {"errcode":"0","list":[1]} ' }, { endpoint: 'debug' })
    assert.deepEqual(await wxa.request('/cgi-bin/openapi/quota/get', { body: {} }), { errcode: '0', list: [1] })
    fake.fail({ status: 200, body: '[1,2]' }, { endpoint: 'debug' })
    assert.deepEqual(await wxa.request('/cgi-bin/openapi/quota/get', { body: {} }), [1, 2])
  })

  test('the deadline and the signal hold, and an abort closes the request', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.getAccessToken()
    fake.fail('hang', { endpoint: 'debug', times: 2 })
    const body = { cgi_path: '/wxa/getwxacode' }
    const late = await failure(wxa.request('/cgi-bin/openapi/quota/get', { body, timeoutMs: 100 }))
    assert.deepEqual([late.code, late.endpoint], ['ERR_WXA_TIMEOUT', 'getQuota'])
    const controller = new AbortController()
    const call = failure(wxa.request('/cgi-bin/openapi/quota/get', { body, signal: controller.signal }))
    await fake.arrived(2, 'debug')
    const reason = new Error('enough')
    controller.abort(reason)
    assert.equal(await call, reason)
    await fake.idle()
    assert.equal(fake.requests.filter(({ closed }) => closed).length, 2)
  })

  test('the minute of getUnlimitedQRCode counts by whatever way it is asked', async (t) => {
    const { wxa } = await setup(t, {}, { ratePerMinute: 1, timeoutMs: 20_000 })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    const error = await failure(wxa.request('/wxa/getwxacodeunlimit', { body: { scene: 'b' } }))
    assert.equal(error.code, 'ERR_WXA_RATE_LIMIT')
  })

  test('a path that may hold anything is not repeated', async (t) => {
    const { wxa, secret } = await setup(t)
    for (const path of [`/wxa/a?access_token=${secret}`, `https://x/${secret}`, secret, `/${'x'.repeat(1_000_000)}`]) {
      for (const options of [{}, { data: {} }, { body: 7 }, { method: 'PUT' }, { timeoutMs: 0 }]) {
        const error = await failure(wxa.request(path, options))
        assert.equal(error.code, 'ERR_WXA_PARAMS')
        assert.ok(error.message.length < 1500 && !error.stack.includes('xxxx'), error.message.slice(0, 200))
      }
    }
    assert.equal((await failure(wxa.request('/wxa/a', { data: {} }))).endpoint, '/wxa/a')
  })

  test('what cannot be asked is refused before anything is sent, with the reason', async (t) => {
    const { fake, wxa } = await setup(t)
    const cyclic = {}
    cyclic.self = cyclic
    for (const [path, options, param] of [
      [7, {}, 'path'],
      [{ url: '/wxa/a', method: 'GET' }, undefined, 'path'],
      ['', {}, 'path'],
      ['wxa/a', {}, 'path'],
      ['https://evil.example/wxa/a', {}, 'path'],
      ['//evil.example/a', {}, 'path'],
      ['/wxa/a?b=1', {}, 'path'],
      ['/wxa/../a', {}, 'path'],
      ['/cgi-bin/token', {}, 'path'],
      ['/cgi-bin/stable_token', { body: {} }, 'path'],
      ['/wxa/a', { query: { access_token: 'x' } }, 'query.access_token'],
      ['/wxa/a', { query: { a: null } }, 'query'],
      ['/wxa/a', { query: 'a=1' }, 'query'],
      ['/wxa/a', { method: 'PUT' }, 'method'],
      ['/wxa/a', { method: 'GET', body: {} }, 'body'],
      ['/wxa/a', { body: '{}' }, 'body'],
      ['/wxa/a', { body: cyclic }, 'body'],
      ['/wxa/a', { body: { n: 1n } }, 'body.n'],
      ['/wxa/a', { body: { text: '\ud83d' } }, 'body.text'],
      ['/wxa/a', { retries: 11 }, 'retries'],
      ['/wxa/a', { timeoutMs: 0 }, 'timeoutMs'],
      ['/wxa/a', { data: {} }, 'data'],
    ]) {
      const error = await failure(wxa.request(path, options))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', param], `${path} ${error.message}`)
    }
    assert.equal(fake.count(), 0)
    await wxa.request('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/wxa/getwxacode', text: '\\ud83d 😀' } })
  })
})

suite('links', (test) => {
  test('a scheme can be made and asked about', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    const jumpWxa = { path: '/pages/index/index', query: 'a=1&b=%20', envVersion: 'trial' }
    const expireTime = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY)
    const scheme = await wxa.generateScheme({ jumpWxa, expireTime })
    assert.match(scheme, /^weixin:\/\/dl\/business\/\?t=/)
    assert.deepEqual(lastBody(fake), {
      jump_wxa: { path: '/pages/index/index', query: 'a=1&b=%20', env_version: 'trial' },
      is_expire: true,
      expire_type: 0,
      expire_time: expireTime.getTime() / 1000,
    })
    const { schemeInfo, ...rest } = await wxa.queryScheme({ scheme })
    assert.deepEqual(rest, {})
    const { createTime, ...info } = schemeInfo
    assert.ok(Math.abs(createTime.getTime() - Date.now()) < 60_000)
    assert.deepEqual(info, { appid, ...jumpWxa, expireTime })
  })

  test('without an end a link lives as long as it may', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.generateScheme()
    assert.deepEqual(lastBody(fake), { is_expire: true, expire_type: 1, expire_interval: 30 })
    await wxa.generateUrlLink({ expireInterval: 1 })
    assert.deepEqual(lastBody(fake), { expire_type: 1, expire_interval: 1 })
  })

  test('a URL link can be made and asked about, and so can the visits that are left', async (t) => {
    const { wxa } = await setup(t)
    const urlLink = await wxa.generateUrlLink({ path: 'pages/index/index', query: 'a=1' })
    assert.match(urlLink, /^https:\/\/wxaurl\.cn\//)
    const { urlLinkInfo } = await wxa.queryUrlLink({ urlLink })
    assert.deepEqual([urlLinkInfo.path, urlLinkInfo.query], ['pages/index/index', 'a=1'])
    const { quotaInfo, ...rest } = await wxa.queryUrlLink({ urlLink, queryType: 1 })
    assert.equal(typeof quotaInfo.remainVisitQuota, 'number')
    assert.deepEqual(rest, {})
  })

  test('short links and schemes for NFC tags', async (t) => {
    const { fake, wxa } = await setup(t)
    const short = await wxa.generateShortLink({ pageUrl: 'pages/index/index?a=1', pageTitle: '标题' })
    assert.match(short, /^#小程序:\/\//)
    assert.deepEqual(lastBody(fake), { page_url: 'pages/index/index?a=1', page_title: '标题' })
    const nfc = { jumpWxa: { path: 'pages/index/index' }, modelId: 'm', sn: 's' }
    await wxa.generateNFCScheme(nfc).catch((error) => assert.ok(error instanceof WeChatAPIError))
    assert.deepEqual(lastBody(fake), { jump_wxa: { path: 'pages/index/index' }, model_id: 'm', sn: 's' })
  })

  test('a refusal is explained as it is meant there', async (t) => {
    const { wxa } = await setup(t)
    const error = await failure(wxa.generateScheme({ jumpWxa: { path: 'pages/none' } }))
    assert.deepEqual([error.errcode, error.endpoint], [40165, 'generateScheme'])
    assert.match(error.message, /page of the released version/)
    const unknown = await failure(wxa.queryScheme({ scheme: 'weixin://dl/business/?t=none' }))
    assert.equal(unknown.errcode, 85403)
  })

  test('an answer without the link is no answer', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.fail({ status: 200, body: '{"errcode":0,"errmsg":"ok"}' }, { endpoint: 'links' })
    const error = await failure(wxa.generateScheme())
    assert.deepEqual([error.code, error.endpoint], ['ERR_WXA_RESPONSE', 'generateScheme'])
  })

  test('a picture is no answer where none was asked for', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    const picture = await wxa.createQRCode({ path: 'a', width: 280 })
    for (const name of ['getRid', 'getQuota', 'clearQuota', 'generateScheme', 'queryScheme']) {
      fake.fail({ status: 200, body: picture }, { where: ({ path }) => !path.includes('token') })
      const given = { getRid: '1-2-3', getQuota: '/wxa/getwxacode', queryScheme: { scheme: 'a' } }[name]
      const error = await failure(wxa[name](given))
      assert.deepEqual([error.code, error.endpoint], ['ERR_WXA_RESPONSE', name])
    }
  })

  test('what has no errcode does not say that counters were set back', async (t) => {
    const { fake, wxa } = await setup(t)
    fake.fail({ status: 200, body: '{}' }, { endpoint: 'debug' })
    assert.equal((await failure(wxa.clearQuota())).code, 'ERR_WXA_RESPONSE')
  })

  test('wrong parameters are refused before anything is sent, and misspelt ones told right', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const [call, param, hint] of [
      [() => wxa.generateScheme({ path: 'a' }), 'path', /jumpWxa/],
      [() => wxa.generateScheme({ jump_wxa: {} }), 'jump_wxa', /jumpWxa/],
      [() => wxa.generateScheme({ jumpWxa: { path: 'a?b' } }), 'jumpWxa.path', /query/],
      [() => wxa.generateScheme({ jumpWxa: { query: '中' } }), 'jumpWxa.query', /encodeURIComponent/],
      [() => wxa.generateScheme({ jumpWxa: 'a' }), 'jumpWxa', /object/],
      [() => wxa.generateScheme({ expireTime: Date.now() }), 'expireTime', /Date/],
      [() => wxa.generateScheme({ expireTime: new Date('x') }), 'expireTime', /Date/],
      [() => wxa.generateScheme({ expireTime: new Date(Date.now() + 40 * DAY) }), 'expireTime', /30 days/],
      [() => wxa.generateScheme({ expireInterval: 31 }), 'expireInterval', /30/],
      [() => wxa.generateScheme({ expireInterval: Number.NaN }), 'expireInterval', /NaN/],
      [() => wxa.queryScheme({ scheme: 's', queryType: Number.POSITIVE_INFINITY }), 'queryType', /inf/],
      [() => wxa.generateUrlLink({ cloudBase: {} }), 'cloudBase.env', /env/],
      [() => wxa.generateShortLink({ pageUrl: '/pages/a' }), 'pageUrl', /pages\/a/],
      [() => wxa.generateShortLink({ path: 'pages/a' }), 'path', /pageUrl/],
      [() => wxa.generateShortLink(), 'params', /object/],
      [() => wxa.generateNFCScheme({}), 'modelId', /modelId/],
      [() => wxa.queryScheme({}), 'scheme', /queryType/],
      [() => wxa.queryUrlLink({ urlLink: 'a', queryType: 3 }), 'queryType', /0 or 1/],
    ]) {
      const error = await failure(call())
      assert.equal(error.param, param, error.message)
      assert.match(error.message, hint)
    }
    assert.equal(fake.count(), 0)
  })
})

suite('what WeChat tells of calls', (test) => {
  test('the quota of an API', async (t) => {
    const { wxa } = await setup(t)
    await wxa.getQRCode({ path: 'a' })
    const quota = await wxa.getQuota('/wxa/getwxacode')
    assert.deepEqual([quota.dailyLimit, quota.used, quota.remain], [10_000, 1, 9999])
    assert.equal((await failure(wxa.getQuota('/wxa/none'))).errcode, 76021)
    assert.match((await failure(wxa.getQuota('wxa/getwxacode'))).message, /"\/wxa\/getwxacode"/)
  })

  test('counters are set back for the account that asks, and never twice', async (t) => {
    const { fake, wxa, appid } = await setup(t)
    await wxa.getQRCode({ path: 'a' })
    assert.equal(await wxa.clearQuota(), undefined)
    assert.deepEqual(lastBody(fake), { appid })
    assert.equal((await wxa.getQuota('/wxa/getwxacode')).used, 0)
    fake.fail('reset', { endpoint: 'debug' })
    const before = fake.count('debug')
    await failure(wxa.clearQuota())
    assert.equal(fake.count('debug'), before + 1)
  })

  test('a rid is looked up, and no token comes with it', async (t) => {
    const { wxa, secrets } = await setup(t)
    const { rid } = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/none' }))
    const info = await wxa.getRid(rid)
    assert.equal(info.requestBody, '{"scene":"a","page":"pages/none"}')
    assert.match(info.responseBody, /41030/)
    assert.equal(info.requestUrl, 'access_token=***')
    assert.equal(info.clientIp, '127.0.0.1')
    assert.ok(Math.abs(info.invokeTime.getTime() - Date.now()) < 60_000)
    assert.equal(typeof info.costInMs, 'number')
    checkText(JSON.stringify(info), secrets())
  })

  test('a secret in a remembered body is taken out however it is written', async (t) => {
    const { fake, wxa } = await setup(t)
    const request = {
      invoke_time: 1,
      cost_in_ms: 1,
      request_url: 'a=1&access_token=91_abc&b=2',
      request_body: '{"appid":"wx1","secret":"c4nary","force_refresh":false}',
      response_body: '{"access_token":"91_abc","expires_in":7200,"component_access_token" : "91_abc"}',
      client_ip: '1.2.3.4',
    }
    fake.fail({ status: 200, body: JSON.stringify({ errcode: 0, request }) }, { endpoint: 'debug' })
    const info = await wxa.getRid('6-7-8')
    assert.equal(info.requestUrl, 'a=1&access_token=***&b=2')
    assert.equal(info.requestBody, '{"appid":"wx1","secret":"***","force_refresh":false}')
    assert.ok(!info.responseBody.includes('91_abc') && info.responseBody.includes('7200'))
  })

  test('a rid is the number alone', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const wrong of ['', 'rid: 6-7-8', undefined, 7]) {
      assert.equal((await failure(wxa.getRid(wrong))).param, 'rid')
    }
    assert.equal(fake.count(), 0)
    assert.equal((await failure(wxa.getRid('00000000-00000000-00000000'))).errcode, 76001)
  })
})
