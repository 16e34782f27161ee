import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { explain, InvalidParamsError, WeChatAPIError, WxaCode, WxaCodeError } from 'wxacode'
import { failure, newAppid, suite, thrown, times, world } from './support/suite.mjs'

const CATALOGUE = JSON.parse(readFileSync(new URL('../src/wechat/errcodes.json', import.meta.url), 'utf8'))
const METHODS = {
  getUnlimitedQRCode: 'getwxacodeunlimit',
  getQRCode: 'getwxacode',
  createQRCode: 'createwxaqrcode',
}
const PLACES = [...Object.values(METHODS), 'token', 'stable_token']

/** What texts call what only an error can name. */
const UNNAMED = {
  zh: { page: 'page', path: 'path', ip: '出口 IP' },
  en: { page: 'page', path: 'path', ip: 'the outgoing IP' },
}

const filled = (text, names) => text.replaceAll(/\{(page|path|ip)\}/g, (_, name) => names[name])

const explanationOf = (row, { zh, en } = {}) => ({
  cause: { zh: filled(row.cause_zh, { ...UNNAMED.zh, ...zh }), en: filled(row.cause_en, { ...UNNAMED.en, ...en }) },
  fix: { zh: filled(row.fix_zh, { ...UNNAMED.zh, ...zh }), en: filled(row.fix_en, { ...UNNAMED.en, ...en }) },
})

/** What `explain` gives of a row at a place. */
const explainedOf = (row, scope = row.scope) => ({ ...explanationOf(row), scope })

/** At a token endpoint there are no parameters but the account's. */
const scopeAt = ({ scope }, place) => (/token/.test(place) && scope === 'parameter' ? 'account' : scope)

/** The row of the catalogue for an errcode at a place: one that names it wins over one for any. */
const rowOf = (errcode, place) =>
  CATALOGUE.find((row) => row.errcode === errcode && row.where.includes(place)) ??
  CATALOGUE.find((row) => row.errcode === errcode && row.where.includes('any'))

/** The error of a call that WeChat refuses by `errcode` and `errmsg`. */
async function refused(t, errcode, errmsg, method = 'getUnlimitedQRCode') {
  const { fake, wxa } = await world(t, {}, { retries: 0, timeoutMs: 5000 })
  fake.fail({ errcode, errmsg }, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
  return failure(wxa[method](method === 'getUnlimitedQRCode' ? { scene: 'a' } : { path: 'a' }))
}

suite('WeChatAPIError', (test) => {
  test('has all that WeChat said and what it means', async (t) => {
    const error = await refused(t, 41030, 'invalid page rid: 69661ec0-6b445e0b-755fcdc6')
    assert.ok(error instanceof WeChatAPIError)
    assert.ok(error instanceof WxaCodeError)
    assert.ok(error instanceof Error)
    assert.ok(!(error instanceof InvalidParamsError))
    const { stack, ...fields } = { ...error }
    assert.deepEqual(fields, {
      code: 'ERR_WXA_API',
      endpoint: 'getUnlimitedQRCode',
      retryable: false,
      errcode: 41030,
      errmsg: 'invalid page',
      scope: 'parameter',
      rid: '69661ec0-6b445e0b-755fcdc6',
      explanation: explanationOf(rowOf(41030, 'getwxacodeunlimit')),
    })
    assert.equal(error.name, 'WeChatAPIError')
  })

  test('stopsBatch is not a field of its own', async (t) => {
    const error = await refused(t, 48001, 'api unauthorized')
    assert.deepEqual([error.scope, error.stopsBatch], ['account', true])
    assert.equal(Object.keys(error).includes('stopsBatch'), false)
    assert.equal((await refused(t, 41030, 'invalid page')).stopsBatch, false)
  })

  test('its message is one line with errcode, errmsg, endpoint, rid, cause and fix in both languages', async (t) => {
    const error = await refused(t, 41030, 'invalid page rid: 69661ec0-6b445e0b-755fcdc6')
    const { cause, fix } = error.explanation
    assert.ok(error.message.startsWith('getUnlimitedQRCode: 41030 invalid page (rid 69661ec0-6b445e0b-755fcdc6)'))
    for (const text of [cause.zh, cause.en, fix.zh, fix.en]) assert.ok(error.message.includes(text), text)
    assert.ok(!/[\r\n]/.test(error.message))
    assert.equal(String(error), `WeChatAPIError: ${error.message}`)
  })

  for (const [errmsg, expected] of [
    ['invalid page', { errmsg: 'invalid page' }],
    ['invalid page hint: [xriCqa04281090]', { errmsg: 'invalid page', hint: 'xriCqa04281090' }],
    ['invalid page hints: [ZGab3B0gE-JRCJVa!]', { errmsg: 'invalid page', hint: 'ZGab3B0gE-JRCJVa!' }],
    ['invalid page hint: [B_a] rid: 5f57-7ef7-61fb', { errmsg: 'invalid page', hint: 'B_a', rid: '5f57-7ef7-61fb' }],
    ['rid: 1-2-3', { errmsg: '', rid: '1-2-3' }],
    ['two\nlines\r\n and a tab\t. rid: 1-2-3', { rid: '1-2-3' }],
    ['', { errmsg: '' }],
  ]) {
    test(`understands ${JSON.stringify(errmsg)}`, async (t) => {
      const error = await refused(t, 41030, errmsg)
      for (const [field, value] of Object.entries(expected)) assert.equal(error[field], value)
      for (const field of ['rid', 'hint']) assert.equal(Object.hasOwn(error, field), field in expected)
      assert.ok(!/[\r\n\t]/.test(error.message), error.message)
    })
  }

  test('an unknown errcode has no explanation, and all other fields', async (t) => {
    const error = await refused(t, 99999, 'something new rid: 1-2-3')
    assert.equal(error.errcode, 99999)
    assert.equal(error.errmsg, 'something new')
    assert.equal(error.explanation, undefined)
    assert.equal(Object.hasOwn(error, 'explanation'), false)
    assert.equal(error.retryable, false)
    assert.match(error.message, /99999 something new \(rid 1-2-3\)/)
    assert.ok(!/undefined|null/.test(error.message))
  })

  for (const [errcode, method, retryable] of [
    [-1, 'getQRCode', true],
    [45009, 'getUnlimitedQRCode', true],
    [45011, 'getUnlimitedQRCode', true],
    [41030, 'getUnlimitedQRCode', false],
    [45029, 'getQRCode', false],
    [48001, 'createQRCode', false],
  ]) {
    test(`${errcode} of ${method} is ${retryable ? '' : 'not '}retryable`, async (t) => {
      assert.equal((await refused(t, errcode, 'text', method)).retryable, retryable)
    })
  }

  test('a refused page is named, and not whole when it is long', async (t) => {
    const { fake, wxa } = await world(t)
    const page = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/nowhere' }))
    assert.equal(page.errcode, 41030)
    assert.match(page.explanation.cause.en, /^page "pages\/nowhere" is not in the released version/)
    assert.match(page.explanation.cause.zh, /^page "pages\/nowhere" 不在小程序的线上版本中/)
    assert.equal(fake.count('codes'), 1)
    const long = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: `p/${'x'.repeat(1000)}` }))
    assert.ok(long.message.includes(`page "p/${'x'.repeat(78)}…"`), long.message)
  })

  test('a page that the whole cache waits for is named to each caller', async (t) => {
    const { fake, wxa } = await world(t, {}, { cache: true })
    const hold = fake.hold('codes')
    const calls = times(3, () => failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/nowhere' })))
    await fake.arrived(1, 'codes')
    hold.release()
    for (const error of await Promise.all(calls)) assert.match(error.message, /page "pages\/nowhere" is not/)
    assert.equal(fake.count('codes'), 1)
  })

  for (const [errmsg, zh, en] of [
    [
      'invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 1-2-3',
      '出口 IP 1.2.3.4',
      'the outgoing IP 1.2.3.4',
    ],
    [
      'invalid ip 2001:db8::1 ipv6 2001:db8::1, not in whitelist rid: 1-2-3',
      '出口 IP 2001:db8::1',
      'the outgoing IP 2001:db8::1',
    ],
    ['invalid ip 1.2.3.4, not in whitelist hint: [g_G8404063055]', '出口 IP 1.2.3.4', 'the outgoing IP 1.2.3.4'],
    ['not in whitelist', '出口 IP', 'the outgoing IP'],
  ]) {
    test(`an address that is not listed is named: ${errmsg}`, async (t) => {
      const { fake, wxa } = await world(t)
      fake.fail({ errcode: 40164, errmsg }, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
      const { scope, explanation, message } = await failure(wxa.createQRCode({ path: 'a' }))
      assert.equal(scope, 'ip')
      assert.equal(explanation.cause.zh, `已开启 API IP 白名单，${zh} 不在其中`)
      assert.equal(explanation.cause.en, `The API IP whitelist is on, and ${en} is not in it`)
      assert.ok(
        explanation.fix.zh.includes(`加入${zh}，`) && explanation.fix.en.includes(`Add ${en} to the IP whitelist`),
      )
      assert.ok(message.includes(`${en} is not in it`) && message.includes(`${zh} 不在其中`), message)
    })
  }

  test('an unknown errcode has no scope, except at a token endpoint, where it concerns the account', async (t) => {
    assert.equal(Object.hasOwn(await refused(t, 99999, 'new'), 'scope'), false)
    const { fake, wxa } = await world(t)
    fake.fail({ errcode: 99999, errmsg: 'new' }, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
    const error = await failure(wxa.createQRCode({ path: 'a' }))
    assert.deepEqual([error.scope, error.stopsBatch], ['account', true])
  })

  for (const [method, place] of Object.entries(METHODS)) {
    test(`every errcode of ${method} is explained as the catalogue has it`, async (t) => {
      const params = method === 'getUnlimitedQRCode' ? { scene: 'a' } : { path: 'a' }
      for (const { errcode, where } of CATALOGUE) {
        if (!where.includes(place) && !where.includes('any')) continue
        // An account of its own for each: some pause it for the rest of the minute.
        const { fake, wxa } = await world(t, {}, { retries: 0, token: () => 'a', timeoutMs: 5000 })
        fake.fail(errcode, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
        const error = await failure(wxa[method](params))
        const row = rowOf(errcode, place)
        assert.deepEqual([error.errcode, error.scope], [errcode, row.scope])
        const address = { zh: { ip: '出口 IP 127.0.0.1' }, en: { ip: 'the outgoing IP 127.0.0.1' } }
        const path = { zh: { path: 'path（1 字节）' }, en: { path: 'path (1 byte)' } }
        const names = errcode === 61004 ? address : method === 'getUnlimitedQRCode' ? {} : path
        const expected = explanationOf(row, names)
        expected.cause.zh = expected.cause.zh.replaceAll('） ', '）')
        assert.deepEqual(error.explanation, expected)
      }
    })
  }
})

suite('errors', (test) => {
  test('the stack shows who called', async (t) => {
    const { fake, wxa } = await world(t, {}, { retries: 0 })
    async function theFunctionThatCalled(params) {
      return await wxa.createQRCode(params)
    }
    fake.fail(48001, { endpoint: 'codes' })
    assert.match((await failure(theFunctionThatCalled({ path: 'a' }))).stack, /theFunctionThatCalled/)
    assert.match((await failure(theFunctionThatCalled({}))).stack, /theFunctionThatCalled/)
    fake.fail('reset', { endpoint: 'codes' })
    const { stack, message } = await failure(theFunctionThatCalled({ path: 'a' }))
    assert.match(stack, /theFunctionThatCalled/)
    assert.ok(stack.includes(message))
  })

  test('a refused option has a stack of the caller', () => {
    function theFunctionThatMade() {
      return new WxaCode({})
    }
    assert.match(thrown(theFunctionThatMade).stack, /theFunctionThatMade/)
  })

  for (const [what, code, retryable] of [
    [48001, 'ERR_WXA_API', false],
    ['html', 'ERR_WXA_RESPONSE', false],
    [{ status: 502, body: '' }, 'ERR_WXA_RESPONSE', true],
    ['reset', 'ERR_WXA_NETWORK', true],
    ['hang', 'ERR_WXA_TIMEOUT', true],
  ]) {
    test(`${JSON.stringify(what)} has the code ${code}, a name, an endpoint and an explanation`, async (t) => {
      const { fake, wxa } = await world(t, {}, { retries: 0 })
      await wxa.getAccessToken()
      fake.fail(what, { endpoint: 'codes' })
      const error = await failure(wxa.getQRCode({ path: 'a' }, what === 'hang' ? { timeoutMs: 300 } : {}))
      assert.ok(error instanceof WxaCodeError && error instanceof Error)
      assert.equal(error instanceof WeChatAPIError, code === 'ERR_WXA_API')
      assert.equal(error.name, code === 'ERR_WXA_API' ? 'WeChatAPIError' : 'WxaCodeError')
      assert.equal(error.code, code)
      assert.equal(error.endpoint, 'getQRCode')
      assert.equal(error.retryable, retryable)
      const { cause, fix } = error.explanation
      for (const text of [cause.zh, fix.zh]) assert.match(text, /[\u4e00-\u9fff]/)
      for (const text of [fix.en, fix.zh]) assert.ok(error.message.includes(text), text)
      assert.ok(!/[\r\n]/.test(error.message))
    })
  }

  test('JSON and util.inspect show the fields, and nothing that is undefined', async (t) => {
    const error = await refused(t, 41030, 'invalid page rid: 1-2-3')
    const json = JSON.parse(JSON.stringify(error))
    assert.equal(json.errcode, 41030)
    assert.equal(json.rid, '1-2-3')
    assert.equal(json.endpoint, 'getUnlimitedQRCode')
    const shown = inspect(error)
    for (const text of ['WeChatAPIError: ', 'errcode: 41030', "rid: '1-2-3'", "code: 'ERR_WXA_API'"]) {
      assert.ok(shown.includes(text), shown)
    }
    assert.ok(!shown.includes('undefined'), shown)
    const plain = inspect(await failure(new WxaCode({ appid: newAppid(), secret: 's' }).createQRCode({ path: '' })))
    assert.match(plain, /InvalidParamsError: /)
    assert.match(plain, /param: 'path'/)
    assert.ok(!plain.includes('undefined'), plain)
  })

  test('fields and names cannot be mistaken for each other: name is not a field of its own', async (t) => {
    const error = await refused(t, 41030, 'invalid page')
    assert.ok(!Object.keys(error).includes('name'))
    assert.equal(Object.prototype.toString.call(error), '[object Error]')
  })

  test('two callers who get the same failure get errors of their own', async (t) => {
    const { fake, wxa } = await world(t, { ipWhitelist: [] })
    const hold = fake.hold('tokens')
    const calls = [failure(wxa.createQRCode({ path: 'a' })), failure(wxa.createQRCode({ path: 'a' }))]
    await fake.arrived(1)
    hold.release()
    const [one, two] = await Promise.all(calls)
    assert.notEqual(one, two)
    assert.equal(one.message, two.message)
  })
})

suite('explain', (test) => {
  test('knows every row of the catalogue, in both languages, at every place of it', () => {
    assert.ok(CATALOGUE.length > 50)
    for (const row of CATALOGUE) {
      for (const place of row.where.includes('any') ? PLACES : row.where) {
        assert.deepEqual(
          explain(row.errcode, place),
          explainedOf(rowOf(row.errcode, place), scopeAt(rowOf(row.errcode, place), place)),
          `${row.errcode} ${place}`,
        )
      }
      for (const text of [row.cause_zh, row.fix_zh]) assert.match(text, /[\u4e00-\u9fff]/, String(row.errcode))
    }
  })

  test('without an endpoint gives the first meaning', () => {
    for (const { errcode } of CATALOGUE) {
      const first = CATALOGUE.find((row) => row.errcode === errcode)
      assert.deepEqual(explain(errcode), explainedOf(first))
      assert.deepEqual(explain(errcode, undefined), explainedOf(first))
    }
  })

  test("takes our names of an endpoint, WeChat's, and its path", () => {
    for (const [method, place] of Object.entries(METHODS)) {
      assert.deepEqual(explain(45009, method), explain(45009, place))
    }
    assert.deepEqual(explain(45009, '/wxa/getwxacodeunlimit'), explain(45009, 'getUnlimitedQRCode'))
    assert.notDeepEqual(explain(45009, 'getUnlimitedQRCode'), explain(45009, 'getQRCode'))
    assert.notDeepEqual(explain(40001, 'getQRCode'), explain(40001, 'stable_token'))
  })

  test('knows nothing of an errcode that there is not, or not at that endpoint', () => {
    for (const errcode of [0, 1, 99999, 1.5, Number.NaN, 2 ** 40, Number.POSITIVE_INFINITY, -2]) {
      assert.equal(explain(errcode), undefined, String(errcode))
    }
    assert.equal(explain(40169, 'createQRCode'), undefined)
  })
})
