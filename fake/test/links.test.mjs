import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GOOD, LINKS, PATHS, startWithToken } from './helpers.mjs'

const DAY = 86_400
const MADE = ['generatescheme', 'generate_urllink']
const jump = (endpoint, where, extra = {}) =>
  endpoint === 'generate_urllink' ? { ...where, ...extra } : { jump_wxa: where, ...extra }

test('schemes and URL links can be generated and queried', async (t) => {
  const { fake, ask, token } = await startWithToken(t)
  const where = { path: '/pages/goods/detail', query: 'id=1', env_version: 'trial' }
  for (const [endpoint, key, shape, queried, asked, told] of [
    [
      'generatescheme',
      'openlink',
      /^weixin:\/\/dl\/business\/\?t=[0-9A-Za-z]{11}$/,
      'queryscheme',
      'scheme',
      'scheme_info',
    ],
    [
      'generate_urllink',
      'url_link',
      /^https:\/\/wxaurl\.cn\/[0-9A-Za-z]{11}$/,
      'query_urllink',
      'url_link',
      'url_link_info',
    ],
  ]) {
    const made = await ask(endpoint, jump(endpoint, where, { expire_type: 1, expire_interval: 3 }), token)
    assert.deepEqual(Object.keys(made), ['errcode', 'errmsg', key])
    assert.match(made[key], shape)
    const answer = await ask(queried, { [asked]: made[key] }, token)
    assert.deepEqual(Object.keys(answer), ['errcode', 'errmsg', told])
    const { create_time: created, expire_time: ends, ...rest } = answer[told]
    assert.deepEqual(rest, { appid: fake.appid, ...where })
    assert.ok(Number.isInteger(created) && Math.abs(created - fake.clock.now() / 1000) < 5)
    assert.equal(ends - created, 3 * DAY)
  }
})

test('each generated link is different', async (t) => {
  const { ask, token } = await startWithToken(t)
  const links = []
  for (let call = 0; call < 20; call++) links.push((await ask('generatescheme', {}, token)).openlink)
  assert.equal(new Set(links).size, 20)
})

test('a query is refused without a link, for an unknown one, another type and another app', async (t) => {
  const apps = [1, 2].map((n) => ({ appid: `wx${n}`, secret: 's' }))
  const { ask, table, stable, token } = await startWithToken(t, { apps })
  const { openlink } = await ask('generatescheme', {}, token)
  await table('queryscheme', [
    [{ scheme: openlink }, 0],
    [{ scheme: openlink, query_type: 0 }, 0],
    [{ scheme: openlink, query_type: 2 }, 40097],
    [{}, 40097],
    [{ scheme: '' }, 40097],
    [{ scheme: 'weixin://dl/business/?t=AAAAAAAAAAA' }, 85403],
    [{ scheme: 'weixin://dl/business/?appid=wx1&path=pages/index/index' }, 85405],
    [{ scheme: 1 }, 47001],
    [{ scheme: openlink, query_type: '0' }, 47001],
  ])
  await table('query_urllink', [
    [{ url_link: openlink }, 85403],
    [{ url_link: 'https://wxaurl.cn/AAAAAAAAAAA' }, 85403],
    [{}, 40097],
  ])
  const other = (await stable(apps[1])).access_token
  const { errmsg } = await ask('queryscheme', { scheme: openlink }, other)
  assert.match(errmsg, /^not found rid: /)
})

test('query_type 1 returns the remaining visits', async (t) => {
  const { ask, token } = await startWithToken(t, { limits: { visitsPerDay: 7 } })
  for (const endpoint of ['queryscheme', 'query_urllink']) {
    const answer = await ask(endpoint, { query_type: 1 }, token)
    assert.deepEqual(answer, { errcode: 0, errmsg: 'ok', quota_info: { remain_visit_quota: 7 } })
  }
})

test('path: a published page, with a leading slash or without, never with a query', async (t) => {
  const { table } = await startWithToken(t, { apps: [{ appid: 'wx1', secret: 's', pages: ['pages/a', 'sub/b'] }] })
  for (const endpoint of [...MADE, 'generatenfcscheme']) {
    const at = (path) => jump(endpoint, { path }, { model_id: `model of ${path}` })
    await table(endpoint, [
      [at('pages/a'), 0],
      [at('/sub/b'), 0],
      [at(''), 0],
      [at('//sub/b'), 40165],
      [at('pages/none'), 40165],
      [at('pages/a?x=1'), 40165],
      [at(1), 47001],
    ])
  }
})

test('query: 1024 characters of a list that has %', async (t) => {
  const { table } = await startWithToken(t)
  for (const endpoint of [...MADE, 'generatenfcscheme']) {
    const at = (query) => jump(endpoint, { query }, { model_id: `model of ${query}` })
    await table(endpoint, [
      [at("09AZaz!#$&'()*+,/:;=?@-._~%"), 0],
      [at('x'.repeat(1024)), 0],
      [at('x'.repeat(1025)), 40212],
      [at('a=商品'), 40212],
      [at('a b'), 40212],
      [at('a="b"'), 40212],
    ])
  }
  await table('generatescheme', [
    ['{"jump_wxa":{"query":"a=1&b=2"}}', 0],
    ['{"jump_wxa":{"query":"a=1\\u0026b=2"}}', 40212],
  ])
  await table('generate_urllink', [['{"query":"a=1\\u0026b=2"}', 40212]])
})

test('env_version', async (t) => {
  const { ask, table, token } = await startWithToken(t)
  for (const endpoint of [...MADE, 'generatenfcscheme']) {
    const at = (word) => jump(endpoint, { env_version: word }, { model_id: `model of ${word}` })
    await table(endpoint, [
      ...['release', 'trial', 'develop'].map((word) => [at(word), 0]),
      ...['', 'formal', 'Release'].map((word) => [at(word), 85402]),
    ])
    assert.match((await ask(endpoint, at(''), token)).errmsg, /^invalid env_version rid: /)
  }
})

test('an app that was never released has no links', async (t) => {
  const { ask, table, token } = await startWithToken(t, { apps: [{ appid: 'wx1', secret: 's', released: false }] })
  for (const endpoint of [...MADE, 'generatenfcscheme']) {
    assert.match((await ask(endpoint, {}, token)).errmsg, /^miniprogram has no online release rid: /)
    await table(endpoint, [[jump(endpoint, { env_version: 'trial' }), 85079]])
  }
  await table('genwxashortlink', [[GOOD.genwxashortlink, 40066]])
})

test('the expiry is over a minute and at most 30 days ahead', async (t) => {
  const { fake, ask, table, token } = await startWithToken(t)
  const now = Math.floor(fake.clock.now() / 1000)
  for (const endpoint of MADE) {
    await table(endpoint, [
      [{ expire_type: 0, expire_time: now + 120 }, 0],
      [{ expire_time: now + 120 }, 0],
      [{ expire_type: 0, expire_time: now + 60 }, 85401],
      [{ expire_type: 0, expire_time: now - 10 }, 85401],
      [{ expire_type: 0, expire_time: now + 30 * DAY }, 0],
      [{ expire_type: 0, expire_time: now + 31 * DAY }, 85401],
      [{ expire_type: 0, expire_time: (now + 120) * 1000 }, 85401],
      [{ expire_type: 0 }, 85401],
      [{ expire_type: 1, expire_interval: 1 }, 0],
      [{ expire_type: 1, expire_interval: 30 }, 0],
      [{ expire_type: 1, expire_interval: 31 }, 85401],
      [{ expire_type: 1, expire_interval: 0 }, 85401],
      [{ expire_type: 1 }, 85401],
      [{ expire_type: 2, expire_interval: 1 }, 85401],
      [{ expire_type: 2, expire_time: now + 120 }, 85401],
      [{ expire_type: '1', expire_interval: 1 }, 47001],
      [{ expire_type: 1, expire_interval: 1.5 }, 47001],
      [{ is_expire: 'true' }, 47001],
    ])
    assert.match((await ask(endpoint, { expire_type: 0 }, token)).errmsg, /^time limit between 1min and 30days rid: /)
  }
})

test('a link without an expiry is valid for 30 days, with and without is_expire; a given time is kept', async (t) => {
  const { fake, ask, token } = await startWithToken(t)
  const info = async (body) => {
    const { openlink } = await ask('generatescheme', body, token)
    return (await ask('queryscheme', { scheme: openlink }, token)).scheme_info
  }
  for (const body of [{}, { is_expire: false }]) {
    const { create_time: created, expire_time: ends } = await info(body)
    assert.equal(ends - created, 30 * DAY)
  }
  const time = Math.floor(fake.clock.now() / 1000) + 1000
  assert.equal((await info({ expire_time: time })).expire_time, time)
})

test('cloud_base is kept, and has types', async (t) => {
  const { ask, table, token } = await startWithToken(t)
  const base = { env: 'e', path: '/a.html' }
  const { url_link: link } = await ask('generate_urllink', { cloud_base: base }, token)
  assert.deepEqual((await ask('query_urllink', { url_link: link }, token)).url_link_info.cloud_base, base)
  await table('generate_urllink', [
    [{ cloud_base: 'e' }, 47001],
    [{ cloud_base: { env: 1 } }, 47001],
  ])
})

test('short links: a published page without a leading slash, a title that is cut', async (t) => {
  const { fake, ask, table, token } = await startWithToken(t)
  const link = async (title) =>
    (await ask('genwxashortlink', { page_url: 'pages/index/index', page_title: title }, token)).link
  assert.match(await link('首页'), new RegExp(`^#小程序://${fake.appid}/首页/[0-9A-Za-z]{15}$`))
  assert.match(await link(''), new RegExp(`^#小程序://${fake.appid}/[0-9A-Za-z]{15}$`))
  assert.match(await link('一'.repeat(20)), /\/一{20}\//)
  assert.match(await link('一'.repeat(21)), /\/一{20}\.\.\.\//)
  const page = 'pages/index/index'
  await table('genwxashortlink', [
    [{ page_url: page }, 0],
    [{ page_url: `${page}?a=1` }, 0],
    [{ page_url: `${page}?${'x'.repeat(1024 - page.length - 1)}` }, 0],
    [{ page_url: `${page}?${'x'.repeat(1024 - page.length)}` }, 40066],
    [{ page_url: `/${page}` }, 40066],
    [{ page_url: 'pages/none' }, 40066],
    [{ page_url: '?a=1' }, 40066],
    [{ page_url: '' }, 40066],
    [{}, 40066],
    [{ page_url: page, page_title: 'two\nlines' }, 40225],
    [{ page_url: page, page_title: 1 }, 47001],
    [{ page_url: page, is_permanent: 'false' }, 47001],
  ])
})

test('NFC: the model and its capability', async (t) => {
  const nfcModels = { one: 'perModel', each: 'perDevice', none: 'notGranted' }
  const { ask, table, token } = await startWithToken(t, { apps: [{ appid: 'wx1', secret: 's', nfcModels }] })
  await table('generatenfcscheme', [
    [{ model_id: 'one' }, 0],
    [{ model_id: 'one', sn: '' }, 0],
    [{ model_id: 'one', sn: '1' }, 9800009],
    [{ model_id: 'each', sn: '1' }, 0],
    [{ model_id: 'each' }, 9800008],
    [{ model_id: 'none' }, 9800007],
    [{ model_id: 'unknown' }, 9800003],
    [{ model_id: 'toString' }, 9800003],
    [{ model_id: '' }, 9800003],
    [{}, 9800003],
    [{ model_id: 1 }, 47001],
  ])
  assert.match((await ask('generatenfcscheme', {}, token)).errmsg, /^model_id检查不通过 rid: /)
})

test('NFC: without a list every model is known', async (t) => {
  const { table } = await startWithToken(t)
  await table('generatenfcscheme', [
    [{ model_id: 'any' }, 0],
    [{ model_id: 'any', sn: '1' }, 0],
    [{}, 9800003],
  ])
})

test('NFC: a device keeps its first scheme, which never expires', async (t) => {
  const { ask, token } = await startWithToken(t)
  const first = { model_id: 'm', jump_wxa: { path: 'pages/index/index' } }
  const { openlink } = await ask('generatenfcscheme', first, token)
  assert.equal((await ask('generatenfcscheme', first, token)).openlink, openlink)
  const taken = await ask('generatenfcscheme', { ...first, jump_wxa: { path: 'pages/order/list' } }, token)
  assert.equal(taken.errcode, 9800010)
  assert.ok(taken.errmsg.startsWith(`schema已存在 schema: ${openlink} rid: `), taken.errmsg)
  const other = await ask('generatenfcscheme', { ...first, sn: '1' }, token)
  assert.notEqual(other.openlink, openlink)
  assert.equal((await ask('queryscheme', { scheme: openlink }, token)).scheme_info.expire_time, 0)
})

test('token, method and body are checked as for the codes', async (t) => {
  const { fake, ask, errcode, token } = await startWithToken(t)
  for (const endpoint of LINKS) {
    const body = GOOD[endpoint]
    assert.equal(await errcode(endpoint, body, token), 0, endpoint)
    assert.equal(await errcode(endpoint, body), 41001)
    assert.equal(await errcode(endpoint, body, 'garbage'), 40001)
    assert.equal(await errcode(endpoint, '', token), 44002)
    assert.equal(await errcode(endpoint, 'a=1', token), 47001)
    assert.equal(await errcode(endpoint, '', 'garbage'), 40001, 'the token first')
    const got = await fetch(`${fake.url}${PATHS[endpoint]}?access_token=${token}`)
    assert.equal((await got.json()).errcode, 43002)
    assert.equal((await ask(endpoint, { ...body, nonsense: 1 }, token)).errcode, 0)
  }
  assert.equal(await errcode('generatescheme', { jump_wxa: 'pages/index/index' }, token), 47001)
  fake.clock.advance(7200)
  assert.equal(await errcode('generatescheme', {}, token), 42001)
})
