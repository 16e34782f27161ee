import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOOD, PATHS, start, startWithToken } from './helpers.mjs'

const MONTH = 30 * 86_400

/** `quota/get` by the name of an endpoint. */
async function ready(t, options) {
  const calls = await startWithToken(t, options)
  const quota = (endpoint) => calls.ask('quota/get', { cgi_path: PATHS[endpoint] }, calls.token)
  return { ...calls, quota }
}

test('quota/get returns the quotas that the fake counts', async (t) => {
  const limits = { limitedPerDay: 9, classicPerDay: 8, stablePerDay: 7, stablePerMinute: 6, unlimitedPerMinute: 5 }
  const { quota, classic, errcode, token } = await ready(t, { limits })
  await classic()
  await errcode('getwxacode', GOOD.getwxacode, token)
  await errcode('getwxacode', { path: '' }, token)
  assert.deepEqual(await quota('getwxacode'), {
    errcode: 0,
    errmsg: 'ok',
    quota: { daily_limit: 9, used: 2, remain: 7 },
  })
  assert.deepEqual((await quota('token')).quota, { daily_limit: 8, used: 1, remain: 7 })
  const stable = await quota('stable_token')
  assert.deepEqual(stable.quota, { daily_limit: 7, used: 1, remain: 6 })
  assert.deepEqual(stable.rate_limit, { call_count: 6, refresh_second: 60 })
  assert.deepEqual(stable.component_rate_limit, stable.rate_limit)
  await errcode('getwxacodeunlimit', GOOD.getwxacodeunlimit, token)
  const unlimited = await quota('getwxacodeunlimit')
  assert.deepEqual(unlimited.rate_limit, { call_count: 5, refresh_second: 60 })
  assert.deepEqual(unlimited.quota, { daily_limit: 10_000_000, used: 1, remain: 9_999_999 })
})

test('quota/get: schemes and URL links have one daily quota', async (t) => {
  const { quota, errcode, token } = await ready(t, {
    limits: { linksPerDay: 10, linksPerSecond: 4, shortLinksPerDay: 3 },
  })
  await errcode('generatescheme', {}, token)
  await errcode('generate_urllink', {}, token)
  await errcode('generatenfcscheme', { model_id: 'm' }, token)
  await errcode('genwxashortlink', GOOD.genwxashortlink, token)
  for (const endpoint of ['generatescheme', 'generate_urllink', 'generatenfcscheme']) {
    const { quota: day, rate_limit: rate } = await quota(endpoint)
    assert.deepEqual(day, { daily_limit: 10, used: 3, remain: 7 })
    assert.deepEqual(rate, { call_count: 4, refresh_second: 1 })
  }
  assert.deepEqual((await quota('genwxashortlink')).quota, { daily_limit: 3, used: 1, remain: 2 })
})

test('quota/get: an unlimited quota is a number, and a new day begins at 0', async (t) => {
  const { fake, ask, quota, stable, errcode, token } = await ready(t, {
    limits: { limitedPerDay: Number.POSITIVE_INFINITY },
  })
  await errcode('getwxacode', GOOD.getwxacode, token)
  const { quota: lifted } = await quota('getwxacode')
  assert.ok(Number.isSafeInteger(lifted.daily_limit) && Number.isSafeInteger(lifted.remain))
  assert.equal(lifted.used, 1)
  fake.clock.advance(86_400)
  const later = (await stable()).access_token
  assert.equal((await ask('quota/get', { cgi_path: PATHS.getwxacode }, later)).quota.used, 0)
})

test('cgi_path begins with a slash, has no host and is not under /sns/', async (t) => {
  const { ask, table, token } = await ready(t)
  for (const endpoint of ['quota/get', 'quota/clear']) {
    await table(endpoint, [
      [{ cgi_path: '/wxa/getwxacode' }, 0],
      [{ cgi_path: 'wxa/getwxacode' }, 76021],
      [{ cgi_path: 'https://api.weixin.qq.com/wxa/getwxacode' }, 76021],
      [{ cgi_path: '/wxa/getwxacode?a=1' }, 76021],
      [{ cgi_path: '' }, 76021],
      [{}, 76021],
      [{ cgi_path: '/sns/jscode2session' }, 76022],
      [{ cgi_path: 1 }, 47001],
    ])
  }
  const { errmsg } = await ask('quota/get', { cgi_path: '/nowhere' }, token)
  assert.match(errmsg, /^cgi_path not found, please check rid: /)
})

test("clear_quota sets the day's counters back, not the codes for life, not the minute's", async (t) => {
  const limits = { limitedPerDay: 1, classicPerDay: 1, linksPerDay: 1, codesForLife: 1, unlimitedPerMinute: 1 }
  const { fake, ask, classic, errcode, token } = await ready(t, { limits })
  const round = async () => [
    (await classic()).errcode ?? 0,
    await errcode('generatescheme', {}, token),
    await errcode('getwxacode', GOOD.getwxacode, token),
    await errcode('getwxacodeunlimit', GOOD.getwxacodeunlimit, token),
  ]
  assert.deepEqual(await round(), [0, 0, 0, 0])
  assert.deepEqual(await round(), [45009, 44993, 45009, 45009])
  assert.deepEqual(await ask('clear_quota', { appid: fake.appid }, token), { errcode: 0, errmsg: 'ok' })
  assert.deepEqual(await round(), [0, 0, 0, 45009])
  await ask('clear_quota', { appid: fake.appid }, token)
  assert.equal(await errcode('getwxacode', { path: 'another' }, token), 45029)
})

test('clear_quota resets the forced refreshes', async (t) => {
  const { fake, ask, stable } = await ready(t, { limits: { forcedPerDay: 1 } })
  const forced = await stable({ force_refresh: true })
  fake.clock.advance(31)
  assert.equal((await stable({ force_refresh: true })).errcode, 45009)
  await ask('clear_quota', { appid: fake.appid }, forced.access_token)
  assert.ok((await stable({ force_refresh: true })).access_token)
})

test('clear_quota: the own appid only', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx${n}`, secret: 's' }))
  const { table } = await ready(t, { apps, limits: { clearsPerMonth: 1 } })
  await table('clear_quota', [
    [{ appid: 'wx2' }, 40013],
    [{}, 40013],
    [{ appid: 'wx1' }, 0],
  ])
})

test('clear_quota and clear_quota/v2 share a monthly limit, and refusals do not count', async (t) => {
  const { fake, ask, stable, errcode, token } = await ready(t, { limits: { clearsPerMonth: 2 } })
  const { appid, secret } = fake
  assert.equal(await errcode('clear_quota', { appid: 'wrong' }, token), 40013)
  assert.equal(await errcode('clear_quota', { appid }, token), 0)
  assert.equal(await errcode('clear_quota/v2', { appid, appsecret: secret }), 0)
  const refused = await ask('clear_quota', { appid }, token)
  assert.equal(refused.errcode, 48006)
  assert.match(refused.errmsg, /^forbid to clear quota because of reaching the limit rid: /)
  assert.equal(await errcode('clear_quota/v2', { appid, appsecret: secret }), 48006)
  fake.clock.advance(MONTH)
  assert.equal(await errcode('clear_quota', { appid }, (await stable()).access_token), 0)
})

test('clear_quota/v2 works by the AppSecret when no token can be fetched any more', async (t) => {
  const { fake, classic, errcode } = await ready(t, { limits: { classicPerDay: 1 } })
  const { appid, secret } = fake
  await classic()
  assert.equal((await classic()).errcode, 45009)
  assert.equal(await errcode('clear_quota/v2', { appid, appsecret: secret }), 0)
  assert.ok((await classic()).access_token)
  const inQuery = `${fake.url}${PATHS['clear_quota/v2']}?appid=${appid}&appsecret=${secret}`
  assert.equal((await (await fetch(inQuery, { method: 'POST' })).json()).errcode, 0)
  for (const [body, expected] of [
    [{ appsecret: secret }, 41002],
    [{ appid }, 41004],
    [{ appid: 'wrong', appsecret: secret }, 40013],
    [{ appid, appsecret: 'wrong' }, 40125],
    ['', 44002],
    ['[]', 47001],
  ]) {
    assert.equal(await errcode('clear_quota/v2', body), expected, JSON.stringify(body))
  }
})

test('clear_quota/v2 carries the AppSecret, so the whitelist guards it', async (t) => {
  const { fake, ask } = await start(t, { ipWhitelist: ['10.0.0.1'] })
  const { errcode } = await ask('clear_quota/v2', { appid: fake.appid, appsecret: fake.secret })
  assert.equal(errcode, 40164)
})

test('quota/clear resets one endpoint and has a monthly limit', async (t) => {
  const { fake, ask, errcode, token } = await ready(t, {
    limits: { limitedPerDay: 1, linksPerDay: 1, clearsOfOnePerMonth: 1 },
  })
  await errcode('getwxacode', GOOD.getwxacode, token)
  await errcode('generatescheme', {}, token)
  assert.deepEqual(await ask('quota/clear', { cgi_path: '/wxa/getwxacode' }, token), { errcode: 0, errmsg: 'ok' })
  assert.equal(await errcode('getwxacode', GOOD.getwxacode, token), 0)
  assert.equal(await errcode('generatescheme', {}, token), 44993)
  assert.equal(await errcode('quota/clear', { cgi_path: '/wxa/getwxacode' }, token), 48006)
  assert.equal(await errcode('clear_quota', { appid: fake.appid }, token), 0, 'has its own')
})

test('token, method and body are checked as for the codes', async (t) => {
  const { fake, errcode, token } = await ready(t)
  for (const endpoint of ['quota/get', 'clear_quota', 'quota/clear', 'rid/get']) {
    assert.equal(await errcode(endpoint, {}), 41001)
    assert.equal(await errcode(endpoint, '', 'garbage'), 40001)
    assert.equal(await errcode(endpoint, '', token), 44002)
    assert.equal(await errcode(endpoint, 'a=1', token), 47001)
    const got = await fetch(`${fake.url}${PATHS[endpoint]}?access_token=${token}`)
    assert.equal((await got.json()).errcode, 43002)
  }
})
