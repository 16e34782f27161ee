import assert from 'node:assert/strict'
import { test } from 'node:test'
import { start } from './helpers.mjs'

test('a token is opaque, of the real length, and works', async (t) => {
  const { classic, stable, tokenErrcode } = await start(t)
  for (const answer of [await classic(), await stable()]) {
    assert.deepEqual(Object.keys(answer), ['access_token', 'expires_in'])
    assert.match(answer.access_token, /^91_[\w-]{133}$/)
    assert.equal(answer.expires_in, 7200)
    assert.equal(await tokenErrcode(answer.access_token), 0)
  }
})

test('classic: every call gives a new token, the one before lives 300 s more, older ones die', async (t) => {
  const { fake, classic, tokenErrcode } = await start(t)
  const [first, second] = [await classic(), await classic()].map((answer) => answer.access_token)
  assert.notEqual(first, second)
  assert.deepEqual(fake.liveTokens(), [second, first])
  fake.clock.advance(299)
  assert.equal(await tokenErrcode(first), 0)
  fake.clock.advance(2)
  assert.equal(await tokenErrcode(first), 40001)
  assert.equal(await tokenErrcode(second), 0)
  const third = (await classic()).access_token
  const fourth = (await classic()).access_token
  assert.equal(await tokenErrcode(second), 40001, 'two rotations ago')
  assert.deepEqual(fake.liveTokens(), [fourth, third])
})

test('a token that was not replaced expires with 42001', async (t) => {
  const { fake, classic, stable, tokenErrcode } = await start(t)
  const tokens = [(await classic()).access_token, (await stable()).access_token]
  fake.clock.advance(7199)
  for (const token of tokens) assert.equal(await tokenErrcode(token), 0)
  fake.clock.advance(1)
  for (const token of tokens) assert.equal(await tokenErrcode(token), 42001)
  assert.deepEqual(fake.liveTokens(), [])
  await classic()
  assert.equal(await tokenErrcode(tokens[0]), 42001, 'expired before it was replaced')
})

test('stable: the same token while valid, counting down; a new one in the last 300 s, both living 300 s', async (t) => {
  const { fake, stable, tokenErrcode } = await start(t)
  const first = await stable()
  fake.clock.advance(100)
  assert.deepEqual(await stable(), { access_token: first.access_token, expires_in: 7100 })
  fake.clock.advance(6795)
  assert.deepEqual(await stable(), { access_token: first.access_token, expires_in: 305 })
  fake.clock.advance(10)
  const second = await stable()
  assert.notEqual(second.access_token, first.access_token)
  assert.equal(second.expires_in, 7200)
  assert.equal((await stable()).access_token, second.access_token)
  fake.clock.advance(299)
  assert.equal(await tokenErrcode(first.access_token), 0)
  fake.clock.advance(2)
  assert.equal(await tokenErrcode(first.access_token), 40001)
  assert.equal(await tokenErrcode(second.access_token), 0)
})

test('forced: kills at once, does nothing within 30 s, 20 a day', async (t) => {
  const { fake, stable, tokenErrcode } = await start(t)
  const first = (await stable()).access_token
  const forced = (await stable({ force_refresh: true })).access_token
  assert.notEqual(forced, first)
  assert.equal(await tokenErrcode(first), 40001)
  fake.clock.advance(29)
  assert.deepEqual(await stable({ force_refresh: true }), { access_token: forced, expires_in: 7171 })
  fake.clock.advance(2)
  const again = (await stable({ force_refresh: true })).access_token
  assert.notEqual(again, forced)
  for (let call = 3; call <= 20; call++) {
    fake.clock.advance(31)
    assert.ok((await stable({ force_refresh: true })).access_token, `call ${call}`)
  }
  fake.clock.advance(31)
  const refused = await stable({ force_refresh: true })
  assert.equal(refused.errcode, 45009)
  assert.match(
    refused.errmsg,
    /^reach max api daily quota limit, could get access_token by getStableAccessToken, .* rid: /,
  )
  assert.ok((await stable()).access_token, 'ordinary calls go on')
  fake.clock.advance(86_400)
  assert.ok((await stable({ force_refresh: true })).access_token, 'the next day')
})

test('stable and classic tokens never invalidate each other, and neither do two apps', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx000000000000000${n}`, secret: `secret${n}` }))
  const { fake, classic, stable, tokenErrcode } = await start(t, { apps })
  const kept = (await classic()).access_token
  const other = (await stable(apps[1])).access_token
  await stable({ force_refresh: true })
  assert.equal(await tokenErrcode(kept), 0)
  const steady = (await stable()).access_token
  await classic()
  await classic()
  assert.equal(await tokenErrcode(steady), 0)
  assert.equal(await tokenErrcode(other), 0)
  assert.deepEqual(fake.liveTokens(apps[1].appid), [other])
})

test('revokeTokens invalidates all valid tokens; the next ordinary request returns a new one', async (t) => {
  const { fake, classic, stable, tokenErrcode } = await start(t)
  const dead = [(await stable()).access_token, (await classic()).access_token]
  fake.revokeTokens('wxffffffffffffffff')
  assert.equal(fake.liveTokens().length, 2, 'another app')
  fake.revokeTokens()
  assert.deepEqual(fake.liveTokens(), [])
  for (const token of dead) assert.equal(await tokenErrcode(token), 40001)
  const fresh = (await stable()).access_token
  assert.ok(!dead.includes(fresh))
  assert.equal(await tokenErrcode(fresh), 0)
})

test('tokenLife shortens lifetime and overlap', async (t) => {
  const { fake, stable, tokenErrcode } = await start(t, { tokenLife: 10 })
  const first = await stable()
  assert.equal(first.expires_in, 10)
  fake.clock.advance(3)
  assert.equal((await stable()).access_token, first.access_token)
  fake.clock.advance(3)
  assert.notEqual((await stable()).access_token, first.access_token)
  assert.equal(await tokenErrcode(first.access_token), 0)
})

test('the clock can be set', async (t) => {
  const { fake, stable } = await start(t)
  fake.clock.set(new Date('2030-01-02T03:04:05Z'))
  assert.ok(Math.abs(fake.clock.now() - Date.parse('2030-01-02T03:04:05Z')) < 5000)
  fake.clock.set(1_600_000_000_000)
  const { errmsg } = await stable({ secret: 'wrong' })
  const [, seconds] = /rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$/.exec(errmsg)
  assert.ok(Math.abs(Number.parseInt(seconds, 16) - 1_600_000_000) < 5)
})

test('refusals of the token endpoints', async (t) => {
  const { credentials, classic, stable, post } = await start(t)
  const cases = [
    [{ appid: undefined }, 41002, 'appid missing'],
    [{ appid: '' }, 41002, 'appid missing'],
    [{ secret: undefined }, 41004, 'appsecret missing'],
    [{ grant_type: 'password' }, 40002, 'invalid grant_type'],
    [{ grant_type: undefined }, 40002, 'invalid grant_type'],
    [{ appid: 'wxffffffffffffffff' }, 40013, 'invalid appid'],
    [{ secret: 'wrong' }, 40125, 'invalid appsecret'],
  ]
  for (const [change, errcode, text] of cases) {
    for (const call of [classic, stable]) {
      const answer = await call(change)
      assert.equal(answer.errcode, errcode, JSON.stringify(change))
      assert.match(answer.errmsg, new RegExp(`^${text} rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$`))
    }
  }
  for (const change of [{ force_refresh: 'true' }, { force_refresh: 1 }, { appid: 1 }, { secret: null }]) {
    assert.equal((await stable(change)).errcode, 47001, JSON.stringify(change))
  }
  for (const body of ['{', 'a=1', '[]', '"x"', 'null']) {
    assert.equal((await (await post('stable_token', body)).json()).errcode, 47001, body)
  }
  assert.equal((await (await post('stable_token', '')).json()).errcode, 44002)
  assert.equal((await (await post('token', credentials)).json()).errcode, 43001)
})

test('the whitelist guards the token endpoints only, and names the caller', async (t) => {
  const { fake, classic, stable, post } = await start(t, { ipWhitelist: ['203.0.113.7', '10.1.2.*'] })
  for (const call of [classic, stable]) {
    const { errcode, errmsg } = await call()
    assert.equal(errcode, 40164)
    assert.match(errmsg, /^invalid ip 127\.0\.0\.1 ipv6 ::ffff:127\.0\.0\.1, not in whitelist rid: /)
  }
  assert.equal((await (await post('getwxacode', {}, 'x')).json()).errcode, 40001)
  assert.deepEqual(fake.liveTokens(), [])
})

test('a whitelist takes single addresses, stars and CIDR', async (t) => {
  for (const entry of ['127.0.0.1', '127.0.0.*', '127.0.0.0/8']) {
    const { stable } = await start(t, { ipWhitelist: ['203.0.113.7', entry] })
    assert.ok((await stable()).access_token, entry)
  }
  const { stable } = await start(t, { ipWhitelist: [] })
  assert.equal((await stable()).errcode, 40164)
})
