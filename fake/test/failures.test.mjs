import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { DEBUG, GOOD, LINKS, PATHS, raw, start } from './helpers.mjs'

async function ready(t, options) {
  const calls = await start(t, options)
  const token = (await calls.stable()).access_token
  const url = `${calls.fake.url}${PATHS.getwxacodeunlimit}?access_token=${token}`
  return { ...calls, token, url, shoot: (body = GOOD.getwxacodeunlimit) => raw(url, { body: JSON.stringify(body) }) }
}

const isJpeg = (body) => body.subarray(0, 3).toString('hex') === 'ffd8ff'
const ends = (body) => body.subarray(-2).toString('hex') === 'ffd9'

test("an errcode, with WeChat's text and a rid, once", async (t) => {
  const { fake, shoot } = await ready(t)
  const handle = fake.fail(-1)
  assert.equal(handle.used, 0)
  const { status, headers, body } = await shoot()
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/json; encoding=utf-8')
  assert.match(JSON.parse(body).errmsg, /^system error rid: [0-9a-f]{8}-/)
  assert.equal(fake.requests.at(-1).errcode, -1)
  assert.equal(handle.used, 1)
  assert.ok(isJpeg((await shoot()).body))
})

test('a given errcode and text, under any content type', async (t) => {
  const { fake, shoot } = await ready(t)
  fake.fail({ errcode: '41030', errmsg: 'invalid page hint: [x]' }, { contentType: 'image/jpeg' })
  const { headers, body } = await shoot()
  assert.equal(headers['content-type'], 'image/jpeg')
  assert.deepEqual(JSON.parse(body), { errcode: '41030', errmsg: 'invalid page hint: [x]' })
  assert.equal(fake.requests.at(-1).errcode, 41030)
  fake.fail({ errcode: 61004 })
  assert.match(
    JSON.parse((await shoot()).body).errmsg,
    /^access clientip is not registered rid: \S+ requestIP: 127\.0\.0\.1$/,
  )
  fake.fail(12345)
  assert.match(JSON.parse((await shoot()).body).errmsg, /^unknown error rid: /)
})

test('html, empty, a given answer', async (t) => {
  const { fake, shoot } = await ready(t)
  fake.fail('html')
  const page = await shoot()
  assert.equal(page.status, 200)
  assert.match(page.headers['content-type'], /html/)
  assert.match(page.body.toString(), /^<html>/)
  fake.fail('empty')
  const empty = await shoot()
  assert.deepEqual([empty.status, empty.headers['content-length'], empty.body.length], [200, '0', 0])
  fake.fail({ status: 502, headers: { 'X-A': 'b' }, body: 'bad' })
  const bad = await shoot()
  assert.deepEqual(
    [bad.status, bad.headers['x-a'], bad.headers['content-length'], `${bad.body}`],
    [502, 'b', '3', 'bad'],
  )
  assert.equal(fake.requests.at(-1).status, 502)
  fake.fail({ status: 200, headers: { 'transfer-encoding': 'chunked' }, body: Buffer.from([1, 2]) })
  assert.equal((await shoot()).headers['content-length'], undefined)
})

test('truncate and cut', async (t) => {
  const { fake, shoot } = await ready(t)
  fake.fail('truncate')
  const short = await shoot()
  assert.equal(short.error, undefined)
  assert.equal(Number(short.headers['content-length']), short.body.length)
  assert.ok(isJpeg(short.body) && !ends(short.body))
  fake.fail('truncate')
  const png = await shoot({ ...GOOD.getwxacodeunlimit, is_hyaline: true })
  assert.equal(png.body.subarray(1, 4).toString(), 'PNG')
  fake.fail('cut')
  const cut = await shoot()
  assert.ok(cut.error)
  assert.ok(isJpeg(cut.body))
  assert.ok(cut.body.length < Number(cut.headers['content-length']))
  await fake.idle()
  assert.equal(fake.requests.at(-1).closed, false, 'the fake closed, not the client')
})

test('reset and close', async (t) => {
  const { fake, shoot } = await ready(t)
  fake.fail('reset')
  assert.equal((await shoot()).error.message, 'read ECONNRESET', 'RST; a FIN would be "socket hang up"')
  fake.fail('close')
  const closed = await shoot()
  assert.equal(closed.error.message, 'socket hang up')
  assert.equal(closed.status, undefined)
  await fake.idle()
  assert.deepEqual(
    fake.requests.slice(-2).map((request) => request.closed),
    [false, false],
  )
  assert.ok(isJpeg((await shoot()).body))
})

test('hang: open until the client leaves', async (t) => {
  const { fake, url } = await ready(t)
  fake.fail('hang')
  const abort = new AbortController()
  const answer = fetch(url, { method: 'POST', body: '{"scene":"s"}', signal: abort.signal })
  await fake.arrived(1, 'codes')
  assert.equal(fake.open, 1)
  abort.abort()
  await assert.rejects(answer, { name: 'AbortError' })
  await fake.idle()
  assert.equal(fake.open, 0)
  const record = fake.requests.at(-1)
  assert.deepEqual([record.closed, record.status, record.body], [true, undefined, '{"scene":"s"}'])
})

test('drip: the head at once, the body byte by byte', async (t) => {
  const { fake, url } = await ready(t)
  fake.fail('drip')
  const abort = new AbortController()
  const res = await fetch(url, { method: 'POST', body: '{"scene":"s"}', signal: abort.signal })
  assert.ok(Number(res.headers.get('content-length')) > 1000)
  const reader = res.body.getReader()
  assert.deepEqual([...(await reader.read()).value], [0xff])
  assert.deepEqual([...(await reader.read()).value], [0xd8])
  abort.abort()
  await fake.idle()
  assert.equal(fake.requests.at(-1).closed, true)
})

test('huge', async (t) => {
  const { fake, shoot } = await ready(t)
  fake.fail('huge')
  const { body } = await shoot()
  assert.ok(body.length > 9 * 1024 * 1024)
  assert.ok(isJpeg(body) && ends(body))
})

test('redirect: a client that follows is recorded', async (t) => {
  const { fake, url, shoot } = await ready(t)
  fake.fail('redirect', { times: Number.POSITIVE_INFINITY })
  const { status, headers } = await shoot()
  assert.equal(status, 307)
  assert.ok(headers.location.startsWith('/redirected/wxa/getwxacodeunlimit?access_token='))
  const before = fake.count()
  await (await fetch(url, { method: 'POST', body: '{"scene":"s"}' })).json()
  assert.equal(fake.count(), before + 2)
  const followed = fake.requests.at(-1)
  assert.deepEqual([followed.endpoint, followed.errcode], [undefined, 40066])
})

test('failures queue, and keep to their endpoint, times and condition', async (t) => {
  const { fake, shoot, stable } = await ready(t)
  fake.fail(45011, { times: 2 })
  fake.fail(-1)
  const tokens = fake.fail(50002, { endpoint: 'tokens' })
  const never = fake.fail(40097, { where: ({ body }) => body.includes('no such scene') })
  const errcode = async () => {
    const { body } = await shoot()
    return isJpeg(body) ? 0 : JSON.parse(body).errcode
  }
  assert.deepEqual([await errcode(), await errcode(), await errcode(), await errcode()], [45011, 45011, -1, 0])
  assert.equal(tokens.used, 0)
  assert.equal((await stable()).errcode, 50002)
  assert.equal(never.used, 0)
  const always = fake.fail(-1, { times: Number.POSITIVE_INFINITY, endpoint: 'getwxacodeunlimit' })
  assert.deepEqual([await errcode(), await errcode()], [-1, -1])
  always.stop()
  assert.equal(await errcode(), 0)
  assert.equal(always.used, 2)
})

test('an errcode applies to the endpoints that WeChat sends it from, whichever is requested first', async (t) => {
  const { fake, credentials, post, classic, stable, errcode } = await start(t)
  const good = (await stable()).access_token
  /** How often the next calls of all kinds, tokens first, meet a failure that is ordered for none of them. */
  const met = async (what) => {
    const failure = fake.fail(what, { times: Number.POSITIVE_INFINITY })
    const calls = {
      token: async () => (await classic()).errcode ?? 0,
      stable_token: async () => (await stable()).errcode ?? 0,
      getwxacode: () => errcode('getwxacode', GOOD.getwxacode, good),
      getwxacodeunlimit: () => errcode('getwxacodeunlimit', GOOD.getwxacodeunlimit, good),
      createwxaqrcode: () => errcode('createwxaqrcode', GOOD.createwxaqrcode, good),
      generatescheme: () => errcode('generatescheme', GOOD.generatescheme, good),
      genwxashortlink: () => errcode('genwxashortlink', GOOD.genwxashortlink, good),
      'quota/get': () => errcode('quota/get', { cgi_path: PATHS.token }, good),
      'quota/clear': () => errcode('quota/clear', { cgi_path: PATHS.getwxacode }, good),
      'clear_quota/v2': async () => {
        const { appid, secret: appsecret } = credentials
        return (await (await post('clear_quota/v2', { appid, appsecret })).json()).errcode
      },
    }
    const names = []
    for (const [name, call] of Object.entries(calls)) if ((await call()) !== 0) names.push(name)
    failure.stop()
    assert.equal(failure.used, names.length)
    return names
  }
  const tokens = ['token', 'stable_token']
  const codes = ['getwxacode', 'getwxacodeunlimit', 'createwxaqrcode']
  const others = ['generatescheme', 'genwxashortlink', 'quota/get', 'quota/clear', 'clear_quota/v2']
  const table = [
    [41030, ['getwxacodeunlimit']],
    [{ errcode: '40129', errmsg: 'scene' }, ['getwxacodeunlimit']],
    [45029, ['getwxacode', 'createwxaqrcode']],
    [85401, ['generatescheme']],
    [40225, ['genwxashortlink']],
    [76021, ['quota/get', 'quota/clear']],
    // Only where an AppSecret is shown.
    [40125, [...tokens, 'clear_quota/v2']],
    [40164, [...tokens, 'clear_quota/v2']],
    [43001, ['token']],
    // Both a code and its token may be answered these: the code is.
    [40001, [...codes, ...others]],
    [45009, [...codes, ...others]],
    [-1, [...codes, ...others]],
    [45011, [...codes, ...others]],
    // Of a token, and of a link where the permission was taken away.
    [40013, [...tokens, 'generatescheme', 'clear_quota/v2']],
    // Where, is unknown.
    [12345, [...codes, ...others]],
  ]
  for (const [what, expected] of table) assert.deepEqual(await met(what), expected, JSON.stringify(what))
})

test('where narrows the endpoints of an errcode, and a named endpoint overrides them', async (t) => {
  const { fake, stable, errcode } = await start(t)
  const seen = []
  fake.fail(41030, { where: ({ endpoint }) => seen.push(endpoint) > 1 })
  const token = (await stable()).access_token
  assert.equal(await errcode('createwxaqrcode', GOOD.createwxaqrcode, token), 0)
  assert.equal(await errcode('getwxacodeunlimit', GOOD.getwxacodeunlimit, token), 0)
  assert.equal(await errcode('getwxacodeunlimit', GOOD.getwxacodeunlimit, token), 41030)
  assert.deepEqual(seen, ['getwxacodeunlimit', 'getwxacodeunlimit'])
  fake.fail(41030, { endpoint: 'tokens' })
  assert.equal((await stable()).errcode, 41030)
  fake.fail(40125, { endpoint: 'createwxaqrcode' })
  assert.equal(await errcode('createwxaqrcode', GOOD.createwxaqrcode, token), 40125)
})

test('fail() throws on an unknown failure or endpoint', async (t) => {
  const { fake } = await start(t)
  for (const what of ['hnag', '', 'toString', undefined, null, Number.NaN, 1.5, {}, true]) {
    assert.throws(() => fake.fail(what), /TypeError: fail: .* is none of an errcode, .*hang, reset/s, String(what))
  }
  const unknown = /TypeError: endpoint: there is no 'code', only token, tokens, .*rid\/get/
  assert.throws(() => fake.fail(-1, { endpoint: 'code' }), unknown)
  assert.throws(() => fake.hold('code'), unknown)
  assert.throws(() => fake.count('code'), unknown)
  await assert.rejects(fake.arrived(1, 'code'), unknown)
})

test('a failed token request creates, replaces and invalidates no token', async (t) => {
  const { fake, classic, stable, credentials } = await ready(t)
  await classic()
  const before = fake.liveTokens()
  const body = JSON.stringify({ ...credentials, force_refresh: true })
  for (const what of [-1, 'empty', 'html', 'truncate', 'cut', 'close', 'reset', 'huge', { status: 503 }]) {
    fake.fail(what, { times: 2, endpoint: 'tokens' })
    await raw(`${fake.url}${PATHS.stable_token}`, { body })
    await classic().catch(() => {})
    assert.deepEqual(fake.liveTokens(), before, String(what))
  }
  fake.fail('truncate', { endpoint: 'tokens' })
  assert.match(`${(await raw(`${fake.url}${PATHS.stable_token}`, { body })).body}`, /^\{"access_token":"91_[\w-]+$/)
  assert.equal((await stable()).access_token, before[0])
})

test('the endpoints that answer in JSON fail in JSON', async (t) => {
  const { fake, token } = await ready(t)
  for (const endpoint of [...LINKS, ...DEBUG]) {
    const url = `${fake.url}${PATHS[endpoint]}?access_token=${token}`
    fake.fail('truncate', { endpoint })
    const { headers, body } = await raw(url, { body: '{}' })
    assert.equal(headers['content-type'], 'application/json; encoding=utf-8')
    assert.match(`${body}`, /^\{"errcode":0,.*[^}]$/)
    fake.fail('huge', { endpoint })
    assert.equal(JSON.parse((await raw(url, { body: '{}' })).body).errcode, 0)
  }
})

test('failures do not spend quota', async (t) => {
  const { fake, shoot } = await ready(t, { limits: { unlimitedPerMinute: 1 } })
  fake.fail(-1, { times: 3 })
  for (let call = 0; call < 3; call++) await shoot()
  assert.ok(isJpeg((await shoot()).body))
  const links = await ready(t, { limits: { linksPerDay: 1 } })
  links.fake.fail('empty', { endpoint: 'links', times: 3 })
  for (let call = 0; call < 3; call++) await links.post('generatescheme', {}, links.token)
  assert.equal(await links.errcode('generatescheme', {}, links.token), 0)
})

test('a connection that was kept alive can be reset', async (t) => {
  const { fake, url } = await ready(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const call = () => raw(url, { body: '{"scene":"s"}', agent })
  assert.ok(isJpeg((await call()).body))
  fake.fail('reset')
  assert.equal((await call()).error.code, 'ECONNRESET')
  assert.ok(isJpeg((await call()).body))
})
