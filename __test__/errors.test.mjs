import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { explain, InvalidParamsError, WeChatAPIError, WxaCode, WxaCodeError } from 'wxacode'
import { failure, newAppid, suite, thrown, world } from './support/suite.mjs'

const CATALOGUE = JSON.parse(readFileSync(new URL('../src/wechat/errcodes.json', import.meta.url), 'utf8'))
const METHODS = {
  getUnlimitedQRCode: 'getwxacodeunlimit',
  getQRCode: 'getwxacode',
  createQRCode: 'createwxaqrcode',
}
const PLACES = [...Object.values(METHODS), 'token', 'stable_token']

const explanationOf = (row) => ({
  cause: { zh: row.cause_zh, en: row.cause_en },
  fix: { zh: row.fix_zh, en: row.fix_en },
})

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
      rid: '69661ec0-6b445e0b-755fcdc6',
      explanation: explanationOf(rowOf(41030, 'getwxacodeunlimit')),
    })
    assert.equal(error.name, 'WeChatAPIError')
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

  test('an errcode that nobody knows has no explanation, and all the rest', async (t) => {
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

  for (const [method, place] of Object.entries(METHODS)) {
    test(`every errcode of ${method} is explained as the catalogue has it`, async (t) => {
      const params = method === 'getUnlimitedQRCode' ? { scene: 'a' } : { path: 'a' }
      for (const { errcode, where } of CATALOGUE) {
        if (!where.includes(place) && !where.includes('any')) continue
        // An account of its own for each: some pause it for the rest of the minute.
        const { fake, wxa } = await world(t, {}, { retries: 0, token: () => 'a', timeoutMs: 5000 })
        fake.fail(errcode, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
        const error = await failure(wxa[method](params))
        assert.equal(error.errcode, errcode)
        assert.deepEqual(error.explanation, explanationOf(rowOf(errcode, place)))
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
          explanationOf(rowOf(row.errcode, place)),
          `${row.errcode} ${place}`,
        )
      }
      for (const text of [row.cause_zh, row.fix_zh]) assert.match(text, /[\u4e00-\u9fff]/, String(row.errcode))
    }
  })

  test('without an endpoint gives the first meaning', () => {
    for (const { errcode } of CATALOGUE) {
      const first = CATALOGUE.find((row) => row.errcode === errcode)
      assert.deepEqual(explain(errcode), explanationOf(first))
      assert.deepEqual(explain(errcode, undefined), explanationOf(first))
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
