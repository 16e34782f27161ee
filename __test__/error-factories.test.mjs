import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { InvalidParamsError, InvalidPushError, WeChatAPIError, WxaCode, WxaCodeError, WxaPlatform } from 'wxacode'
import { failure, newAppid, newSecret, setup, suite, thrown } from './support/suite.mjs'

const CATALOGUE = JSON.parse(readFileSync(new URL('../src/wechat/errcodes.json', import.meta.url), 'utf8'))
const ERRCODES = [...new Set(CATALOGUE.map(({ errcode }) => errcode))]
/** By its name in errors: its name in the catalogue and in the fake, how a call gets there, and the page that it names. */
const ENDPOINTS = {
  getUnlimitedQRCode: {
    place: 'getwxacodeunlimit',
    page: 'p/a',
    call: (wxa) => wxa.getUnlimitedQRCode({ scene: 'a', page: 'p/a' }),
  },
  getQRCode: { place: 'getwxacode', page: 'p/a', call: (wxa) => wxa.getQRCode({ path: 'p/a' }) },
  createQRCode: { place: 'createwxaqrcode', page: 'p/a', call: (wxa) => wxa.createQRCode({ path: 'p/a' }) },
  stable_token: { place: 'stable_token', call: (wxa) => wxa.getAccessToken() },
  generateScheme: { place: 'generatescheme', call: (wxa) => wxa.generateScheme() },
  getQuota: { place: 'quota/get', call: (wxa) => wxa.getQuota('/wxa/getwxacode') },
}

const placesOf = (errcode) => CATALOGUE.filter((row) => row.errcode === errcode).flatMap(({ where }) => where)
const isAt = (errcode, place) => placesOf(errcode).some((other) => other === place || other === 'any')

/** All that code can see of an error, except its stack. */
const seen = (error) => ({
  ...Object.fromEntries(Reflect.ownKeys(error).map((key) => [key, error[key]])),
  stack: undefined,
  enumerable: Object.keys(error),
  type: error.constructor,
  text: String(error),
  stopsBatch: error.stopsBatch,
  json: JSON.stringify(error),
})

/** The error of a real call. Each has an account of its own: some errcodes pause theirs. */
async function refused(fake, secret, errcode, { place, call }, lang) {
  const account = place === 'stable_token' ? { secret } : { token: () => 'a-token-of-a-test' }
  const options = { appid: newAppid(), ...account, baseUrl: fake.url, lang, retries: 0, timeoutMs: 20_000 }
  const injected = fake.fail(errcode, { endpoint: place, times: Number.POSITIVE_INFINITY })
  try {
    return await failure(call(new WxaCode(options)))
  } finally {
    injected.stop()
  }
}

suite('WeChatAPIError.from', (test) => {
  for (const [endpoint, how] of Object.entries(ENDPOINTS)) {
    test(`makes the error of a real call of ${endpoint}, for each errcode`, async (t) => {
      const { fake, secret } = await setup(t)
      const errcodes = ERRCODES.filter((errcode) => isAt(errcode, how.place))
      assert.ok(errcodes.length > 10)
      for (const errcode of [...errcodes, 99999]) {
        const real = await refused(fake, secret, errcode, how)
        const { errmsg, rid } = real
        assert.deepEqual(seen(WeChatAPIError.from(errcode, { endpoint, errmsg, rid, page: how.page })), seen(real))
      }
    })
  }

  test('speaks the language of the client', async (t) => {
    const { fake, secret } = await setup(t)
    for (const lang of ['zh', 'en']) {
      const { errmsg, rid, message } = await refused(fake, secret, 41030, ENDPOINTS.getUnlimitedQRCode, lang)
      assert.equal(WeChatAPIError.from(41030, { errmsg, rid, page: 'p/a', lang }).message, message)
    }
  })

  test('needs no more than the errcode', () => {
    const error = WeChatAPIError.from(41030)
    assert.ok(error instanceof WeChatAPIError && error instanceof WxaCodeError)
    assert.deepEqual(
      { ...error },
      {
        code: 'ERR_WXA_API',
        retryable: false,
        endpoint: 'getUnlimitedQRCode',
        errcode: 41030,
        errmsg: 'invalid page',
        scope: 'parameter',
      },
    )
    assert.match(error.stack, /error-factories\.test\.mjs/)
  })

  test('without an endpoint, it is of one at which WeChat returns the errcode: of a code, if there is one', () => {
    const order = Object.keys(ENDPOINTS).slice(0, 4)
    for (const errcode of ERRCODES) {
      const { endpoint } = WeChatAPIError.from(errcode)
      const first = order.find((name) => isAt(errcode, ENDPOINTS[name].place))
      if (first) assert.equal(endpoint, first, errcode)
      else assert.ok(!order.includes(endpoint), `${errcode} ${endpoint}`)
    }
    assert.equal(WeChatAPIError.from(99999).endpoint, 'getUnlimitedQRCode')
  })

  test('its text is WeChat’s, without the number of a request', () => {
    for (const { errcode, where, errmsg_example: example } of CATALOGUE.filter(({ where }) => where[0] !== 'any')) {
      if (example.includes('…') || example.startsWith('[')) continue
      const { errmsg, rid, hint } = WeChatAPIError.from(errcode, { endpoint: where[0] })
      assert.deepEqual([rid, hint], [undefined, undefined])
      assert.equal(errmsg, example.replace(/ rid: [\w-]+/, '').replace(/ hints?: \[.*?\]/, ''))
    }
    assert.equal(WeChatAPIError.from(40243).errmsg, 'appsecret frozen')
    assert.equal(WeChatAPIError.from(85406).errmsg, '')
    assert.equal(WeChatAPIError.from(99999).errmsg, '')
  })

  test('an endpoint has any of its names, and an API without a method its path', () => {
    for (const endpoint of ['getQRCode', 'getwxacode', '/wxa/getwxacode']) {
      assert.deepEqual(seen(WeChatAPIError.from(45029, { endpoint })), seen(WeChatAPIError.from(45029)))
    }
    const path = '/wxa/business/getuserphonenumber'
    const { endpoint, scope, message } = WeChatAPIError.from(48001, { endpoint: path })
    assert.deepEqual([endpoint, scope], [path, 'account'])
    assert.ok(message.startsWith(`${path}: 48001 api unauthorized - `), message)
  })

  for (const [what, args, param, advice] of [
    ['no errcode', [], 'errcode', /whole number other than 0, such as 41030/],
    ['0, which is no error', [0], 'errcode', /other than 0/],
    ['a text', ['41030'], 'errcode', /whole number/],
    ['a fraction', [41030.5], 'errcode', /whole number/],
    ['an endless number', [Number.NaN], 'errcode', /whole number/],
    ['a misspelt endpoint', [41030, { endpoint: 'getUnlimitedQrCodes' }], 'endpoint', /Use getUnlimitedQRCode instead/],
    ['an unknown endpoint', [41030, { endpoint: 'somewhere' }], 'endpoint', /'stable_token' or a path/],
    ['a path with a query', [41030, { endpoint: '/wxa/a?access_token=1' }], 'endpoint', /a path/],
    ['an endpoint that is no text', [41030, { endpoint: 1 }], 'endpoint', /Pass a string/],
    ['an unknown option', [41030, { RID: '1-2-3' }], 'RID', /Use rid instead/],
    ['an unknown language', [41030, { lang: 'fr' }], 'lang', /'zh' or 'en'/],
    ['options that are no object', [41030, 'getQRCode'], 'options', /Pass an object/],
  ]) {
    test(`refuses ${what}`, () => {
      const error = thrown(() => WeChatAPIError.from(...args))
      assert.ok(error instanceof InvalidParamsError)
      assert.equal(error.param, param)
      assert.match(error.message, advice)
    })
  }
})

/** How a real call comes to fail with a code. */
const REAL = {
  async ERR_WXA_TIMEOUT(fake, options) {
    const wxa = new WxaCode(options)
    await wxa.getAccessToken()
    fake.fail('hang', { endpoint: 'codes' })
    return failure(wxa.getUnlimitedQRCode({ scene: 'a' }, { timeoutMs: 300 }))
  },
  ERR_WXA_NETWORK: (_, { appid }) =>
    failure(
      new WxaCode({ appid, token: () => 'a', baseUrl: UNREACHABLE, retries: 0, timeoutMs: 600_000 }).getUnlimitedQRCode(
        {
          scene: 'a',
        },
      ),
    ),
  async ERR_WXA_RESPONSE(fake, options) {
    const wxa = new WxaCode({ ...options, retries: 0 })
    await wxa.getAccessToken()
    fake.fail({ status: 502, body: '<html>502 Bad Gateway</html>' }, { endpoint: 'codes' })
    return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
  },
  ERR_WXA_REDIS: (_, options) =>
    failure(new WxaCode({ ...options, token: 'classic', redis: NO_REDIS }).getUnlimitedQRCode({ scene: 'a' })),
  async ERR_WXA_RATE_LIMIT(_, options) {
    const wxa = new WxaCode({ ...options, ratePerMinute: 1 })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    return failure(wxa.getUnlimitedQRCode({ scene: 'b' }, { timeoutMs: 1 }))
  },
  ERR_WXA_TICKET: (_, { baseUrl }) =>
    merchant({ baseUrl, store: 'memory' }, (wxa) => wxa.getUnlimitedQRCode({ scene: 'a' }, { timeoutMs: 300 })),
  ERR_WXA_STORE: (_, { baseUrl }) =>
    merchant({ baseUrl, redis: NO_REDIS }, (wxa) => wxa.getUnlimitedQRCode({ scene: 'a' })),
  async ERR_WXA_CLOSED(_, options) {
    const wxa = new WxaCode(options)
    await wxa.close()
    return failure(wxa.getUnlimitedQRCode({ scene: 'a' }))
  },
}
const UNREACHABLE = 'http://127.0.0.1:1'
const NO_REDIS = 'redis://127.0.0.1:1'

/** A failed call of a merchant's client. */
async function merchant(options, call) {
  const push = { pushToken: 'token', encodingAESKey: 'a'.repeat(43) }
  const platform = new WxaPlatform({ appid: newAppid(), secret: newSecret(), ...push, timeoutMs: 600_000, ...options })
  try {
    return await failure(call(platform.client(newAppid())))
  } finally {
    await platform.close()
  }
}

/** What depends on the machine, the time and the client. */
const blurred = (text) =>
  text
    .replaceAll(/127\.0\.0\.1:1\b|api\.weixin\.qq\.com:443/g, 'HOST')
    .replaceAll(/\d+(?:\.\d+)? m?s\b/g, 'TIME')
    .replace(/(?<=: )[^:]* - /, 'SYSTEM - ')
    .replaceAll(
      /\((?:not asked again yet|connection refused)\)|（(?:not asked again yet|connection refused)）/g,
      '(NO REDIS)',
    )

suite('WxaCodeError.from', (test) => {
  for (const [code, real] of Object.entries(REAL)) {
    test(`makes an error ${code} like that of a real call`, async (t) => {
      const { fake, options } = await setup(t)
      const error = await real(fake, options)
      const made = WxaCodeError.from(code)
      const { retryAfterMs, ...fields } = { ...error }
      assert.deepEqual({ ...made }, retryAfterMs === undefined ? fields : { ...fields, retryAfterMs: 1000 })
      assert.deepEqual(
        [made.constructor, made.name, made.stopsBatch, made.explanation.fix],
        [error.constructor, error.name, error.stopsBatch, error.explanation.fix],
      )
      assert.equal(blurred(made.message), blurred(error.message))
      assert.match(made.stack, /error-factories\.test\.mjs/)
    })
  }

  test('has the endpoint, the time and the language that it is given', () => {
    const options = { endpoint: 'getQRCode', retryAfterMs: 2500, lang: 'en' }
    const { endpoint, retryAfterMs, message } = WxaCodeError.from('ERR_WXA_RATE_LIMIT', options)
    assert.deepEqual([endpoint, retryAfterMs], ['getQRCode', 2500])
    assert.match(message, /^getQRCode: .* in 2\.5 s\. [^|]*$/)
  })

  for (const [what, args, param, advice] of [
    ['an errcode', [41030], 'code', /Use WeChatAPIError\.from\(errcode\)/],
    ['the code of another class', ['ERR_WXA_API'], 'code', /Use WeChatAPIError\.from\(errcode\)/],
    ['the code of parameters', ['ERR_WXA_PARAMS'], 'code', /Use InvalidParamsError\.from\(kind, params\)/],
    ['the code of pushes', ['ERR_WXA_PUSH'], 'code', /platform\.receivePush\(\)/],
    ['an unknown code', ['ECONNRESET'], 'code', /Allowed codes: ERR_WXA_TIMEOUT, /],
    ['a name of every object', ['constructor'], 'code', /Allowed codes/],
    ['no code', [], 'code', /Allowed codes/],
    [
      'an endpoint of an error that has none',
      ['ERR_WXA_CLOSED', { endpoint: 'getQRCode' }],
      'endpoint',
      /Omit endpoint/,
    ],
    ['a wait of an error that has none', ['ERR_WXA_TIMEOUT', { retryAfterMs: 1 }], 'retryAfterMs', /Omit retryAfterMs/],
    ['a wait that is none', ['ERR_WXA_RATE_LIMIT', { retryAfterMs: -1 }], 'retryAfterMs', /more than 0/],
    ['an unknown endpoint', ['ERR_WXA_TIMEOUT', { endpoint: 'somewhere' }], 'endpoint', /a path/],
    ['an option of WeChat’s errors', ['ERR_WXA_TIMEOUT', { rid: '1' }], 'rid', /endpoint, retryAfterMs, lang/],
  ]) {
    test(`refuses ${what}`, () => {
      const error = thrown(() => WxaCodeError.from(...args))
      assert.ok(error instanceof InvalidParamsError)
      assert.equal(error.param, param)
      assert.match(error.message, advice)
    })
  }
})

suite('InvalidParamsError.from', (test) => {
  for (const [kind, method, params] of [
    ['unlimited', 'getUnlimitedQRCode', { scene: '' }],
    ['unlimited', 'getUnlimitedQRCode', { scene: 'a', env_version: 'trial' }],
    ['limited', 'getQRCode', { path: '' }],
    ['limited', 'getQRCode', { path: 'a', width: 'wide' }],
    ['qrcode', 'createQRCode', {}],
  ]) {
    test(`makes the error of ${method}(${JSON.stringify(params)})`, async (t) => {
      const { wxa } = await setup(t)
      assert.deepEqual(seen(InvalidParamsError.from(kind, params)), seen(await failure(wxa[method](params))))
    })
  }

  test('refuses parameters that no call refuses, and what is no kind', () => {
    const valid = thrown(() => InvalidParamsError.from('unlimited', { scene: 'a' }))
    assert.equal(valid.param, 'params')
    assert.match(valid.message, /these parameters are valid/)
    assert.equal(thrown(() => InvalidParamsError.from('square', { path: '' })).param, 'kind')
  })
})

suite('InvalidPushError.from', (test) => {
  test('says where the error comes from', () => {
    for (const args of [[], ['ERR_WXA_TIMEOUT']]) {
      assert.match(thrown(() => InvalidPushError.from(...args)).message, /platform\.receivePush\(\)/)
    }
  })
})
