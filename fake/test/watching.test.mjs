import assert from 'node:assert/strict'
import { request } from 'node:http'
import { get as getTls } from 'node:https'
import { test } from 'node:test'
import { generate } from 'selfsigned'
import { startFakeWeChat } from '../index.js'
import { CODES, DEBUG, LINKS, PATHS, PLATFORM, raw, start } from './helpers.mjs'

test('requests are recorded with their outcome', async (t) => {
  const { fake, stable, post } = await start(t)
  fake.clock.set(1_700_000_000_000)
  const token = (await stable()).access_token
  await (await post('getwxacodeunlimit', '{"scene":"一"}', token)).json()
  const [first, second] = fake.requests
  assert.deepEqual([first.endpoint, first.status, first.errcode, first.closed], ['stable_token', 200, undefined, false])
  assert.ok(second.at >= 1_700_000_000_000 && second.at < 1_700_000_010_000)
  assert.equal(second.method, 'POST')
  assert.equal(second.path, PATHS.getwxacodeunlimit)
  assert.deepEqual(second.query, { access_token: token })
  assert.equal(second.headers['content-length'], '15')
  assert.equal(second.body, '{"scene":"一"}')
  assert.equal(second.errcode, 40129)
})

test('counts are exact while records are bounded', async (t) => {
  const { fake, stable, classic } = await start(t, { keepRequests: 2 })
  await stable()
  await classic()
  await classic()
  await fetch(`${fake.url}/nowhere`)
  assert.deepEqual(
    fake.requests.map(({ path }) => path),
    [PATHS.token, '/nowhere'],
  )
  assert.equal(fake.count(), 4)
  assert.equal(fake.count('token'), 2)
  assert.equal(fake.count('tokens'), 3)
  assert.equal(fake.count('codes'), 0)
  await fake.arrived(3, 'tokens')
})

test('scopes: tokens, codes, links, debug, platform, and each endpoint by its name', async (t) => {
  const { fake, post } = await start(t)
  const groups = { tokens: ['token', 'stable_token'], codes: CODES, links: LINKS, debug: DEBUG, platform: PLATFORM }
  const all = Object.values(groups).flat()
  assert.deepEqual(all.toSorted(), Object.keys(PATHS).toSorted())
  for (const endpoint of all) await (await post(endpoint, '')).json()
  for (const endpoint of all) assert.equal(fake.count(endpoint), 1, endpoint)
  for (const [group, { length }] of Object.entries(groups)) assert.equal(fake.count(group), length, group)
  for (const [group, endpoints] of Object.entries(groups)) {
    const failing = fake.fail(-1, { endpoint: group, times: Number.POSITIVE_INFINITY })
    for (const endpoint of all) {
      const { errcode } = await (await post(endpoint, '')).json()
      assert.equal(errcode === -1, endpoints.includes(endpoint), `${group} ${endpoint}`)
    }
    failing.stop()
  }
})

test('every answer has the date of the clock', async (t) => {
  const { fake, stable } = await start(t)
  const token = (await stable()).access_token
  const url = `${fake.url}${PATHS.getwxacodeunlimit}?access_token=${token}`
  const dateOf = async (options) => Date.parse((await raw(url, options)).headers.date)
  const time = Date.parse('2020-02-02T02:02:02Z')
  const isNear = (date) => date >= time && date < time + 30_000
  for (const options of [{ body: '{"scene":"a"}' }, { body: '' }, { body: '{}', chunked: true }, { method: 'GET' }]) {
    fake.clock.set(time)
    assert.ok(isNear(await dateOf(options)), JSON.stringify(options))
  }
  for (const what of [-1, 'html', 'empty', 'truncate', 'cut', 'redirect', { status: 502 }]) {
    fake.fail(what)
    fake.clock.set(time)
    assert.ok(isNear(await dateOf({})), String(what))
  }
  fake.fail({ status: 200, headers: { Date: 'Sun, 06 Nov 1994 08:49:37 GMT' } })
  assert.equal(await dateOf({}), Date.parse('1994-11-06T08:49:37Z'))
  const hold = fake.hold()
  fake.clock.set(time - 3_600_000)
  const held = dateOf({})
  await fake.arrived(fake.count() + 1)
  fake.clock.set(time)
  hold.release()
  assert.ok(isNear(await held), 'the date of the answer, not of the request')
})

test('hold: a response is decided at the release', async (t) => {
  const { fake, stable, classic } = await start(t)
  const hold = fake.hold('tokens')
  const answers = [stable(), stable(), classic()]
  await fake.arrived(3, 'tokens')
  assert.equal(hold.waiting, 3)
  assert.equal(fake.open, 3)
  assert.deepEqual(fake.liveTokens(), [])
  hold.release()
  assert.equal(hold.waiting, 0)
  const [first, second] = await Promise.all(answers)
  assert.equal(first.access_token, second.access_token)
  assert.equal(fake.liveTokens().length, 2)
  await stable()
  await fake.idle()
})

test('a client that disconnects while held is neither waiting nor served', async (t) => {
  const { fake, credentials } = await start(t)
  const hold = fake.hold()
  const abort = new AbortController()
  const body = JSON.stringify(credentials)
  const gone = fetch(`${fake.url}${PATHS.stable_token}`, { method: 'POST', body, signal: abort.signal })
  await fake.arrived(1)
  abort.abort()
  await assert.rejects(gone)
  await fake.idle()
  assert.equal(hold.waiting, 0)
  hold.release()
  assert.deepEqual(fake.liveTokens(), [])
  assert.equal(fake.requests[0].closed, true)
})

test('a client that leaves in the middle of its body is recorded too', async (t) => {
  const { fake } = await start(t)
  const req = request(`${fake.url}${PATHS.getwxacode}`, { method: 'POST', headers: { 'Content-Length': 100 } })
  req.on('error', () => {})
  req.write('half')
  while (fake.open === 0) await new Promise(setImmediate)
  assert.equal(fake.count(), 0, 'not before its body')
  req.destroy()
  await fake.arrived(1)
  await fake.idle()
  const [{ closed, method }] = fake.requests
  assert.deepEqual([closed, method], [true, 'POST'])
})

test('latency by group', async (t) => {
  const { fake, stable, classic, post } = await start(t, { latency: { code: 40 } })
  await Promise.all([stable(), classic()])
  const before = performance.now()
  await (await post('getwxacode', {}, 'x')).json()
  assert.ok(performance.now() - before >= 39)
  const slow = await start(t, { latency: { link: 40, debug: 80, platform: 60 } })
  for (const [endpoint, ms] of [
    ['queryscheme', 40],
    ['rid/get', 80],
    ['api_query_auth', 60],
  ]) {
    const since = performance.now()
    await slow.ask(endpoint, {}, 'x')
    assert.ok(performance.now() - since >= ms - 1, endpoint)
  }
  const other = await start(t, { latency: 40 })
  const again = performance.now()
  const answer = other.stable()
  await other.fake.arrived(1)
  assert.equal(other.fake.liveTokens().length, 1, 'decided on arrival, answered later')
  await answer
  assert.ok(performance.now() - again >= 39)
  assert.equal(fake.open + other.fake.open, 0)
})

test('close: open requests are cut, waiters are told, twice is fine', async () => {
  const fake = await startFakeWeChat()
  fake.fail('hang')
  const hanging = raw(`${fake.url}${PATHS.getwxacode}`)
  await fake.arrived(1)
  const waiting = assert.rejects(fake.arrived(2), /closed/)
  const idle = fake.idle()
  await Promise.all([fake.close(), fake[Symbol.asyncDispose]()])
  await Promise.all([waiting, idle])
  assert.ok((await hanging).error)
  assert.equal(fake.requests[0].closed, false)
  assert.equal(fake.open, 0)
  await assert.rejects(fetch(fake.url))
})

test('https, with resets that are real', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }])
  const { fake } = await start(t, { tls: { key, cert } })
  assert.match(fake.url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const call = (options) =>
    new Promise((resolve) => {
      const req = getTls(
        `${fake.url}${PATHS.token}`,
        { ca: cert, checkServerIdentity: () => undefined, ...options },
        (res) => {
          res.resume()
          res.on('end', () => resolve(res.statusCode))
        },
      )
      req.on('error', (error) => resolve(error))
    })
  assert.equal(await call(), 200)
  assert.equal((await call({ ca: undefined, agent: false })).code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  fake.fail('reset')
  assert.equal((await call()).message, 'read ECONNRESET')
  fake.fail('close')
  assert.equal((await call()).message, 'socket hang up')
  assert.equal(await call(), 200)
})

test('a port that is taken', async (t) => {
  const { fake } = await start(t)
  await assert.rejects(startFakeWeChat({ port: Number(new URL(fake.url).port) }), { code: 'EADDRINUSE' })
  await assert.rejects(startFakeWeChat({ apps: [] }), TypeError)
})
