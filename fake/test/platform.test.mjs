import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATHS, PLATFORM, raw } from './helpers.mjs'
import { startPlatform } from './platform-helpers.mjs'

const MERCHANT = 'wxaaaaaaaaaaaaaaaa'
/** The endpoints that take a component_access_token, with a body for each. */
const WITH_TOKEN = {
  api_create_preauthcode: {},
  api_query_auth: { authorization_code: 'x' },
  api_authorizer_token: { authorizer_appid: MERCHANT, authorizer_refresh_token: 'x' },
  api_get_authorizer_list: { offset: 0, count: 1 },
  api_get_authorizer_info: { authorizer_appid: MERCHANT },
}

test('each fake has a unique platform, and what it sets is kept', async (t) => {
  const { platform } = await startPlatform(t)
  assert.match(platform.appid, /^wx[0-9a-f]{16}$/)
  assert.match(platform.secret, /^[0-9a-f]{32}$/)
  assert.match(platform.pushToken, /^[0-9a-f]{32}$/)
  assert.match(platform.encodingAESKey, /^[0-9A-Za-z]{43}$/)
  const settings = { appid: 'wx1', secret: 's', pushToken: 'p', encodingAESKey: 'A'.repeat(43) }
  assert.deepEqual((await startPlatform(t, { platform: settings })).platform, settings)
})

test('a ticket makes a component_access_token, for both spellings of the query', async (t) => {
  const { fake, component, componentToken } = await startPlatform(t)
  await fake.pushTicket()
  const { component_access_token: token, ...rest } = await componentToken()
  assert.deepEqual(rest, { expires_in: 7200 })
  assert.match(token, /^91_[\w-]{133}$/)
  for (const spelling of ['access_token', 'component_access_token']) {
    const { pre_auth_code: code, expires_in: life } = await component('api_create_preauthcode', {}, token, spelling)
    assert.match(code, /^preauthcode@@@/)
    assert.equal(life, 1800)
    assert.deepEqual(fake.requests.at(-1).query, { [spelling]: token })
  }
  assert.equal(fake.count('platform'), 3)
  assert.equal(fake.count('api_create_preauthcode'), 2)
  assert.equal(fake.count('tokens'), 0)
})

test('refusals of the endpoints with an AppSecret', async (t) => {
  const { fake, platform, component, componentToken } = await startPlatform(t)
  const { appid, secret } = fake
  await fake.pushTicket()
  const rows = [
    ['api_component_token', { component_appid: undefined }, 41002, 'appid missing'],
    ['api_component_token', { component_appid: 'wxffffffffffffffff' }, 40013, 'invalid appid'],
    ['api_component_token', { component_appid: appid, component_appsecret: secret }, 48001, 'api unauthorized'],
    ['api_component_token', { component_appsecret: undefined }, 41004, 'appsecret missing'],
    ['api_component_token', { component_appsecret: 'wrong' }, 40125, 'invalid appsecret'],
    ['api_component_token', { component_verify_ticket: undefined }, 61006, 'component ticket is invalid'],
    ['api_component_token', { component_verify_ticket: '' }, 61006, 'component ticket is invalid'],
    ['api_component_token', { component_verify_ticket: 'ticket@@@x' }, 61006, 'component ticket is invalid'],
    ['api_component_token', { component_appsecret: 1 }, 47001, 'data format error'],
    ['api_start_push_ticket', { component_secret: undefined }, 41004, 'appsecret missing'],
    ['api_start_push_ticket', { component_appid: 'wxffffffffffffffff' }, 40013, 'invalid appid'],
    ['api_start_push_ticket', { component_secret: 'wrong' }, 40125, 'invalid appsecret'],
    ['component/clear_quota/v2', { appid: undefined }, 41002, 'appid missing'],
    ['component/clear_quota/v2', { appsecret: 'wrong' }, 40125, 'invalid appsecret'],
  ]
  const good = {
    api_component_token: {
      component_appsecret: platform.secret,
      component_verify_ticket: fake.liveTickets()[0],
    },
    api_start_push_ticket: { component_secret: platform.secret },
    'component/clear_quota/v2': { appid: platform.appid, appsecret: platform.secret },
  }
  for (const [endpoint, change, errcode, text] of rows) {
    const answer = await component(endpoint, { ...good[endpoint], ...change })
    assert.equal(answer.errcode, errcode, `${endpoint} ${JSON.stringify(change)}`)
    assert.match(answer.errmsg, new RegExp(`^${text} rid: `))
  }
  for (const endpoint of Object.keys(good)) {
    assert.equal((await component(endpoint, '{')).errcode, 47001)
    assert.equal((await component(endpoint, '')).errcode, 44002)
    assert.ok(!(await component(endpoint, good[endpoint])).errcode, endpoint)
  }
  assert.ok((await componentToken()).component_access_token)
})

test('all are POST, with a Content-Length, and have a delay of their own', async (t) => {
  const { fake } = await startPlatform(t, { latency: { platform: 1 } })
  for (const endpoint of PLATFORM) {
    const url = `${fake.url}${PATHS[endpoint]}`
    assert.equal(JSON.parse((await raw(url, { method: 'GET' })).body).errcode, 43002, endpoint)
    assert.equal((await raw(url, { body: '{}', chunked: true })).status, 412, endpoint)
  }
})

test('refusals of the endpoints with a component_access_token', async (t) => {
  const { fake, component, ready, stable, merchant } = await startPlatform(t)
  const token = await ready()
  const { authorizer_access_token: ofMerchant } = await merchant(token, MERCHANT)
  const ofApp = (await stable()).access_token
  for (const [endpoint, body] of Object.entries(WITH_TOKEN)) {
    const errcodeOf = async (change, by = token) => (await component(endpoint, { ...body, ...change }, by)).errcode
    assert.equal((await component(endpoint, body)).errcode, 41001, endpoint)
    assert.equal(await errcodeOf({}, ''), 41001, endpoint)
    assert.equal(await errcodeOf({}, 'unknown'), 40001, endpoint)
    assert.equal(await errcodeOf({}, ofMerchant), 61014, endpoint)
    assert.equal(await errcodeOf({}, ofApp), 61014, endpoint)
    assert.equal(await errcodeOf({ component_appid: undefined }), 41002, endpoint)
    assert.equal(await errcodeOf({ component_appid: 'wx0' }), 61011, endpoint)
    assert.equal(await errcodeOf({ component_appid: 1 }), 47001, endpoint)
    assert.equal((await component(endpoint, '', token)).errcode, 44002, endpoint)
  }
  const texts = [
    ['unknown', /^invalid credential, access_token is invalid or not latest rid: /],
    [ofApp, /^must use component token for component api rid: /],
  ]
  for (const [by, text] of texts) assert.match((await component('api_query_auth', {}, by)).errmsg, text)
  assert.match((await component('api_query_auth', { component_appid: 'x' }, token)).errmsg, /^invalid component rid: /)
  fake.clock.advance(7200)
  for (const [endpoint, body] of Object.entries(WITH_TOKEN)) {
    const { errcode, errmsg } = await component(endpoint, body, token)
    assert.equal(errcode, 42001, endpoint)
    assert.match(errmsg, /^access_token expired rid: /)
  }
})

test('a new component_access_token replaces the one before', async (t) => {
  const { fake, component, componentToken, ready } = await startPlatform(t)
  const errcodeOf = async (token) => (await component('api_create_preauthcode', {}, token)).errcode ?? 0
  const first = await ready()
  const second = (await componentToken()).component_access_token
  assert.notEqual(second, first)
  assert.deepEqual([await errcodeOf(first), await errcodeOf(second)], [0, 0], 'both for 300 s')
  fake.clock.advance(301)
  assert.deepEqual([await errcodeOf(first), await errcodeOf(second)], [40001, 0])
  fake.overlapAccessTokens = false
  const third = (await componentToken()).component_access_token
  assert.deepEqual([await errcodeOf(second), await errcodeOf(third)], [40001, 0])
  assert.deepEqual(fake.liveTokens(fake.platforms[0].appid), [third])
  fake.revokeTokens('wxffffffffffffffff')
  assert.equal(await errcodeOf(third), 0)
  fake.revokeTokens(fake.platforms[0].appid)
  assert.equal(await errcodeOf(third), 40001)
})

test('the addresses of a platform are checked on every call, by secret, by token and for merchants', async (t) => {
  const { given, platform, component, componentToken, ready, merchant, errcode } = await startPlatform(t)
  const token = await ready()
  const { authorizer_access_token: ofMerchant } = await merchant(token, MERCHANT)
  given.ipWhitelist = ['203.0.113.7']
  const calls = [
    () => componentToken(),
    () => component('api_start_push_ticket', { component_secret: platform.secret }),
    () => component('component/clear_quota/v2', { appid: platform.appid, appsecret: platform.secret }),
    ...Object.entries(WITH_TOKEN).map(
      ([endpoint, body]) =>
        () =>
          component(endpoint, body, token),
    ),
  ]
  assert.equal(calls.length, PLATFORM.length)
  for (const call of calls) {
    const { errcode, errmsg } = await call()
    assert.equal(errcode, 61004)
    assert.match(errmsg, /^access clientip is not registered rid: \S+ requestIP: 127\.0\.0\.1$/)
  }
  assert.equal((await componentToken({ component_appsecret: 'wrong' })).errcode, 61004, 'before the secret')
  for (const [endpoint, body] of [
    ['getwxacodeunlimit', { scene: 's' }],
    ['generatescheme', {}],
    ['rid/get', { rid: '' }],
  ]) {
    assert.equal(await errcode(endpoint, body, ofMerchant), 61004, endpoint)
  }
  for (const entry of ['127.0.0.*', '127.0.0.0/8']) {
    given.ipWhitelist = [entry]
    assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, ofMerchant), 0)
    assert.equal((await component('api_create_preauthcode', {}, token)).errcode, undefined)
  }
})

test('api_component_token has a limit per day, and component/clear_quota/v2 ends it', async (t) => {
  const limits = { componentTokensPerDay: 2, clearsPerMonth: 1, callsPerDay: 3 }
  const { fake, platform, component, componentToken, ready } = await startPlatform(t, { limits })
  const token = await ready()
  assert.equal((await componentToken({ component_appsecret: 'wrong' })).errcode, 40125)
  assert.equal((await componentToken({ component_verify_ticket: 'wrong' })).errcode, 61006, 'counts')
  const refused = await componentToken()
  assert.equal(refused.errcode, 45009)
  assert.match(refused.errmsg, /^reach max api daily quota limit rid: /)
  const clear = () => component('component/clear_quota/v2', { appid: platform.appid, appsecret: platform.secret })
  assert.deepEqual(await clear(), { errcode: 0, errmsg: 'ok' })
  assert.ok((await componentToken()).component_access_token)
  assert.equal((await clear()).errcode, 48006)
  for (let call = 0; call < 3; call++) {
    assert.ok((await component('api_create_preauthcode', {}, token)).pre_auth_code)
  }
  assert.equal((await component('api_create_preauthcode', {}, token)).errcode, 45009)
  fake.clock.advance(86_400)
  await fake.pushTicket()
  assert.ok((await componentToken()).component_access_token)
})

test('a platform is no app, and an app no platform', async (t) => {
  const { fake, platform, stable, classic, ready, errcode, ask } = await startPlatform(t)
  const credentials = { appid: platform.appid, secret: platform.secret }
  for (const call of [stable, classic]) {
    const { errcode, errmsg } = await call(credentials)
    assert.equal(errcode, 61024)
    assert.match(errmsg, /^must use api\(api_component_token\) to get token for component acct rid: /)
  }
  const token = await ready()
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, token), 61015)
  assert.match((await ask('rid/get', {}, token)).errmsg, /^must use biz account token for not component api rid: /)
  const ofApp = (await stable()).access_token
  assert.equal((await ask('quota/get', { cgi_path: PATHS.api_component_token }, ofApp)).errcode, 76022)
  assert.equal(fake.liveTokens().length, 2)
})

test('only the platform itself could look its refusals up', async (t) => {
  const { platform, component, ready, stable, ask } = await startPlatform(t)
  const token = await ready()
  const ofApp = (await stable()).access_token
  for (const refused of [
    await component('api_component_token', { component_appsecret: 'wrong' }),
    await component('component/clear_quota/v2', { appid: platform.appid, appsecret: 'wrong' }),
    await component('api_query_auth', { component_appid: 'x' }, token),
    await component('api_query_auth', { component_appid: 'x' }, token, 'component_access_token'),
  ]) {
    const [, rid] = /rid: (\S+)/.exec(refused.errmsg)
    assert.equal((await ask('rid/get', { rid }, ofApp)).errcode, 76003)
  }
})

test('an errcode is injected where WeChat returns it', async (t) => {
  const { fake, component, componentToken, ready, refresh, list, stable, errcode } = await startPlatform(t)
  const token = await ready()
  const ofApp = (await stable()).access_token
  const called = {
    api_component_token: async () => (await componentToken()).errcode ?? 0,
    api_query_auth: async () => (await component('api_query_auth', {}, token)).errcode,
    api_authorizer_token: async () => (await refresh(token, MERCHANT, 'x')).errcode,
    api_get_authorizer_list: async () => (await list(token)).errcode ?? 0,
  }
  for (const [injected, endpoint] of [
    [61005, 'api_component_token'],
    [61006, 'api_component_token'],
    [40125, 'api_component_token'],
    [61010, 'api_query_auth'],
    [61023, 'api_authorizer_token'],
    [42007, 'api_authorizer_token'],
    [40170, 'api_get_authorizer_list'],
  ]) {
    const handle = fake.fail(injected)
    assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, ofApp), 0)
    for (const [other, call] of Object.entries(called)) {
      if (other !== endpoint) assert.notEqual(await call(), injected, `${injected} at ${other}`)
    }
    assert.equal(handle.used, 0)
    assert.equal(await called[endpoint](), injected)
    assert.equal(handle.used, 1)
  }
  // What a call and the request for its token may both get is for the call.
  for (const injected of [-1, 40001, 45009, 61003, 61004, 61007]) {
    fake.fail(injected)
    assert.notEqual(await called.api_component_token(), injected)
    assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, ofApp), injected)
  }
  fake.fail(-1, { endpoint: 'platform', times: 2 })
  assert.equal(await called.api_query_auth(), -1)
  assert.equal(await called.api_component_token(), -1)
})

test('a spoilt response has no token that works', async (t) => {
  const { fake, ready } = await startPlatform(t)
  const token = await ready()
  fake.fail('truncate', { endpoint: 'api_component_token' })
  const { body } = await raw(`${fake.url}${PATHS.api_component_token}`, { body: '{}' })
  const [, spoilt] = /^\{"component_access_token":"(91_[\w-]{100})/.exec(body)
  assert.deepEqual(fake.liveTokens(), [token], 'none was made')
  assert.ok(!token.startsWith(spoilt))
})
