import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { check, explain, InvalidParamsError, InvalidPushError, WeChatAPIError, WxaCode, WxaCodeError } from 'wxacode'
import { toError } from '../lib/errors.js'
import { checkMessage, failure, newAppid, setup, suite, thrown, times } from './support/suite.mjs'

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
  docs: docsOf(row.errcode),
})

/** Where the documents explain an errcode. */
const docsOf = (errcode) => ({
  zh: `https://github.com/wxacode/wxacode/blob/main/docs/zh/errcodes.md#${errcode}`,
  en: `https://github.com/wxacode/wxacode/blob/main/docs/en/errcodes.md#${errcode}`,
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
  const { fake, wxa } = await setup(t, {}, { retries: 0, timeoutMs: 5000 })
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
    })
    assert.deepEqual(error.explanation, explanationOf(rowOf(41030, 'getwxacodeunlimit')))
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
    const { cause } = error.explanation
    const { message } = error
    assert.ok(
      message.startsWith(`getUnlimitedQRCode: 41030 invalid page (rid 69661ec0-6b445e0b-755fcdc6) - ${cause.en}. `),
    )
    checkMessage(error)
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
    const { fake, wxa } = await setup(t)
    const page = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/nowhere' }))
    assert.equal(page.errcode, 41030)
    assert.match(page.explanation.cause.en, /^page "pages\/nowhere" is not in the released version/)
    assert.match(page.explanation.cause.zh, /^page "pages\/nowhere" 不在小程序的线上版本中/)
    assert.equal(fake.count('codes'), 1)
    const long = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: `p/${'x'.repeat(1000)}` }))
    assert.ok(long.message.includes(`page "p/${'x'.repeat(78)}…"`), long.message)
  })

  test('a page that the whole cache waits for is named to each caller', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
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
      const { fake, wxa } = await setup(t)
      fake.fail({ errcode: 40164, errmsg }, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
      const { scope, explanation, message } = await failure(wxa.createQRCode({ path: 'a' }))
      assert.equal(scope, 'ip')
      assert.equal(explanation.cause.zh, `已开启 IP 白名单，${zh} 不在其中`)
      assert.equal(explanation.cause.en, `The IP whitelist is on, and ${en} is not in it`)
      assert.ok(
        explanation.fix.zh.includes(`加入${zh}，`) && explanation.fix.en.includes(`Add ${en} to the IP whitelist`),
      )
      assert.ok(message.includes(`${en} is not in it`) && message.includes(`${zh} 不在其中`), message)
    })
  }

  test('an unknown errcode has no scope, except at a token endpoint, where it concerns the account', async (t) => {
    assert.equal(Object.hasOwn(await refused(t, 99999, 'new'), 'scope'), false)
    const { fake, wxa } = await setup(t)
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
        const { fake, wxa } = await setup(t, {}, { retries: 0, token: () => 'a', timeoutMs: 5000 })
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
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
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
      const { fake, wxa } = await setup(t, {}, { retries: 0 })
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
      checkMessage(error)
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
    const { fake, wxa } = await setup(t, { ipWhitelist: [] })
    const hold = fake.hold('tokens')
    const calls = [failure(wxa.createQRCode({ path: 'a' })), failure(wxa.createQRCode({ path: 'a' }))]
    await fake.arrived(1)
    hold.release()
    const [one, two] = await Promise.all(calls)
    assert.notEqual(one, two)
    assert.equal(one.message, two.message)
  })
})

/** One environment for the whole process: these tests run one after the other. */
suite(
  'the language of an error',
  (test) => {
    const HAN = /\p{Script=Han}/u
    const account = { appid: 'wx0123456789abcdef', secret: 's' }

    /** Runs with `WXACODE_LANG`, which calls under way read too. */
    async function withLang(value, run) {
      const before = process.env.WXACODE_LANG
      const set = (to) => {
        if (to === undefined) delete process.env.WXACODE_LANG
        else process.env.WXACODE_LANG = to
      }
      set(value)
      try {
        return await run()
      } finally {
        set(before)
      }
    }

    /** That a message has one language, and the explanation both; what others said is left aside. */
    function isIn(lang, { message, explanation: { cause, fix } }) {
      const said = message.replaceAll('开发管理 → 开发设置', '')
      if (lang === 'en') assert.doesNotMatch(said, HAN)
      const [full, other] = lang === 'zh' ? ['zh', 'en'] : ['en', 'zh']
      const stop = { zh: '。', en: '. ' }[lang]
      const end = `${/[?？]$/.test(cause[lang]) ? cause[lang] : cause[lang] + stop.trim()}${stop.slice(1)}${fix[lang]}${stop.trim()}`
      assert.ok(message.includes(end), `“${end}” is missing in “${message}”`)
      assert.ok(!message.includes(fix[other]) && !message.includes(' | '), message)
      assert.notEqual(fix[full], fix[other])
    }

    /** Every way to an error of a client: of WeChat, of its checks, of its token function. */
    const FAILURES = {
      "WeChat's refusal": ({ fake, wxa }) => {
        fake.fail(41030, { endpoint: 'codes' })
        return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
      },
      'a response that is none': ({ fake, wxa }) => {
        fake.fail('html', { endpoint: 'codes' })
        return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
      },
      'a connection that breaks': ({ fake, wxa }) => {
        fake.fail('reset', { endpoint: 'codes' })
        return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
      },
      'a call that takes too long': ({ fake, wxa }) => {
        fake.fail('hang', { endpoint: 'codes' })
        return failure(wxa.getUnlimitedQRCode({ scene: 'a' }, { timeoutMs: 300 }))
      },
      'a parameter that the addon refuses': ({ wxa }) => failure(wxa.getUnlimitedQRCode({ scene: 'a b' })),
      'an unknown parameter': ({ wxa }) => failure(wxa.getQRCode({ path: 'a', pages: 'b' })),
      'a parameter of a wrong type': ({ wxa }) => failure(wxa.getQRCode({ path: 42 })),
      'a parameter that is missing': ({ wxa }) => failure(wxa.createQRCode({})),
      'a nested parameter': ({ wxa }) => failure(wxa.getQRCode({ path: 'a', lineColor: { r: 1, g: '2', b: 3 } })),
      'half a character': ({ wxa }) => failure(wxa.getQRCode({ path: 'a\ud83d' })),
      'an option of a call': ({ wxa }) => failure(wxa.clearQuota({ timeout: 1 })),
      'an option of getAccessToken': ({ wxa }) => failure(wxa.getAccessToken({ forceRefresh: 1 })),
      'a token that is none': ({ wxa }) => thrown(() => wxa.invalidateAccessToken(7)),
      'a path of request that is none': ({ wxa }) => failure(wxa.request(7)),
      'a path that the addon refuses': ({ wxa }) => failure(wxa.request('wxa/a')),
      'a body that is no JSON': ({ wxa }) => failure(wxa.request('/wxa/a', { body: { at: Number.NaN } })),
      'a query that is too long': ({ wxa }) => failure(wxa.request('/wxa/a', { query: { a: 'a'.repeat(8000) } })),
      'options of request': ({ wxa }) => failure(wxa.request('/wxa/a', { params: {} })),
      'jobs that are none': ({ wxa }) => failure(wxa.batch(7).next()),
      'options of a batch': ({ wxa }) => failure(wxa.batch([], { concurrency: 0 }).next()),
      'a job that is none': async ({ wxa }) => {
        const { error } = (await wxa.batch([{ kind: 'round' }]).next()).value
        return error
      },
      'a token function that returns nothing': ({ client }) =>
        failure(client({ token: () => undefined }).getAccessToken()),
      'a token function that returns an error of WeChat': ({ client }) =>
        failure(client({ token: () => ({ errcode: 40164, errmsg: 'x' }) }).getAccessToken()),
      'a client that was closed': async ({ wxa }) => {
        await wxa.close()
        return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
      },
    }

    for (const [what, fail] of Object.entries(FAILURES)) {
      test(`${what} has a message in the language of the client, whatever the environment says; without one, in both`, async (t) => {
        for (const lang of ['zh', 'en']) {
          await withLang(lang === 'zh' ? 'en' : 'zh', async () => {
            isIn(lang, await fail(await setup(t, {}, { retries: 0, lang })))
          })
          await withLang(lang, async () => isIn(lang, await fail(await setup(t, {}, { retries: 0 }))))
        }
        for (const none of [undefined, '', 'fr', 'ZH', 'toString']) {
          await withLang(none, async () => checkMessage(await fail(await setup(t, {}, { retries: 0, lang: '' }))))
        }
      })
    }

    test('errors without a client have messages in the language of the environment', async () => {
      for (const lang of ['zh', 'en']) {
        await withLang(lang, () => {
          isIn(lang, check('unlimited', { scene: 'a b' }))
          isIn(lang, check('limited', { scene: 'a' }))
          isIn(
            lang,
            thrown(() => check('round', {})),
          )
          isIn(
            lang,
            thrown(() => explain('41030')),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ appid: 'wx', secret: 's' })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ ...account, retires: 1 })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ ...account, lang: 'fr' })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ appid: account.appid })),
          )
        })
      }
    })

    test('a constructor that throws, and fromEnv, have the language of their options', async () => {
      for (const lang of ['zh', 'en']) {
        await withLang(lang === 'zh' ? 'en' : 'zh', () => {
          isIn(
            lang,
            thrown(() => new WxaCode({ appid: 'wx', secret: 's', lang })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ ...account, retires: 1, lang })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ ...account, redis: { host: 'a' }, lang })),
          )
          isIn(
            lang,
            thrown(() => new WxaCode({ appid: account.appid, lang })),
          )
          isIn(
            lang,
            thrown(() => WxaCode.fromEnv({ ...account, redis: 'mysql://a', lang })),
          )
        })
      }
    })

    test('a language that is none is refused, and an empty one is left out', () => {
      for (const lang of ['fr', 'zh-CN', 'EN', 1, null, ['zh']]) {
        const error = thrown(() => new WxaCode({ ...account, lang }))
        assert.deepEqual([error.param, error.code], ['lang', 'ERR_WXA_PARAMS'])
      }
      assert.ok(new WxaCode({ ...account, lang: '' }))
    })

    test('two clients of one process speak their own, also of the same failure', async (t) => {
      const { fake, client } = await setup(t, { ipWhitelist: [] })
      const hold = fake.hold('tokens')
      const calls = ['zh', 'en', ''].map((lang) => failure(client({ lang }).createQRCode({ path: 'a' })))
      await fake.arrived(1)
      hold.release()
      const [zh, en, both] = await Promise.all(calls)
      isIn('zh', zh)
      isIn('en', en)
      checkMessage(both)
    })

    test('the cause of an error has a message in the same language', async (t) => {
      const { fake, wxa } = await setup(t, {}, { lang: 'zh', timeoutMs: 1500 })
      fake.fail('reset', { endpoint: 'tokens' })
      fake.fail('hang', { endpoint: 'tokens' })
      const error = await failure(wxa.createQRCode({ path: 'a' }))
      assert.equal(error.code, 'ERR_WXA_TIMEOUT')
      isIn('zh', error)
      isIn('zh', error.cause)
    })
  },
  { concurrency: 1 },
)

suite('what a log shows of an error', (test) => {
  /** What is shown of each text of an explanation, how often. */
  const counts = (shown, { cause, fix }) =>
    [cause.zh, cause.en, fix.zh, fix.en].map((text) => shown.replaceAll("\\'", "'").split(text).length - 1)

  for (const [lang, expected] of [
    ['zh', [1, 0, 1, 0]],
    ['en', [0, 1, 0, 1]],
    ['', [1, 1, 0, 0]],
  ]) {
    test(`console.error says everything once: lang is ${lang || 'not set'}`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { retries: 0, lang })
      fake.fail({ errcode: 41030, errmsg: 'invalid page rid: 1-2-3' }, { endpoint: 'codes' })
      const error = await failure(wxa.getUnlimitedQRCode({ scene: 'a', page: 'pages/nowhere' }))
      const shown = inspect(error)
      assert.deepEqual(counts(shown, error.explanation), expected, shown)
      for (const line of [
        /^WeChatAPIError: getUnlimitedQRCode: 41030 invalid page \(rid 1-2-3\)/,
        /\n {2}code: 'ERR_WXA_API',/,
        /\n {2}retryable: false,/,
        /\n {2}endpoint: 'getUnlimitedQRCode',/,
        /\n {2}errcode: 41030,/,
        /\n {2}errmsg: 'invalid page',/,
        /\n {2}scope: 'parameter',/,
        /\n {2}rid: '1-2-3'\n}$/,
      ])
        assert.match(shown, line)
      assert.ok(!shown.includes('explanation') && !shown.includes('errcodes.md'), shown)
      const refusal = await failure(wxa.getQRCode({ path: '' }))
      assert.match(inspect(refusal), /\n {2}param: 'path'\n}$/)
      assert.ok(counts(inspect(refusal), refusal.explanation).every((count) => count <= 1))
    })
  }

  test('console.error says everything of a cause once too', async (t) => {
    const { fake, wxa } = await setup(t, {}, { lang: 'en', timeoutMs: 1500 })
    fake.fail('reset', { endpoint: 'tokens' })
    fake.fail('hang', { endpoint: 'tokens' })
    const error = await failure(wxa.createQRCode({ path: 'a' }))
    const shown = inspect(error)
    assert.match(shown, /\[cause\]: WxaCodeError: stable_token: /)
    assert.deepEqual(counts(shown, error.cause.explanation), [0, 1, 0, 1], shown)
    assert.deepEqual(counts(shown, error.explanation), [0, 1, 0, 1], shown)
  })

  test('JSON has name, message, fields and the explanation, and a cause that is an error of this package', async (t) => {
    const error = await refused(t, 41030, 'invalid page rid: 1-2-3')
    assert.deepEqual(JSON.parse(JSON.stringify({ error })).error, {
      name: 'WeChatAPIError',
      message: error.message,
      code: 'ERR_WXA_API',
      retryable: false,
      endpoint: 'getUnlimitedQRCode',
      errcode: 41030,
      errmsg: 'invalid page',
      scope: 'parameter',
      rid: '1-2-3',
      explanation: error.explanation,
    })
    const { fake, wxa } = await setup(t, {}, { timeoutMs: 1500 })
    fake.fail('reset', { endpoint: 'tokens' })
    fake.fail('hang', { endpoint: 'tokens' })
    const timeout = await failure(wxa.createQRCode({ path: 'a' }))
    const { cause } = JSON.parse(JSON.stringify(timeout))
    assert.deepEqual([cause.code, cause.message], ['ERR_WXA_NETWORK', timeout.cause.message])
  })

  test('a logger that copies what is enumerable has every field, and the explanation by the message', async (t) => {
    const error = await refused(t, 41030, 'invalid page rid: 1-2-3')
    const copied = []
    for (const key in error) copied.push(key)
    assert.deepEqual(copied, ['code', 'retryable', 'endpoint', 'errcode', 'errmsg', 'scope', 'rid'])
    checkMessage(error)
  })

  test('a refusal links to the page about its errcode, and an error without an errcode, or with an unknown one, to none', async (t) => {
    assert.deepEqual((await refused(t, 45009, 'limit')).explanation.docs, docsOf(45009))
    const { fake, wxa, client } = await setup(t, {}, { retries: 0 })
    assert.deepEqual((await failure(wxa.getUnlimitedQRCode({}))).explanation.docs, docsOf(40169))
    assert.deepEqual((await failure(wxa.getUnlimitedQRCode({ scene: '%' }))).explanation.docs, docsOf(40129))
    assert.equal('docs' in (await failure(wxa.getUnlimitedQRCode({ scene: 7 }))).explanation, false)
    fake.fail('html', { endpoint: 'codes' })
    assert.equal('docs' in (await failure(wxa.getQRCode({ path: 'a' }))).explanation, false)
    const token = (errcode) => failure(client({ token: () => ({ errcode, errmsg: 'x' }) }).getAccessToken())
    assert.deepEqual((await token(40125)).explanation.docs, docsOf(40125))
    assert.equal('docs' in (await token(99999)).explanation, false)
  })

  test('the message about an unknown errcode says where to look it up', async (t) => {
    const error = await refused(t, 99999, 'something new rid: 1-2-3')
    assert.ok(error.message.includes("See WeChat's table of errcodes, or call getRid('1-2-3')"), error.message)
    assert.ok(error.message.includes("查微信的全局返回码表，或调用 getRid('1-2-3')"), error.message)
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

suite('InvalidPushError', (test) => {
  const explanation = { cause: { zh: '因', en: 'cause' }, fix: { zh: '解', en: 'fix' } }
  const message = { zh: '中文', en: 'English', both: 'both' }
  const refused = (lang) =>
    toError([{ code: 'ERR_WXA_PUSH', message, retryable: false, reason: 'signature', explanation }], lang)

  test('says why a push was refused', () => {
    const error = refused()
    assert.ok(error instanceof InvalidPushError && error instanceof WxaCodeError)
    assert.ok(!(error instanceof InvalidParamsError))
    assert.deepEqual({ ...error }, { code: 'ERR_WXA_PUSH', retryable: false, reason: 'signature' })
    assert.deepEqual([error.name, error.message, refused('zh').message], ['InvalidPushError', 'both', '中文'])
    assert.equal(error.stopsBatch, false)
    const { name, reason, explanation: written } = JSON.parse(JSON.stringify(error))
    assert.deepEqual({ name, reason, written }, { name: 'InvalidPushError', reason: 'signature', written: explanation })
  })
})
