import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { failure, setup, suite } from './support/suite.mjs'

const API = '/cgi-bin/openapi/quota/get'
const lastBody = (fake) => JSON.parse(fake.requests.at(-1).body)

/** [a body that JSON cannot represent, the expected message] */
const CLOSED = {
  FormData: new FormData(),
  URLSearchParams: new URLSearchParams({ a: '1' }),
  Blob: new Blob(['a']),
  Map: new Map([['a', 1]]),
  Set: new Set([1]),
  'a Map of another realm': runInNewContext('new Map([[1, 2]])'),
  Promise: Promise.resolve({}),
  'a RegExp': /a/,
  'an Error': new Error('a'),
  'an Error of another realm': runInNewContext('new Error("a")'),
  'a stream': Readable.from(['a']),
  'a Response': new Response('a'),
  Headers: new Headers({ a: '1' }),
}
const BYTES = {
  Buffer: Buffer.from('a'),
  Uint8Array: new Uint8Array(2),
  ArrayBuffer: new ArrayBuffer(2),
  DataView: new DataView(new ArrayBuffer(2)),
  'a Uint8Array of another realm': runInNewContext('new Uint8Array(2)'),
}

suite('the body of a request', (test) => {
  for (const [name, value] of [...Object.entries(CLOSED), ...Object.entries(BYTES)]) {
    const hint = name in BYTES ? /toString\('base64'\)/ : /Object\.fromEntries/
    test(`${name} is refused as a body and inside one`, async (t) => {
      const { fake, wxa } = await setup(t)
      for (const [body, param] of [
        [value, 'body'],
        [{ file: value }, 'body.file'],
        [{ list: [{ file: value }] }, 'body.list[0].file'],
        [[value], 'body[0]'],
      ]) {
        const error = await failure(wxa.request(API, { body }))
        assert.deepEqual([error.code, error.param, error.endpoint], ['ERR_WXA_PARAMS', param, API])
        assert.match(error.explanation.fix.en, hint)
        assert.match(error.explanation.fix.zh, /getAccessToken\(\)/)
      }
      assert.equal(fake.count(), 0)
    })
  }

  for (const [shown, body, param, hint] of [
    ['null', null, 'body', /plain object/],
    ['a text', '{}', 'body', /plain object/],
    ['a boxed text', Object('a'), 'body', /plain object/],
    ['a Date', new Date(), 'body', /plain object/],
    ['NaN', { width: Number.NaN }, 'body.width', /NaN/],
    ['Infinity, far inside', { a: [0, { b: Number.NEGATIVE_INFINITY }] }, 'body.a[1].b', /Infinity/],
    ['a Date that is none', { at: new Date('x') }, 'body.at', /invalid Date/],
    ['undefined in an array', { a: [1, undefined] }, 'body.a[1]', /undefined in an array/],
    ['a hole in an array', { a: new Array(1) }, 'body.a[0]', /undefined in an array/],
    ['a function', { a: () => {} }, 'body.a', /function/],
    ['a symbol', { a: [Symbol('a')] }, 'body.a[0]', /symbol/],
    ['a BigInt', { id: 1n }, 'body.id', /BigInt/],
    ['half a character', { text: 'ab😀\ud83d' }, 'body.text', /lone surrogate as character 4/],
    ['half a character in a name', { 'a\udc00': 1 }, 'body', /lone surrogate as character 2/],
  ]) {
    test(`${shown} is refused`, async (t) => {
      const { fake, wxa } = await setup(t)
      const error = await failure(wxa.request(API, { body }))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', param])
      assert.match(error.message, hint)
      assert.equal(fake.count(), 0)
    })
  }

  test('a body that contains itself or never stops is refused', async (t) => {
    const { fake, wxa } = await setup(t)
    const cyclic = { list: [] }
    cyclic.list.push(cyclic)
    const endless = () => ({
      get more() {
        return endless()
      },
    })
    for (const body of [cyclic, endless()]) {
      const error = await failure(wxa.request(API, { body }))
      assert.equal(error.param, 'body')
      assert.match(error.message, /nested too deeply, or contains itself/)
    }
    assert.equal(fake.count(), 0)
  })

  test('a plain body and one with toJSON are sent as JSON, and each getter runs once', async (t) => {
    const { fake, wxa } = await setup(t)
    let asked = 0
    class Money {
      #cents = 5
      toJSON() {
        return { cents: this.#cents, at: new Date(0) }
      }
    }
    const body = {
      cgi_path: '/wxa/getwxacode',
      at: new Date(0),
      price: new Money(),
      none: null,
      left: undefined,
      yes: Object(true),
      same: [{ a: '<&>名' }, new URL('https://a.example/')],
      bare: Object.assign(Object.create(null), { toJSON: 'a field' }),
      foreign: runInNewContext('({ list: [1, "2"], at: new Date(0) })'),
      get once() {
        return ++asked
      },
    }
    await wxa.request(API, { body })
    assert.deepEqual(lastBody(fake), {
      cgi_path: '/wxa/getwxacode',
      at: '1970-01-01T00:00:00.000Z',
      price: { cents: 5, at: '1970-01-01T00:00:00.000Z' },
      none: null,
      yes: true,
      same: [{ a: '<&>名' }, 'https://a.example/'],
      bare: { toJSON: 'a field' },
      foreign: { list: [1, '2'], at: '1970-01-01T00:00:00.000Z' },
      once: 1,
    })
  })

  test('an exception of a getter reaches the caller unchanged', async (t) => {
    const { wxa } = await setup(t)
    const own = new Error('my own')
    const body = {
      get a() {
        throw own
      },
    }
    assert.equal(await failure(wxa.request(API, { body })), own)
  })

  test('the key __proto__ of parsed JSON is sent like any other key', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.request(API, { body: JSON.parse('{"cgi_path":"/wxa/getwxacode","__proto__":{"a":1}}') })
    assert.equal(fake.requests.at(-1).body, '{"cgi_path":"/wxa/getwxacode","__proto__":{"a":1}}')
  })
})

suite('the query of a request', (test) => {
  for (const [shown, query] of [
    ['URLSearchParams', new URLSearchParams({ a: '1' })],
    ['a Map', new Map([['a', 1]])],
    ['NaN', { a: Number.NaN }],
    ['half a character', { a: '\ud83d' }],
    ['half a character in a name', { '\ud83d': 1 }],
    ['an object', { a: {} }],
  ]) {
    test(`${shown} is refused, with what to do`, async (t) => {
      const { fake, wxa } = await setup(t)
      const error = await failure(wxa.request('/wxa/a', { query }))
      assert.equal(error.param, 'query')
      assert.match(error.message, /Object\.fromEntries/)
      assert.equal(fake.count(), 0)
    })
  }

  test('a query that is too long is refused with its length and the limit', async (t) => {
    const { fake, wxa } = await setup(t)
    for (const [query, length] of [
      [{ a: 'x'.repeat(6999) }, 7002],
      [{ a: '名'.repeat(800) }, 7203],
      [{ ['n'.repeat(66_000)]: 1 }, 66_003],
      [Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`name${n}`, n])), 0],
    ]) {
      const error = await failure(wxa.request('/wxa/a', { query }))
      assert.deepEqual([error.code, error.param, error.retryable], ['ERR_WXA_PARAMS', 'query', false])
      assert.ok(error.message.includes(`at least ${length || ''}`) && error.message.includes('7000'), error.message)
    }
    assert.equal(fake.count(), 0)
    await failure(wxa.request('/wxa/a', { query: { a: '名'.repeat(770) } }))
    assert.equal(fake.requests.at(-1).query.a, '名'.repeat(770))
  })

  test('each value of a query is read once', async (t) => {
    const { fake, wxa } = await setup(t)
    let asked = 0
    const query = {
      get a() {
        return ++asked > 1 ? {} : asked
      },
    }
    await failure(wxa.request('/wxa/a', { query }))
    assert.equal(fake.requests.at(-1).query.a, '1')
  })
})
