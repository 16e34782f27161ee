import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOOD, start } from './helpers.mjs'

async function ready(t, limits) {
  const calls = await start(t, { limits })
  return { ...calls, token: (await calls.stable()).access_token }
}

test('getwxacodeunlimit has a limit per minute, then 45009', async (t) => {
  const { fake, post, errcode, token } = await ready(t, { unlimitedPerMinute: 3 })
  for (let call = 1; call <= 3; call++) assert.equal(await errcode('getwxacodeunlimit', { scene: 'same' }, token), 0)
  const refused = await (await post('getwxacodeunlimit', { scene: 'same' }, token)).json()
  assert.equal(refused.errcode, 45009)
  assert.match(refused.errmsg, /^reach max api daily quota limit rid: /)
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 0, 'its own quota')
  fake.clock.advance(60)
  assert.equal(await errcode('getwxacodeunlimit', { scene: 'same' }, token), 0)
})

test('45011 on request', async (t) => {
  const { post, token } = await ready(t, { unlimitedPerMinute: 0, unlimitedErrcode: 45011 })
  const { errcode, errmsg } = await (await post('getwxacodeunlimit', { scene: 's' }, token)).json()
  assert.equal(errcode, 45011)
  assert.match(errmsg, /^api minute-quota reach limit, must slower, retry next minute rid: /)
})

test('getwxacode has a limit per day, then 45009', async (t) => {
  const { fake, stable, errcode, token } = await ready(t, { limitedPerDay: 2 })
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 0)
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 0)
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 45009)
  assert.equal(await errcode('createwxaqrcode', { path: 'p' }, token), 0)
  fake.clock.advance(86_400)
  assert.equal(await errcode('getwxacode', { path: 'p' }, (await stable()).access_token), 0)
})

test('getwxacode and createwxaqrcode share a permanent limit of codes, counted in Num-Used', async (t) => {
  const { fake, stable, post, token } = await ready(t, { codesForLife: 3 })
  const call = async (endpoint, body, by = token) => {
    const res = await post(endpoint, body, by)
    const isPicture = res.headers.get('content-type') === 'image/jpeg'
    const errcode = isPicture ? 0 : (await res.json()).errcode
    return [errcode, res.headers.get('num-used')]
  }
  assert.deepEqual(await call('getwxacode', { path: 'p' }), [0, '1'])
  assert.deepEqual(await call('getwxacode', { path: 'p', env_version: 'release' }), [0, '1'], 'the same')
  assert.deepEqual(await call('createwxaqrcode', { path: 'p' }), [0, '2'])
  assert.deepEqual(await call('getwxacodeunlimit', { scene: 's' }), [0, null])
  assert.deepEqual(await call('getwxacode', { path: '' }), [40159, null], 'refusals make no code')
  assert.deepEqual(await call('getwxacode', { path: 'p', width: 300 }), [0, '3'])
  assert.deepEqual(await call('getwxacode', { path: 'q' }), [45029, '3'])
  assert.deepEqual(await call('createwxaqrcode', { path: 'q' }), [45029, '3'])
  fake.clock.advance(366 * 86_400)
  const later = (await stable()).access_token
  assert.deepEqual(await call('createwxaqrcode', { path: 'q' }, later), [45029, '3'])
  assert.deepEqual(await call('createwxaqrcode', { path: 'p' }, later), [0, '3'], 'made before')
})

test('token endpoints', async (t) => {
  const { fake, classic, stable } = await start(t, {
    limits: { classicPerDay: 1, stablePerMinute: 2, stablePerDay: 3 },
  })
  assert.ok((await classic()).access_token)
  const refused = await classic()
  assert.equal(refused.errcode, 45009)
  assert.match(refused.errmsg, /getStableAccessToken, more details at https:\/\/mmbizurl\.cn\/s\/JtxxFh33r rid: /)
  await stable()
  await stable()
  assert.equal((await stable()).errcode, 45011)
  fake.clock.advance(60)
  assert.ok((await stable()).access_token)
  assert.equal((await stable()).errcode, 45009)
  fake.clock.advance(86_400)
  assert.ok((await classic()).access_token)
})

test('quotas are per app', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx${n}`, secret: 's' }))
  const { stable, errcode } = await start(t, { apps, limits: { unlimitedPerMinute: 1 } })
  for (const app of apps) {
    const token = (await stable(app)).access_token
    assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, token), 0)
    assert.equal(await errcode('getwxacodeunlimit', { scene: 's' }, token), 45009)
  }
})

test('schemes and URL links have a limit per second each, then 44990', async (t) => {
  const { fake, post, errcode, token } = await ready(t, { linksPerSecond: 2 })
  assert.equal(await errcode('generatescheme', {}, token), 0)
  // The second must not pass by itself.
  fake.clock.advance(-600)
  assert.equal(await errcode('generatescheme', {}, token), 0)
  const refused = await (await post('generatescheme', {}, token)).json()
  assert.equal(refused.errcode, 44990)
  assert.match(refused.errmsg, /^reach max api second frequence limit rid: /)
  for (const endpoint of ['generate_urllink', 'generatenfcscheme', 'genwxashortlink', 'queryscheme']) {
    assert.equal(await errcode(endpoint, GOOD[endpoint], token), 0, endpoint)
  }
  fake.clock.advance(601)
  assert.equal(await errcode('generatescheme', {}, token), 0)
})

test('schemes and URL links share a limit per day, then 44993', async (t) => {
  const { fake, post, stable, errcode, token } = await ready(t, { linksPerDay: 3 })
  for (const endpoint of ['generatescheme', 'generate_urllink', 'generatenfcscheme']) {
    assert.equal(await errcode(endpoint, GOOD[endpoint], token), 0, endpoint)
  }
  for (const endpoint of ['generatescheme', 'generate_urllink', 'generatenfcscheme']) {
    const refused = await (await post(endpoint, GOOD[endpoint], token)).json()
    assert.equal(refused.errcode, 44993)
    assert.match(refused.errmsg, /^reach max api day frequence limit rid: /)
  }
  assert.equal(await errcode('genwxashortlink', GOOD.genwxashortlink, token), 0, 'its own quota')
  fake.clock.advance(86_400)
  assert.equal(await errcode('generatescheme', {}, (await stable()).access_token), 0)
})

test('45009 instead on request', async (t) => {
  const { errcode, token } = await ready(t, { linksPerDay: 0, linksErrcode: 45009 })
  assert.equal(await errcode('generatescheme', {}, token), 45009)
})

test('short links have a limit per day, then 45009', async (t) => {
  const { errcode, token } = await ready(t, { shortLinksPerDay: 1 })
  assert.equal(await errcode('genwxashortlink', GOOD.genwxashortlink, token), 0)
  assert.equal(await errcode('genwxashortlink', GOOD.genwxashortlink, token), 45009)
  assert.equal(await errcode('generatescheme', {}, token), 0)
})

test('permanent short links have a permanent limit, then 85400', async (t) => {
  const { fake, stable, post, errcode, token } = await ready(t, { permanentShortLinks: 1 })
  const permanent = { ...GOOD.genwxashortlink, is_permanent: true }
  assert.equal(await errcode('genwxashortlink', { ...permanent, page_url: 'pages/none' }, token), 40066)
  assert.equal(await errcode('genwxashortlink', { ...permanent, is_permanent: false }, token), 0)
  assert.equal(await errcode('genwxashortlink', permanent, token), 0)
  const refused = await (await post('genwxashortlink', permanent, token)).json()
  assert.equal(refused.errcode, 85400)
  assert.match(refused.errmsg, /^reach max long time quota limit rid: /)
  fake.clock.advance(366 * 86_400)
  const later = (await stable()).access_token
  assert.equal(await errcode('genwxashortlink', permanent, later), 85400)
  assert.equal(await errcode('genwxashortlink', GOOD.genwxashortlink, later), 0)
})

test('other endpoints have a limit of calls per day each, then 45009', async (t) => {
  const { errcode, token } = await ready(t, { callsPerDay: 1 })
  for (const endpoint of ['getwxacodeunlimit', 'createwxaqrcode', 'queryscheme']) {
    assert.equal(await errcode(endpoint, GOOD[endpoint], token), 0, endpoint)
    assert.equal(await errcode(endpoint, GOOD[endpoint], token), 45009, endpoint)
  }
  assert.equal(await errcode('rid/get', {}, token), 76002)
  assert.equal(await errcode('rid/get', {}, token), 45009)
})
