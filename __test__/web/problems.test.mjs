import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { WeChatAPIError } from 'wxacode'
import { setup, suite } from '../support/suite.mjs'
import { frameworks, listening } from './frameworks.mjs'
import { asked, site } from './site.mjs'

const FOREVER = { times: Number.POSITIVE_INFINITY }
const once = { retries: 0 }
const INSTANCE = /^urn:uuid:[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/
/** What a visitor sees of an error that is not the visitor's. */
const BARE = ['detail', 'instance', 'status', 'title', 'type']

/** Every kind of failure: how it comes about, its status, and whether a visitor may see what it is. */
const TABLE = [
  { what: 'a scene with an illegal character', status: 400, shown: true, query: 'scene=%20' },
  { what: 'a scene that is missing', status: 400, shown: true, toCode: (query) => ({ scene: query.scene }) },
  { what: 'a scene that a visitor repeats', status: 400, shown: true, toCode: () => ({ scene: ['a', 'b'] }) },
  { what: 'a scene that a visitor nests', status: 400, shown: true, toCode: () => ({ scene: { a: 'b' } }) },
  { what: 'a width that is too large', status: 400, shown: true, toCode: () => ({ scene: 'a', width: 5000 }) },
  { what: 'a width that is no number', status: 400, shown: true, toCode: () => ({ scene: 'a', width: Number('x') }) },
  mistake('a parameter that there is not', () => ({ scene: 'a', check_path: false })),
  mistake('a parameter of another kind', () => ({ kind: 'qrcode', path: 'a', scene: 'a' })),
  mistake('a kind that there is not', () => ({ kind: 'round', scene: 'a' })),
  mistake('a scene that is a number', () => ({ scene: 42 })),
  mistake('a width that is a string', () => ({ scene: 'a', width: '430' })),
  mistake('a colour with a misspelt part', () => ({ scene: 'a', lineColor: { red: 1, g: 2, b: 3 } })),
  ...['id=1', 42, true, [{ scene: 'a' }], () => {}].map((it) => mistake(`no object but ${it}`, () => it)),
  { what: 'a page that is not published', status: 502, shown: true, toCode: () => ({ scene: 'a', page: 'no' }) },
  ...[40097, 40129, 40159, 40169, 40189, 41030, 47001, 85096].map((errcode) => refusal(errcode, { shown: true })),
  ...[-1, 40001, 40002, 40013, 40066, 40164, 45029, 45063, 48001, 48004, 50002, 61004, 87009, 123456].map((errcode) =>
    refusal(errcode),
  ),
  ...[40001, 40013, 40125, 40164, 40243, 41002, 41004, 50002, 50004, 50007, 89503, 41030].map((errcode) =>
    refusal(errcode, { endpoint: 'tokens' }),
  ),
  refusal(45009, { status: 429, retryAfter: '60', options: { timeoutMs: 5000 } }),
  refusal(45011, { status: 429, retryAfter: '60', options: { timeoutMs: 5000 } }),
  { ...refusal(45009, { status: 429, retryAfter: '3600' }), toCode: () => ({ kind: 'limited', path: 'a' }) },
  refusal(45011, { endpoint: 'tokens', status: 429, retryAfter: '60' }),
  refusal(45009, { endpoint: 'tokens', status: 429, retryAfter: '3600' }),
  ...['html', 'empty', 'truncate', 'huge', 'redirect', { status: 500, body: 'broken' }].map((how) => answer(how)),
  ...['reset', 'close', 'cut'].map((how) => answer(how)),
  { ...answer('hang'), status: 504, options: { timeoutMs: 100 } },
  {
    what: 'a token function that gives no token',
    status: 503,
    client: { token: () => ({ nope: 1 }), secret: undefined },
  },
  { what: 'a client that was closed', status: 503, before: ({ wxa }) => wxa.close() },
  { what: 'a connection that is refused', status: 502, client: { ...once, baseUrl: 'http://127.0.0.1:1' } },
  {
    what: 'a Redis that is down, without which no token may be fetched',
    status: 503,
    client: { token: 'classic', redis: 'redis://127.0.0.1:1' },
  },
]

/** A mistake in the mapping itself, whatever the visitor asks for. */
function mistake(what, toCode) {
  return { what, status: 500, toCode }
}

function refusal(errcode, { endpoint = 'codes', status = 502, ...row } = {}) {
  return { what: `${errcode} of ${endpoint}`, status, fail: [errcode, { endpoint, ...FOREVER }], client: once, ...row }
}

function answer(how) {
  const what = `an answer: ${JSON.stringify(how)}`
  return { what, status: 502, fail: [how, { endpoint: 'codes', ...FOREVER }], client: once }
}

for (const name of Object.keys(frameworks)) {
  suite(`a problem over HTTP: ${name}`, (test) => {
    for (const { what, status, shown = false, retryAfter, query = '', fail, before, ...setUp } of TABLE) {
      test(`${what} is ${status}, and ${shown ? '' : 'only '}the log says why`, async (t) => {
        const here = await site(t, name, setUp)
        if (fail) here.fake.fail(...fail)
        await before?.(here)
        const { status: got, headers, problem } = await here.ask(`/code?${query}`)
        const [{ error, ...note }, ...others] = here.failures
        assert.equal(got, status, error?.message)
        assert.equal(headers['content-type'], 'application/problem+json')
        assert.equal(headers['cache-control'], 'no-store')
        assert.equal(headers['x-content-type-options'], 'nosniff')
        assert.equal(headers['content-language'], 'en')
        assert.deepEqual(headers.vary.split(', ').sort(), ['Accept-Language', 'Origin'])
        assert.equal(headers.etag, undefined)
        assert.equal(headers['retry-after'], retryAfter)

        assert.deepEqual(others, [])
        assert.equal(note.status, status)
        assert.match(problem.instance, INSTANCE)
        assert.equal(problem.instance, note.instance)
        assert.equal(problem.status, status)
        assert.equal(problem.type, 'about:blank')
        if (shown) checkShown(problem, error)
        else assert.deepEqual(Object.keys(problem).sort(), BARE)
      })
    }

    test('an exhausted rate limit is 429 with the seconds until the next call', async (t) => {
      const { ask, codes, failures } = await site(t, name, { client: { ratePerMinute: 1, timeoutMs: 20_000 } })
      assert.equal((await ask()).status, 200)
      const { status, headers } = await ask()
      assert.equal(status, 429)
      assert.equal(headers['retry-after'], String(Math.ceil(failures[0].error.retryAfterMs / 1000)))
      assert.ok(Number(headers['retry-after']) > 50)
      assert.equal(codes(), 1)
    })

    test('is in the language of the visitor', async (t) => {
      const { ask } = await site(t, name)
      const { problem, headers } = await ask('/code?scene=%20', { headers: { 'accept-language': 'zh-CN,zh;q=0.9' } })
      assert.equal(headers['content-language'], 'zh')
      assert.equal(problem.title, '请求有误')
      assert.match(problem.detail, /scene 的第 1 个字符/)
      assert.match(problem.explanation.fix, /\p{Script=Han}/u)
      assert.match(problem.explanation.docs, /\/docs\/zh\/errcodes\.md#40129$/)
      assert.ok(!JSON.stringify(problem).includes('Bad Request'))
    })

    test('is in the language of the visitor for a 404', async (t) => {
      const { ask } = await site(t, name, { toCode: () => null })
      const { problem, headers } = await ask('/code', { headers: { 'accept-language': 'zh' } })
      assert.equal(headers['content-language'], 'zh')
      assert.equal(problem.detail, '没有这个小程序码')
    })

    test('is shown in full when expose is true', async (t) => {
      const { ask, fake, failures } = await site(t, name, { options: { expose: true }, client: once })
      fake.fail(40164, { endpoint: 'tokens', ...FOREVER })
      const { problem } = await ask()
      assert.equal(problem.errcode, 40164)
      checkShown(problem, failures[0].error)
    })

    test('its error for the log is in the language of the client, and the response in that of the visitor', async (t) => {
      const { ask, failures } = await site(t, name, { client: { lang: 'zh', ratePerMinute: 1, timeoutMs: 1500 } })
      const { problem } = await ask('/code?scene=%20')
      assert.match(problem.detail, /^character 1 of scene/)
      const { message, explanation } = failures[0].error
      assert.ok(message.includes(`${explanation.cause.zh}。${explanation.fix.zh}。`), message)
      assert.ok(!message.includes(explanation.cause.en), message)
    })

    test('is hidden when expose is false', async (t) => {
      const { ask } = await site(t, name, { options: { expose: false } })
      assert.deepEqual(Object.keys((await ask('/code?scene=%20')).problem).sort(), BARE)
    })

    test('is shown when the function expose returns true', async (t) => {
      const expose = (error) => error instanceof WeChatAPIError && error.errcode === 45029
      const { ask, fake } = await site(t, name, { options: { expose } })
      fake.fail(45029, { endpoint: 'codes' })
      assert.equal((await ask()).problem.errcode, 45029)
      fake.fail(41030, { endpoint: 'codes' })
      assert.equal((await ask()).problem.errcode, undefined)
    })

    for (const notTrue of [async () => false, () => 'yes', () => 1, () => {}]) {
      test(`is hidden when the function expose returns anything but true: ${notTrue}`, async (t) => {
        const { ask } = await site(t, name, { options: { expose: notTrue } })
        assert.deepEqual(Object.keys((await ask('/code?scene=%20')).problem).sort(), BARE)
      })
    }

    test('may have an async function expose', async (t) => {
      const { ask } = await site(t, name, { options: { expose: async () => true } })
      assert.equal((await ask('/code?scene=%20')).problem.param, 'scene')
    })

    for (const [kind, what] of Object.entries({
      'an Error': new Error('http://10.0.0.7/?key=S3CR3T is on holiday'),
      'one with a code of ours': Object.assign(new Error('S3CR3T'), { code: 'ERR_WXA_RATE_LIMIT' }),
      'a text': 'S3CR3T',
      'an object': Object.create(null),
    })) {
      test(`an exception of the token function is logged and never shown: ${kind}`, async (t) => {
        const token = () => {
          throw what
        }
        const here = await site(t, name, { client: { token, secret: undefined }, options: { expose: true } })
        const { status, body, problem } = await here.ask()
        assert.equal(status, 503)
        assert.deepEqual(Object.keys(problem).sort(), BARE)
        assert.match(problem.detail, /See the server log/)
        assert.ok(!body.includes('S3CR3T'))
        const [{ error, instance }] = here.failures
        assert.equal(instance, problem.instance)
        assert.ok(error instanceof Error)
        assert.equal(what instanceof Error ? error : error.cause, what)
        assert.deepEqual(here.thrown, [])
      })
    }

    test('the log gets the request', async (t) => {
      const { ask, failures } = await site(t, name)
      await ask('/code?scene=%20&mine')
      assert.match(failures[0].req.url, /\/code\?scene=%20&mine$/)
    })

    test('the framework handles a log function that throws', async (t) => {
      const onError = async () => {
        throw new Error('the disk is full')
      }
      const { ask } = await site(t, name, { options: { onError } })
      const { status, body } = await ask('/code?scene=%20')
      assert.equal(status, 500)
      assert.deepEqual(JSON.parse(body), { thrown: 'the disk is full' })
    })

    test('is not cached: the next request gets the code', async (t) => {
      const { ask, fake } = await site(t, name)
      fake.fail(41030, { endpoint: 'codes' })
      assert.equal((await ask()).status, 502)
      assert.equal((await ask()).status, 200)
    })
  })
}

suite(
  'node:http alone',
  (test) => {
    const alone = async (t, toCode) => {
      const log = t.mock.method(console, 'error', () => {})
      const { wxa } = await setup(t)
      const server = await listening(
        createServer(frameworks['node:http'].codeHandler(wxa, toCode)).listen(0, '127.0.0.1'),
      )
      t.after(() => server.close())
      const answer = await asked(`http://127.0.0.1:${server.address().port}/%ff`)
      return { ...answer, lines: log.mock.calls.map((call) => call.arguments) }
    }

    test('an exception of the mapping is logged and makes a 500 that does not show it', async (t) => {
      const { status, headers, problem, lines } = await alone(t, ({ url }) => ({ scene: decodeURIComponent(url) }))
      assert.equal(status, 500)
      assert.equal(headers['content-type'], 'application/problem+json')
      assert.deepEqual(Object.keys(problem).sort(), BARE)
      const [[line, error], ...others] = lines
      assert.equal(line, `wxacode: 500 ${problem.instance}`)
      assert.equal(error.name, 'URIError')
      assert.deepEqual(others, [])
    })
  },
  { concurrency: 1 },
)

suite('a secret', (test) => {
  test('is in no problem, although WeChat or a proxy repeats it', async (t) => {
    const here = await site(t, 'Express 5')
    const { accessToken } = await here.wxa.getAccessToken()
    here.fake.fail({ errcode: 41030, errmsg: `invalid page of ${accessToken}` }, { endpoint: 'codes' })
    assert.equal((await here.ask()).problem.errmsg, 'invalid page of ***')
  })
})

/** That a visitor sees what the error is and what to do about it, in one language. */
function checkShown(problem, error) {
  for (const field of ['code', 'errcode', 'errmsg', 'rid', 'param']) assert.equal(problem[field], error[field], field)
  if (error.explanation) {
    const { cause, fix, docs } = error.explanation
    assert.equal(problem.detail, cause.en)
    assert.deepEqual(problem.explanation, { cause: cause.en, fix: fix.en, ...(docs && { docs: docs.en }) })
  }
}
