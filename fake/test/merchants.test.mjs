import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CODES, GOOD, LINKS } from './helpers.mjs'
import { startPlatform } from './platform-helpers.mjs'
import { open } from './receiver.mjs'

const MERCHANT = 'wxaaaaaaaaaaaaaaaa'

async function ready(t, options) {
  const calls = await startPlatform(t, options)
  const token = await calls.ready()
  calls.receiver.pushes.length = 0
  const query = (code) => calls.component('api_query_auth', { authorization_code: code }, token)
  /** What an access token is worth: the errcode it gets, 0 if it works. */
  const worth = (access) => calls.errcode('createwxaqrcode', GOOD.createwxaqrcode, access)
  return {
    ...calls,
    token,
    query,
    worth,
    merchant: (appid = MERCHANT, options) => calls.merchant(token, appid, options),
    refresh: (refreshToken, appid = MERCHANT) => calls.refresh(token, appid, refreshToken),
    list: (more) => calls.list(token, more),
    info: (appid = MERCHANT) => calls.component('api_get_authorizer_info', { authorizer_appid: appid }, token),
  }
}

test('an authorisation is pushed, and its code gives the tokens, once', async (t) => {
  const { fake, platform, receiver, component, token, query } = await ready(t)
  fake.clock.set(1_700_000_000_000)
  await fake.pushTicket()
  const { pre_auth_code: preAuthCode } = await component('api_create_preauthcode', {}, token)
  const code = await fake.authorize(MERCHANT)
  const push = open(receiver.pushes.at(-1), platform)
  const time = Number(push.CreateTime)
  assert.ok(time >= 1_700_000_000 && time < 1_700_000_100)
  assert.deepEqual(push, {
    AppId: platform.appid,
    CreateTime: String(time),
    InfoType: 'authorized',
    AuthorizerAppid: MERCHANT,
    AuthorizationCode: code,
    AuthorizationCodeExpiredTime: push.AuthorizationCodeExpiredTime,
    PreAuthCode: preAuthCode,
  })
  assert.ok(Math.abs(Number(push.AuthorizationCodeExpiredTime) - time - 600) <= 1)
  assert.match(code, /^queryauthcode@@@/)
  const { authorization_info: info, ...rest } = await query(code)
  assert.deepEqual(rest, {})
  assert.match(info.authorizer_access_token, /^91_/)
  assert.match(info.authorizer_refresh_token, /^refreshtoken@@@/)
  assert.deepEqual(
    { ...info, authorizer_access_token: '', authorizer_refresh_token: '' },
    {
      authorizer_appid: MERCHANT,
      authorizer_access_token: '',
      expires_in: 7200,
      authorizer_refresh_token: '',
      func_info: [{ funcscope_category: { id: 17 } }, { funcscope_category: { id: 88 } }],
    },
  )
  const again = await query(code)
  assert.equal(again.errcode, 61009)
  assert.match(again.errmsg, /^code is invalid rid: /)
})

test('codes: unknown, missing, over, and of a merchant that has withdrawn', async (t) => {
  const { fake, query } = await ready(t)
  for (const code of ['unknown', '', undefined]) assert.equal((await query(code)).errcode, 61009)
  const code = await fake.authorize(MERCHANT, { push: false })
  fake.clock.advance(601)
  const { errcode, errmsg } = await query(code)
  assert.equal(errcode, 61010)
  assert.match(errmsg, /^code is expired rid: /)
  const lost = await fake.authorize(MERCHANT)
  await fake.unauthorize(MERCHANT)
  assert.equal((await query(lost)).errcode, 61009)
  const fresh = await fake.authorize(MERCHANT)
  assert.equal((await query(lost)).errcode, 61009, 'also once it has come back')
  assert.ok((await query(fresh)).authorization_info)
})

test("a merchant's token works at all code and link endpoints, with its own quotas", async (t) => {
  const limits = { unlimitedPerMinute: 1 }
  const { fake, merchant, errcode, stable, worth, ask } = await ready(t, { limits })
  const [first, second, third] = await Promise.all(
    [MERCHANT, 'wxbbbbbbbbbbbbbbbb', fake.appid].map(async (appid) => (await merchant(appid)).authorizer_access_token),
  )
  for (const endpoint of [...CODES, ...LINKS]) assert.equal(await errcode(endpoint, GOOD[endpoint], first), 0, endpoint)
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, first), 45009)
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, second), 0, 'the minute of another merchant')
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, third), 0)
  const own = (await stable()).access_token
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, own), 45009, 'the minute of the same app')
  assert.equal(await errcode('getwxacodeunlimit', { scene: 's', page: 'pages/none' }, second), 45009)
  assert.equal(await worth('unknown'), 40001)
  const { errmsg } = await ask('getwxacode', {}, first)
  const [, rid] = /rid: (\S+)/.exec(errmsg)
  assert.equal((await ask('rid/get', { rid }, first)).errcode, 0)
  assert.equal((await ask('rid/get', { rid }, second)).errcode, 76003)
})

test('a merchant has the pages of its app, and the default pages without one', async (t) => {
  const { fake, merchant, errcode } = await ready(t, { apps: [{ pages: ['a'] }] })
  const known = (await merchant(fake.appid)).authorizer_access_token
  const other = (await merchant()).authorizer_access_token
  const pageOf = async (page, token) => errcode('getwxacodeunlimit', { scene: 's', page }, token)
  assert.deepEqual([await pageOf('a', known), await pageOf('pages/index/index', known)], [0, 41030])
  assert.deepEqual([await pageOf('a', other), await pageOf('pages/index/index', other)], [41030, 0])
  assert.equal(fake.apps.length, 1)
})

test('permission sets: 17 for codes, 88 for links', async (t) => {
  const { merchant, errcode, ask } = await ready(t)
  for (const [permissions, forCodes, forLinks] of [
    [[17], 0, 61007],
    [[88], 61007, 0],
    [[], 61007, 61007],
  ]) {
    const { authorizer_access_token: token, func_info: info } = await merchant(MERCHANT, { permissions })
    assert.deepEqual(
      info.map(({ funcscope_category: { id } }) => id),
      permissions,
    )
    for (const endpoint of CODES) assert.equal(await errcode(endpoint, GOOD[endpoint], token), forCodes, endpoint)
    for (const endpoint of LINKS) assert.equal(await errcode(endpoint, GOOD[endpoint], token), forLinks, endpoint)
    assert.equal(await errcode('rid/get', {}, token), 76002, 'needs none')
  }
  const { authorizer_access_token: token } = await merchant(MERCHANT, { permissions: [] })
  assert.match((await ask('getwxacode', {}, token)).errmsg, /^api is unauthorized to component rid: /)
})

test('a second authorisation replaces the refresh token, and is pushed only if permission sets changed', async (t) => {
  const { fake, platform, receiver, query, refresh, worth, merchant } = await ready(t)
  const first = await merchant()
  const code = await fake.authorize(MERCHANT, { permissions: [88, 17] })
  assert.equal(receiver.pushes.length, 1, 'the same sets')
  const { errcode, errmsg } = await refresh(first.authorizer_refresh_token)
  assert.equal(errcode, 61023, 'at once, before the new one is fetched')
  assert.match(errmsg, /^refresh_token is invalid rid: /)
  assert.equal(await worth(first.authorizer_access_token), 0)
  const second = (await query(code)).authorization_info
  assert.notEqual(second.authorizer_refresh_token, first.authorizer_refresh_token)
  assert.ok((await refresh(second.authorizer_refresh_token)).authorizer_access_token)
  const wider = await fake.authorize(MERCHANT, { permissions: [17, 88, 1] })
  const push = open(receiver.pushes[1], platform)
  assert.deepEqual([push.InfoType, push.AuthorizationCode], ['updateauthorized', wider])
  await fake.authorize(MERCHANT, { permissions: [17], push: false })
  assert.equal(receiver.pushes.length, 2)
})

test('withdrawal is pushed, and ends codes, tokens and the refresh token', async (t) => {
  const { fake, platform, receiver, merchant, refresh, list, info, ask, worth, component, token } = await ready(t)
  const { authorizer_access_token: access, authorizer_refresh_token: refreshToken } = await merchant()
  const push = await fake.unauthorize(MERCHANT)
  assert.equal(push.answer, 'success')
  const { CreateTime, ...elements } = open(receiver.pushes[1], platform)
  assert.ok(CreateTime)
  assert.deepEqual(elements, { AppId: platform.appid, InfoType: 'unauthorized', AuthorizerAppid: MERCHANT })
  for (const answer of [await ask('getwxacode', {}, access), await refresh(refreshToken), await info()]) {
    assert.equal(answer.errcode, 61003)
    assert.match(answer.errmsg, /^component is not authorized by this account rid: /)
  }
  assert.deepEqual(await list(), { total_count: 0, list: [] })
  assert.deepEqual(fake.liveTokens(MERCHANT), [])
  assert.equal((await component('api_create_preauthcode', {}, token)).errcode, undefined)
  const again = await merchant()
  assert.equal(open(receiver.pushes[2], platform).InfoType, 'authorized')
  assert.equal(await worth(access), 40001, 'a new authorisation does not bring it back')
  assert.equal(await worth(again.authorizer_access_token), 0)
  assert.equal((await refresh(refreshToken)).errcode, 61023)
  assert.equal(await fake.unauthorize(MERCHANT, { push: false }), undefined)
  assert.equal(receiver.pushes.length, 3)
  assert.equal(await worth(again.authorizer_access_token), 61003)
})

test('a refresh gives a new access token, and the same refresh token', async (t) => {
  const { fake, merchant, refresh, worth } = await ready(t)
  const first = await merchant()
  const second = await refresh(first.authorizer_refresh_token)
  assert.deepEqual(Object.keys(second), ['authorizer_access_token', 'expires_in', 'authorizer_refresh_token'])
  assert.equal(second.expires_in, 7200)
  assert.equal(second.authorizer_refresh_token, first.authorizer_refresh_token)
  assert.notEqual(second.authorizer_access_token, first.authorizer_access_token)
  const tokens = [first, second].map(({ authorizer_access_token: token }) => token)
  assert.deepEqual([await worth(tokens[0]), await worth(tokens[1])], [0, 0], 'both for 300 s')
  assert.deepEqual(fake.liveTokens(MERCHANT), tokens.toReversed())
  fake.clock.advance(301)
  assert.deepEqual([await worth(tokens[0]), await worth(tokens[1])], [40001, 0])
  fake.clock.advance(7000)
  assert.equal(await worth(tokens[1]), 42001)
})

test('overlapAccessTokens: whether a refresh invalidates the previous access token at once', async (t) => {
  const { fake, merchant, refresh, worth } = await ready(t)
  assert.equal(fake.overlapAccessTokens, true)
  fake.overlapAccessTokens = false
  const first = await merchant()
  const second = await refresh(first.authorizer_refresh_token)
  assert.equal(await worth(first.authorizer_access_token), 40001)
  assert.equal(await worth(second.authorizer_access_token), 0)
  fake.revokeTokens(MERCHANT)
  assert.equal(await worth(second.authorizer_access_token), 40001)
  assert.ok((await refresh(first.authorizer_refresh_token)).authorizer_access_token)
})

test('rotateRefreshTokens: a refresh gives a new refresh token, and the old one works for 300 s more', async (t) => {
  const { fake, merchant, refresh, list } = await ready(t)
  assert.equal(fake.rotateRefreshTokens, false)
  fake.rotateRefreshTokens = true
  const { authorizer_refresh_token: first } = await merchant()
  const { authorizer_refresh_token: second } = await refresh(first)
  assert.notEqual(second, first)
  assert.equal((await refresh(first)).authorizer_refresh_token, second, 'the current one, and no third')
  fake.clock.advance(301)
  assert.equal((await refresh(first)).errcode, 61023)
  assert.equal((await list()).list[0].refresh_token, second)
  const { authorizer_refresh_token: third } = await refresh(second)
  fake.rotateRefreshTokens = false
  assert.equal((await refresh(third)).authorizer_refresh_token, third)
  fake.clock.advance(30 * 86_400)
  await fake.pushTicket()
})

test('a refresh token never expires, and is refused where it is wrong', async (t) => {
  const { fake, merchant, refresh, componentToken, component } = await ready(t)
  const { authorizer_refresh_token: refreshToken } = await merchant()
  for (const wrong of ['unknown', '', undefined]) assert.equal((await refresh(wrong)).errcode, 61023)
  assert.equal((await refresh(null)).errcode, 47001)
  assert.equal((await refresh(refreshToken, '')).errcode, 40013)
  assert.equal((await refresh(refreshToken, 'wxbbbbbbbbbbbbbbbb')).errcode, 61003)
  fake.clock.advance(365 * 86_400)
  await fake.pushTicket()
  const { component_access_token: token } = await componentToken()
  const body = { authorizer_appid: MERCHANT, authorizer_refresh_token: refreshToken }
  assert.ok((await component('api_authorizer_token', body, token)).authorizer_access_token)
})

test('the list has pages of at most 500, and a refresh token once it was queried', async (t) => {
  const { fake, list, query } = await ready(t)
  fake.clock.set(1_700_000_000_000)
  const codes = new Map()
  for (let n = 0; n < 5; n++) codes.set(n, await fake.authorize(`wx${n}`, { push: false }))
  const { authorization_info: info } = await query(codes.get(3))
  const appidsOf = (answer) => answer.list.map(({ authorizer_appid: appid }) => appid)
  const first = await list({ offset: 0, count: 3 })
  assert.deepEqual([first.total_count, appidsOf(first)], [5, ['wx0', 'wx1', 'wx2']])
  const { list: second } = await list({ offset: 3, count: 500 })
  assert.deepEqual(
    second.map(({ auth_time: time, ...rest }) => ({ ...rest, isNow: time >= 1_700_000_000 && time < 1_700_000_100 })),
    [
      { authorizer_appid: 'wx3', refresh_token: info.authorizer_refresh_token, isNow: true },
      { authorizer_appid: 'wx4', refresh_token: null, isNow: true },
    ],
  )
  assert.deepEqual(await list({ offset: 5, count: 1 }), { total_count: 5, list: [] })
  const over = await list({ offset: 0, count: 501 })
  assert.equal(over.errcode, 40170)
  assert.match(over.errmsg, /^args count exceed count limit rid: /)
  for (const wrong of [{ offset: -1 }, { count: 0 }, { offset: undefined }, { count: undefined }]) {
    assert.equal((await list(wrong)).errcode, 40097, JSON.stringify(wrong))
  }
  assert.equal((await list({ count: '1' })).errcode, 47001)
  const again = await fake.authorize('wx3', { push: false })
  const { refresh_token: renewed } = (await list({ offset: 3, count: 1 })).list[0]
  assert.notEqual(renewed, info.authorizer_refresh_token)
  assert.equal((await query(again)).authorization_info.authorizer_refresh_token, renewed)
})

test('api_get_authorizer_info describes a merchant', async (t) => {
  const { merchant, info } = await ready(t)
  assert.equal((await info()).errcode, 61003)
  assert.equal((await info('')).errcode, 40013)
  const { authorizer_refresh_token: refreshToken } = await merchant(MERCHANT, { permissions: [17] })
  const { authorizer_info: authorizer, authorization_info: authorization } = await info()
  assert.equal(authorizer.nick_name, MERCHANT)
  assert.ok(authorizer.MiniProgramInfo)
  assert.deepEqual(authorization, {
    authorizer_appid: MERCHANT,
    authorizer_refresh_token: refreshToken,
    func_info: [{ funcscope_category: { id: 17 } }],
  })
})

test('a thousand merchants, each with its own tokens', async (t) => {
  const { fake, query, list, worth } = await ready(t)
  const appids = Array.from({ length: 1000 }, (_, n) => `wx${String(n).padStart(16, '0')}`)
  const codes = []
  for (const appid of appids) codes.push(await fake.authorize(appid, { push: false }))
  const { authorization_info: last } = await query(codes.at(-1))
  assert.equal(last.authorizer_appid, appids.at(-1))
  assert.equal(await worth(last.authorizer_access_token), 0)
  const pages = [await list({ offset: 0 }), await list({ offset: 500 })]
  assert.deepEqual(
    pages.flatMap((page) => page.list.map(({ authorizer_appid: appid }) => appid)),
    appids,
  )
})
