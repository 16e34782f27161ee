import assert from 'node:assert/strict'
import { WeChatAPIError, WxaCodeError } from 'wxacode'
import { failure, setup, suite } from './support/suite.mjs'

const TYPES = [
  'application/json',
  'application/json; encoding=utf-8',
  'text/plain',
  'image/jpeg',
  'application/octet-stream',
]
const METHODS = { getUnlimitedQRCode: { scene: 'a' }, getQRCode: { path: 'a' }, createQRCode: { path: 'a' } }
const HTML = '<html><head><title>502 Bad Gateway</title></head><body>502</body></html>'

/** Sets up a fake that responds to the next code request with `what`, and gives the error of that call. */
async function answered(t, what, options = {}, call = ['createQRCode', { path: 'a' }]) {
  const { fake, wxa } = await setup(t, {}, { retries: 0 })
  await wxa.getAccessToken()
  fake.fail(what, { endpoint: 'codes', ...options })
  const [method, params] = call
  const error = await failure(wxa[method](params))
  assert.equal(error.endpoint, method)
  return { fake, wxa, error }
}

/** By `request()` its answer is given as it came. The fake orders failures only for paths that it knows. */
const OTHER = '/wxa/queryscheme'

/** What any other API gives when its server answers so. */
async function other(t, body) {
  const { fake, wxa } = await setup(t, {}, { retries: 0 })
  await wxa.getAccessToken()
  fake.fail({ status: 200, body }, { endpoint: 'queryscheme' })
  return await wxa.request(OTHER, { body: {} })
}

const isAnswerError = (error, pattern) => {
  assert.ok(error instanceof WxaCodeError && !(error instanceof WeChatAPIError), String(error))
  assert.equal(error.code, 'ERR_WXA_RESPONSE')
  assert.equal(error.errcode, undefined)
  assert.match(error.message, pattern)
  assert.ok(!error.message.includes('\n'))
}

suite('answers', (test) => {
  for (const [method, params] of Object.entries(METHODS)) {
    for (const contentType of TYPES) {
      test(`${method}: an errcode under ${contentType} is an error and never a picture`, async (t) => {
        const { error } = await answered(t, 45029, { contentType }, [method, params])
        assert.ok(error instanceof WeChatAPIError)
        assert.equal(error.errcode, 45029)
        assert.equal(error.code, 'ERR_WXA_API')
      })
    }

    for (const [what, code] of [
      ['html', 'ERR_WXA_RESPONSE'],
      ['empty', 'ERR_WXA_RESPONSE'],
      ['truncate', 'ERR_WXA_RESPONSE'],
      ['cut', 'ERR_WXA_NETWORK'],
      ['huge', 'ERR_WXA_RESPONSE'],
      ['redirect', 'ERR_WXA_RESPONSE'],
      ['reset', 'ERR_WXA_NETWORK'],
      ['close', 'ERR_WXA_NETWORK'],
    ]) {
      test(`${method}: ${what} is ${code}`, async (t) => {
        const { error } = await answered(t, what, {}, [method, params])
        assert.equal(error.code, code)
      })
    }
  }

  for (const errcode of ['41030', '-1', '40001 ']) {
    test(`an errcode that is the text '${errcode}' is a number in the error`, async (t) => {
      const { error } = await answered(t, { errcode, errmsg: 'some text' })
      assert.equal(error.errcode, Number(errcode))
      assert.equal(error.errmsg, 'some text')
    })
  }

  for (const [status, name] of [
    [200, 'a 200'],
    [400, 'a 400'],
    [500, 'a 500'],
  ]) {
    test(`an errcode is an errcode under ${name}`, async (t) => {
      const { error } = await answered(t, { status, body: '{"errcode":41030,"errmsg":"invalid page"}' })
      assert.equal(error.errcode, 41030)
    })
  }

  for (const [body, errcode, errmsg] of [
    ['\ufeff{"errcode":45029,"errmsg":"byte order mark"}', 45029, 'byte order mark'],
    [' \r\n{"errcode":45029,"errmsg":"white space"}\n', 45029, 'white space'],
    ['{"errmsg":"the other way round","errcode":45029}', 45029, 'the other way round'],
    ['{"errcode":45029}', 45029, ''],
    ['{"errcode":45029,"errmsg":null}', 45029, ''],
    ['{"errcode":61003,"errmsg":"帐号未授权"}', 61003, '帐号未授权'],
    [Buffer.from('{"errcode":45029,"errmsg":"\xff\xfe"}', 'latin1'), 45029, '\ufffd\ufffd'],
  ]) {
    test(`an errcode is read from ${JSON.stringify(String(body))}`, async (t) => {
      const { error } = await answered(t, { status: 200, body })
      assert.equal(error.errcode, errcode)
      assert.equal(error.errmsg, errmsg)
    })
  }

  test('an HTML page with status 200 is an error that shows the page', async (t) => {
    const { error } = await answered(t, 'html')
    isAnswerError(error, /web page.*HTTP 200.*502 Bad Gateway/)
    assert.equal(error.retryable, false)
  })

  test('HTML under 502 is retryable', async (t) => {
    const { error } = await answered(t, { status: 502, headers: { 'Content-Type': 'text/html' }, body: HTML })
    isAnswerError(error, /HTTP 502/)
    assert.equal(error.retryable, true)
  })

  test('an empty 412 is explained by a missing Content-Length', async (t) => {
    const { error } = await answered(t, { status: 412, body: '' })
    isAnswerError(error, /Content-Length/)
    assert.match(error.explanation.cause.zh, /Content-Length/)
  })

  for (const isHyaline of [false, true]) {
    test(`a ${isHyaline ? 'PNG' : 'JPEG'} that stops before its end is an error`, async (t) => {
      const { error } = await answered(t, 'truncate', {}, ['getQRCode', { path: 'a', isHyaline }])
      isAnswerError(error, /the picture is incomplete: its end is missing/)
    })

    test(`a ${isHyaline ? 'PNG' : 'JPEG'} that is cut at any byte is an error`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { retries: 0 })
      const whole = await wxa.getQRCode({ path: 'a', isHyaline, width: 280 })
      const { length } = whole
      for (const end of [3, 8, 20, 100, 400, length >> 1, length - 13, length - 2, length - 1]) {
        fake.fail({ status: 200, body: whole.subarray(0, end) }, { endpoint: 'codes' })
        const error = await failure(wxa.getQRCode({ path: 'a', isHyaline, width: 280 }))
        assert.equal(error.code, 'ERR_WXA_RESPONSE', `cut at ${end} of ${length}`)
      }
    })
  }

  test('a picture that is cut by the end of the connection is a network error', async (t) => {
    const { error } = await answered(t, 'cut')
    assert.equal(error.retryable, true)
    assert.match(error.message, /127\.0\.0\.1/)
  })

  test('a response over 8 MiB is not read to its end, with and without a Content-Length', async (t) => {
    const { error, wxa, fake } = await answered(t, 'huge')
    isAnswerError(error, /8 MiB/)
    const body = Buffer.alloc(9 << 20, 0x20)
    fake.fail({ status: 200, headers: { 'Transfer-Encoding': 'chunked' }, body }, { endpoint: 'codes' })
    isAnswerError(await failure(wxa.createQRCode({ path: 'a' })), /8 MiB/)
  })

  for (const body of [
    '{}',
    '{"errcode":0,"errmsg":"ok"}',
    '{"errcode":"0"}',
    '{"errcode":"none"}',
    '{"errcode":null}',
  ]) {
    test(`JSON without an errcode is an error and not a picture: ${body}`, async (t) => {
      const { error } = await answered(t, { status: 200, headers: { 'Content-Type': 'application/json' }, body })
      isAnswerError(error, /JSON/)
    })
  }

  for (const body of ['[{"errcode":41030}]', '{"errcode":41030', 'errcode 41030', '"41030"', 'GIF89a', '\u0000']) {
    test(`${JSON.stringify(body)} is neither a picture nor an errcode`, async (t) => {
      const { error } = await answered(t, { status: 200, body })
      isAnswerError(error, /neither/)
    })
  }

  for (const endpoint of ['codes', 'tokens']) {
    for (const status of [301, 302, 303, 307, 308]) {
      test(`a redirect of ${endpoint} by ${status} is not followed`, async (t) => {
        const { fake, wxa } = await setup(t, {}, { retries: 0 })
        const { fake: other } = await setup(t)
        fake.fail({ status, headers: { Location: `${other.url}/elsewhere` }, body: HTML }, { endpoint })
        isAnswerError(await failure(wxa.createQRCode({ path: 'a' })), /redirect/)
        assert.equal(fake.count(endpoint), 1)
        assert.equal(other.count(), 0)
      })
    }

    test(`a redirect of ${endpoint} to the same host is not followed`, async (t) => {
      const { fake, wxa } = await setup(t, {}, { retries: 0 })
      fake.fail('redirect', { endpoint })
      isAnswerError(await failure(wxa.createQRCode({ path: 'a' })), /redirect/)
      assert.ok(fake.requests.every((request) => request.endpoint !== undefined))
    })
  }

  for (const errcode of ['41030.0', '4.103e4', '"41030.0"', '" 41030 "']) {
    test(`an errcode ${errcode} in the response of request() is an error with its number`, async (t) => {
      const error = await failure(other(t, `{"errcode":${errcode},"openid":"o"}`))
      assert.deepEqual([error.code, error.errcode], ['ERR_WXA_API', 41030])
    })
  }

  for (const errcode of ['true', 'false', '9223372036854775808', '41030.5', '[41030]', '{}', '""', '"ok"']) {
    test(`an errcode ${errcode} in the response of request() is an error without a number`, async (t) => {
      const error = await failure(other(t, `{"errcode":${errcode},"openid":"o"}`))
      isAnswerError(error, /errcode/)
      assert.equal(error.retryable, false)
    })
  }

  for (const errcode of ['0', '"0"', '0.0']) {
    test(`an errcode ${errcode} in the response of request() is no error`, async (t) => {
      assert.equal((await other(t, `{"errcode":${errcode},"openid":"o"}`)).openid, 'o')
    })
  }

  for (const [what, body] of [
    ['raw control characters', '{"errcode":40001,"errmsg":"a\u0008b\nc\u0000"}'],
    ['half an emoji', '{"errcode":40001,"errmsg":"\\ud83d"}'],
    ['a key that comes twice', '{"errcode":40001,"errmsg":"a","errmsg":"b","errcode":40001}'],
    ['GBK', Buffer.from('{"errmsg":"\xCE\xD2\xD4\\","errcode":40001}', 'latin1')],
    ['deep nesting', `{"errcode":40001,"data":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['something behind its end', '{"errcode":40001,"errmsg":"x"}\n<!-- 1 ms -->'],
  ]) {
    test(`a refused token is replaced whatever else the response holds: ${what}`, async (t) => {
      const { fake, wxa } = await setup(t)
      const before = await wxa.getAccessToken()
      fake.fail({ status: 200, body }, { endpoint: 'codes' })
      fake.revokeTokens()
      await wxa.createQRCode({ path: 'a' })
      assert.notEqual((await wxa.getAccessToken()).accessToken, before.accessToken)
    })
  }

  test('a successful response is read although its strings hold control characters', async (t) => {
    for (const [body, nick] of [
      ['{"nick":"a\u0008b\nc\u001f"}', 'a\bb\nc\u001f'],
      ['{"nick":"\\ud83d"}', '\ud83d'],
      [Buffer.from('{"nick":"\xB3\\"}', 'latin1'), '\ufffd'],
      [`{"nick":"${'名'.repeat(2_000_000)}"}`, '名'.repeat(2_000_000)],
    ]) {
      assert.equal((await other(t, body)).nick, nick)
    }
  })

  test('the error for an unexpected response shows no user data', async (t) => {
    const openid = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE'
    for (const [body, method] of [
      ['{"phone":"13800138000","a":tru}', 'request'],
      ['{"phone":"13800138000', 'request'],
      [`{"${openid}":"13800138000","13800138000":1}`, 'createQRCode'],
      ['{"errcode":true,"phone":"13800138000"}', 'request'],
      ['["13800138000"', 'request'],
      ['"13800138000"', 'request'],
      ['13800138000', 'request'],
      ['phone=13800138000', 'request'],
      ['<xml><phone>13800138000</phone></xml>', 'request'],
      [`{"phone":"13800138000","data":${'['.repeat(100_000)}`, 'request'],
    ]) {
      const { fake, wxa } = await setup(t, {}, { retries: 0 })
      await wxa.getAccessToken()
      fake.fail({ status: 200, body }, { where: ({ path }) => !path.includes('token') })
      const error = await failure(
        method === 'request' ? wxa.request(OTHER, { body: {} }) : wxa.createQRCode({ path: 'a' }),
      )
      assert.equal(error.code, 'ERR_WXA_RESPONSE')
      assert.ok(!error.message.includes('138') && !error.message.includes(openid), error.message)
      if (/^\{"phone":"\d+"/.test(body)) assert.match(error.message, /response: \{phone/)
    }
  })

  for (const [status, retryable] of [
    [200, true],
    [400, false],
    [403, false],
    [404, false],
    [407, false],
    [408, true],
    [412, false],
    [413, false],
    [425, true],
    [429, true],
    [500, true],
    [501, false],
    [503, true],
  ]) {
    test(`an empty response with status ${status} is ${retryable ? '' : 'not '}retryable`, async (t) => {
      const { error } = await answered(t, { status, body: '' })
      assert.equal(error.code, 'ERR_WXA_RESPONSE')
      assert.equal(error.retryable, retryable)
    })
  }

  test('the client works after each of these errors', async (t) => {
    const { fake, wxa } = await setup(t, {}, { retries: 0 })
    for (const what of [45029, 'html', 'empty', 'truncate', 'cut', 'huge', 'redirect', 'reset', 'close']) {
      fake.fail(what, { endpoint: 'codes' })
      await failure(wxa.createQRCode({ path: 'a' }))
      await wxa.createQRCode({ path: 'a' })
    }
  })
})
