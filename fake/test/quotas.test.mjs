import assert from 'node:assert/strict'
import { test } from 'node:test'
import { start } from './helpers.mjs'

async function ready(t, limits) {
  const calls = await start(t, { limits })
  return { ...calls, token: (await calls.stable()).access_token }
}

test('getwxacodeunlimit: so many a minute, then 45009', async (t) => {
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

test('getwxacode: so many a day, then 45009', async (t) => {
  const { fake, stable, errcode, token } = await ready(t, { limitedPerDay: 2 })
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 0)
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 0)
  assert.equal(await errcode('getwxacode', { path: 'p' }, token), 45009)
  assert.equal(await errcode('createwxaqrcode', { path: 'p' }, token), 0)
  fake.clock.advance(86_400)
  assert.equal(await errcode('getwxacode', { path: 'p' }, (await stable()).access_token), 0)
})

test('getwxacode and createwxaqrcode share a number of codes for ever, and count in Num-Used', async (t) => {
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
