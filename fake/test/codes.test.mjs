import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CODES, DEBUG, GOOD, LINKS, PATHS, raw, start } from './helpers.mjs'

const PAGES = ['pages/index/index', 'sub/a']

async function ready(t, options) {
  const calls = await start(t, options)
  return { ...calls, token: (await calls.stable()).access_token }
}

/** Runs [body, errcode] rows against an endpoint. */
async function table({ errcode, token }, endpoint, rows) {
  for (const [body, expected] of rows) {
    assert.equal(await errcode(endpoint, body, token), expected, `${endpoint} ${JSON.stringify(body)}`)
  }
}

test('every refusal is HTTP 200, JSON, with a rid', async (t) => {
  const { post, token } = await ready(t)
  const res = await post('getwxacodeunlimit', { scene: 'a', page: '/x' }, token)
  assert.equal(res.status, 200)
  assert.equal(res.headers.get('content-type'), 'application/json; encoding=utf-8')
  const { errcode, errmsg } = await res.json()
  assert.equal(errcode, 41030)
  const [, seconds] = /^invalid page rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$/.exec(errmsg)
  assert.ok(Math.abs(Number.parseInt(seconds, 16) - Date.now() / 1000) < 5)
})

test('token, method, path and empty body', async (t) => {
  const { fake, post, token } = await ready(t)
  for (const endpoint of CODES) {
    const told = async (res) => (await res).json()
    const url = `${fake.url}${PATHS[endpoint]}`
    assert.match((await told(post(endpoint, GOOD[endpoint]))).errmsg, /^access_token missing rid: /)
    assert.equal((await told(post(endpoint, GOOD[endpoint], ''))).errcode, 41001)
    assert.equal((await told(post(endpoint, { ...GOOD[endpoint], access_token: token }))).errcode, 41001, 'in the body')
    assert.equal((await told(post(endpoint, GOOD[endpoint], '2'))).errcode, 40001)
    assert.match((await told(post(endpoint, '', token))).errmsg, /^empty post data rid: /)
    assert.match((await told(fetch(`${url}?access_token=${token}`))).errmsg, /^require POST method rid: /)
  }
  for (const path of ['/cgi-bin/wxa/getwxacode', '/', '/wxa/getwxacode/', '//wxa/getwxacode']) {
    const answer = await (
      await fetch(`${fake.url}${path}?access_token=${token}`, { method: 'POST', body: '{}' })
    ).json()
    assert.equal(answer.errcode, 40066, path)
    assert.match(answer.errmsg, /^invalid url rid: /)
  }
})

test('a chunked body gets an empty 412 on every POST endpoint', async (t) => {
  const { fake, token } = await ready(t)
  for (const endpoint of ['stable_token', ...CODES, ...LINKS, ...DEBUG]) {
    const url = `${fake.url}${PATHS[endpoint]}?access_token=${token}`
    const { status, body } = await raw(url, { body: '{}', chunked: true })
    assert.equal(status, 412)
    assert.equal(body.length, 0)
  }
})

test('strict JSON types', async (t) => {
  const calls = await ready(t)
  const good = { path: 'p', scene: 's', page: PAGES[0] }
  const wrong = [
    { is_hyaline: 1 },
    { is_hyaline: 'false' },
    { auto_color: 'false' },
    { width: '430' },
    { width: 430.5 },
    { width: null },
    { env_version: 1 },
    { line_color: '0,0,0' },
    { line_color: { r: 0, g: 0 } },
    { line_color: { r: 0, g: 0, b: 'red' } },
    { line_color: { r: 0, g: 0, b: null } },
  ]
  for (const endpoint of ['getwxacode', 'getwxacodeunlimit']) {
    await table(calls, endpoint, [
      ...wrong.map((field) => [{ ...good, ...field }, 47001]),
      [{ ...good, nonsense: 1 }, 0],
    ])
  }
  await table(calls, 'getwxacodeunlimit', [
    [{ scene: 1 }, 47001],
    [{ scene: 's', page: 1 }, 47001],
    [{ scene: 's', check_path: 'false' }, 47001],
    [{ scene: 's', show_splash_ad: 'false' }, 47001],
    [{ scene: 's', show_splash_ad: false }, 0],
    [{ scene: 's', line_color: { r: '0', g: 9, b: '2550' } }, 0],
    [{ scene: 's', path: 'no/such/page' }, 0],
  ])
  await table(calls, 'getwxacode', [[{ path: ['p'] }, 47001]])
  await table(calls, 'createwxaqrcode', [
    [{ path: 'p', width: '430' }, 47001],
    [{ path: 'p', is_hyaline: 1, env_version: '' }, 0],
  ])
  for (const endpoint of CODES) {
    await table(calls, endpoint, [
      ['path=p&scene=s', 47001],
      ['{"scene":"s","path":"p"', 47001],
      ['[]', 47001],
      ['"s"', 47001],
      ['null', 47001],
    ])
    const notUtf8 = Buffer.from('{"scene":"\xff","path":"\xff"}', 'latin1')
    assert.equal(await calls.errcode(endpoint, notUtf8, calls.token), 47001)
  }
})

test('scene', async (t) => {
  const calls = await ready(t)
  await table(calls, 'getwxacodeunlimit', [
    [{}, 40169],
    [{ scene: '' }, 40169],
    [{ scene: 'x'.repeat(33) }, 40169],
    [{ scene: 'x'.repeat(32) }, 0],
    [{ scene: "09AZaz!#$&'()*+,/:;=?@-._~" }, 0],
    [{ scene: 'a%20b' }, 40129],
    [{ scene: 'a b' }, 40129],
    [{ scene: '商品' }, 40129],
    [{ scene: 'a"b' }, 40129],
    [{ scene: 'a\nb' }, 40129],
    ['{"scene":"a=1&b=2"}', 0],
    ['{"scene":"a=1\\u0026b=2"}', 40129],
    ['{"scene":"a=1&b=2","note":"\\u0026"}', 0],
  ])
})

test('page', async (t) => {
  const calls = await ready(t, { apps: [{ appid: 'wx1', secret: 's', pages: PAGES }] })
  await table(calls, 'getwxacodeunlimit', [
    [{ scene: 's' }, 0],
    [{ scene: 's', page: '' }, 0],
    [{ scene: 's', page: 'sub/a' }, 0],
    [{ scene: 's', page: 'pages/none' }, 41030],
    [{ scene: 's', page: 'pages/none', env_version: 'trial' }, 41030],
    [{ scene: 's', page: 'pages/none', check_path: false }, 0],
    [{ scene: 's', page: '/sub/a', check_path: false }, 41030],
    [{ scene: 's', page: 'sub/a?x=1', check_path: false }, 41030],
    [{ scene: 's', page: 'sub/a?scancode_time=1' }, 85096],
    [{ scene: 's', page: 'x'.repeat(3000), check_path: false }, 40097],
  ])
})

test('an app that was never released has no page to check', async (t) => {
  const app = { appid: 'wx1', secret: 's', released: false }
  const calls = await ready(t, { apps: [app] })
  await table(calls, 'getwxacodeunlimit', [
    [{ scene: 's' }, 41030],
    [{ scene: 's', page: PAGES[0] }, 41030],
    [{ scene: 's', page: PAGES[0], check_path: false }, 0],
  ])
  app.released = true
  await table(calls, 'getwxacodeunlimit', [[{ scene: 's', page: PAGES[0] }, 0]])
})

test('the length of path counts in UTF-8 bytes', async (t) => {
  const calls = await ready(t)
  for (const [endpoint, limit] of [
    ['getwxacode', 1024],
    ['createwxaqrcode', 128],
  ]) {
    await table(calls, endpoint, [
      [{}, 40159],
      [{ path: '' }, 40159],
      [{ path: 'x'.repeat(limit) }, 0],
      [{ path: 'x'.repeat(limit + 1) }, 40159],
      [{ path: `${'好'.repeat(Math.ceil(limit / 3))}` }, 40159],
      [{ path: '/p?scancode_time=1' }, 85096],
      [{ path: '?foo=bar' }, 0],
    ])
  }
})

test('env_version and width', async (t) => {
  const calls = await ready(t)
  for (const endpoint of ['getwxacode', 'getwxacodeunlimit']) {
    for (const word of ['release', 'trial', 'develop']) {
      await table(calls, endpoint, [[{ ...GOOD[endpoint], env_version: word }, 0]])
    }
    for (const word of ['', 'formal', 'Release']) {
      await table(calls, endpoint, [[{ ...GOOD[endpoint], env_version: word }, 40097]])
    }
  }
  await table(calls, 'getwxacode', [
    [{ path: 'p', width: 279 }, 40189],
    [{ path: 'p', width: 280 }, 0],
    [{ path: 'p', width: 1281 }, 40189],
  ])
})

test('the token is checked first, then types, then values', async (t) => {
  const calls = await ready(t)
  await table(calls, 'getwxacodeunlimit', [[{ scene: '', width: '1' }, 47001]])
  assert.equal(await calls.errcode('getwxacodeunlimit', '', 'garbage'), 40001)
})
