import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATHS, startWithToken } from './helpers.mjs'

const WEEK = 7 * 86_400
const ridOf = ({ errmsg }) => / rid: (\S+)/.exec(errmsg)[1]

test('a refusal can be looked up by its rid', async (t) => {
  const { fake, ask, token } = await startWithToken(t)
  // Back, so that the token lives on.
  fake.clock.set(1_700_000_000_000)
  const refused = await ask('getwxacodeunlimit', '{"scene":"商品"}', token)
  const { errcode, errmsg, request } = await ask('rid/get', { rid: ridOf(refused) }, token)
  assert.deepEqual([errcode, errmsg], [0, 'ok'])
  const { invoke_time: time, cost_in_ms: cost, ...rest } = request
  assert.ok(time >= 1_700_000_000 && time < 1_700_000_010)
  assert.ok(Number.isInteger(cost) && cost >= 0)
  assert.deepEqual(rest, {
    request_url: `access_token=${token}`,
    request_body: '{"scene":"商品"}',
    response_body: JSON.stringify(refused),
    client_ip: '127.0.0.1',
  })
})

test('a failure ordered by fail() can be looked up, also with a custom text', async (t) => {
  const { fake, ask, token } = await startWithToken(t)
  const look = async (refused) => (await ask('rid/get', { rid: ridOf(refused) }, token)).request
  for (const what of [-1, 61004, { errcode: 40097, errmsg: 'invalid args rid: 01234567-89abcdef-01234567' }]) {
    fake.fail(what, { endpoint: 'codes' })
    const refused = await ask('getwxacode', { path: 'p' }, token)
    assert.equal((await look(refused)).response_body, JSON.stringify(refused))
  }
})

test('a refusal of a token endpoint can be looked up by its account', async (t) => {
  const { ask, classic, credentials, token } = await startWithToken(t)
  const inBody = await ask('stable_token', { ...credentials, secret: 'wrong' })
  const inQuery = await classic({ grant_type: 'wrong' })
  for (const refused of [inBody, inQuery]) {
    assert.equal((await ask('rid/get', { rid: ridOf(refused) }, token)).request.response_body, JSON.stringify(refused))
  }
})

test('a rid can be looked up by its account only, and by any account when it has none', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx${n}`, secret: 's' }))
  const { fake, ask, stable, token } = await startWithToken(t, { apps })
  const other = (await stable(apps[1])).access_token
  const look = async (refused, by) => (await ask('rid/get', { rid: ridOf(refused) }, by)).errcode
  const refused = [
    await ask('getwxacode', {}, token),
    await ask('stable_token', { appid: 'wx1' }),
    await (await fetch(`${fake.url}${PATHS.token}?appid=wx1`)).json(),
  ]
  for (const one of refused) {
    assert.equal(await look(one, token), 0)
    assert.equal(await look(one, other), 76003)
  }
  const { errmsg } = await ask('rid/get', { rid: ridOf(refused[0]) }, other)
  assert.match(errmsg, /^could not query this rid,no permission rid: /)
  const garbage = await ask('getwxacode', {}, 'garbage')
  assert.deepEqual([await look(garbage, token), await look(garbage, other)], [0, 0])
})

test('a token that has expired still names its account', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx${n}`, secret: 's' }))
  const { fake, ask, stable, token } = await startWithToken(t, { apps })
  fake.clock.advance(7200)
  const refused = await ask('getwxacode', {}, token)
  assert.equal(refused.errcode, 42001)
  const other = (await stable(apps[1])).access_token
  assert.equal((await ask('rid/get', { rid: ridOf(refused) }, other)).errcode, 76003)
})

test('a rid can be looked up for 7 days', async (t) => {
  const { fake, ask, stable, token } = await startWithToken(t)
  const rid = ridOf(await ask('getwxacode', {}, token))
  fake.clock.advance(WEEK - 10)
  assert.equal((await ask('rid/get', { rid }, (await stable()).access_token)).errcode, 0)
  fake.clock.advance(20)
  const { errcode, errmsg } = await ask('rid/get', { rid }, (await stable()).access_token)
  assert.equal(errcode, 76001)
  assert.match(errmsg, /^rid not found rid: /)
})

test('an unknown rid and an invalid one are refused', async (t) => {
  const { table } = await startWithToken(t)
  await table('rid/get', [
    [{ rid: '01234567-89abcdef-01234567' }, 76001],
    [{ rid: '01234567-89abcdef-0123456' }, 76002],
    [{ rid: 'rid: 01234567-89abcdef-01234567' }, 76002],
    [{ rid: '' }, 76002],
    [{}, 76002],
    [{ rid: 1 }, 47001],
  ])
})

test('the oldest rids over keepRequests are dropped', async (t) => {
  const { ask, token } = await startWithToken(t, { keepRequests: 2 })
  const rids = []
  for (let call = 0; call < 3; call++) rids.push(ridOf(await ask('getwxacode', {}, token)))
  const look = async (rid) => (await ask('rid/get', { rid }, token)).errcode
  assert.deepEqual([await look(rids[1]), await look(rids[2])], [0, 0])
  assert.equal(await look(rids[0]), 76001)
})

test('latency is part of the cost', async (t) => {
  const { ask, token } = await startWithToken(t, { latency: { code: 30 } })
  const refused = await ask('getwxacode', {}, token)
  assert.ok((await ask('rid/get', { rid: ridOf(refused) }, token)).request.cost_in_ms >= 29)
})
