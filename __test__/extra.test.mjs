import assert from 'node:assert/strict'
import { check } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { failure, setup, suite, thrown } from './support/suite.mjs'

const bodiesOf = (fake) => fake.requests.filter(({ endpoint }) => endpoint !== 'stable_token').map(({ body }) => body)

suite('extra', (test) => {
  test('its fields are sent as they are, after the others, in each kind of code', async (t) => {
    const { fake, wxa } = await setup(t)
    const extra = { show_something: true, 名: { b: [1, null, { d: 1, c: 0.5 }], a: '😀&<' } }
    await wxa.getUnlimitedQRCode({ extra, scene: 'a', width: 280 })
    await wxa.getQRCode({ path: 'a', extra })
    await wxa.createQRCode({ extra: { z: 1, a: 2 }, path: 'a' })
    await wxa.createQRCode({ path: 'b', extra: {} })
    const sent = '"show_something":true,"名":{"a":"😀&<","b":[1,null,{"c":0.5,"d":1}]}'
    assert.deepEqual(bodiesOf(fake), [
      `{"scene":"a","width":280,${sent}}`,
      `{"path":"a",${sent}}`,
      '{"path":"a","a":2,"z":1}',
      '{"path":"b"}',
    ])
  })

  test('batches and handlers send it too', async (t) => {
    const { fake, wxa } = await setup(t)
    const code = { scene: 'a', extra: { show_something: true } }
    for await (const { error } of wxa.batch([{ kind: 'unlimited', ...code }])) assert.equal(error, undefined)
    assert.equal((await codeHandler(wxa, () => code)(new Request('http://here'))).status, 200)
    assert.deepEqual(bodiesOf(fake), Array(2).fill('{"scene":"a","show_something":true}'))
  })

  test('it is part of the picture, in whichever order its keys are', async (t) => {
    const { fake, wxa } = await setup(t, {}, { cache: true })
    const draw = (extra) => wxa.createQRCode({ path: 'a', extra })
    await draw({ a: { x: 1, y: 2 }, b: 1 })
    await draw({ b: 1, a: { y: 2, x: 1 } })
    await draw({ b: 1, a: { y: 2, x: 1 }, c: undefined })
    assert.equal(bodiesOf(fake).length, 1)
    await draw({ a: { x: 1, y: 2 }, b: 2 })
    await draw({})
    await draw(undefined)
    assert.equal(bodiesOf(fake).length, 3)
  })

  const refused = (kind, params) => {
    const { code, param, explanation } = check(kind, params)
    assert.equal(code, 'ERR_WXA_PARAMS')
    return [param, explanation.cause.en, explanation.fix.en]
  }

  for (const [kind, name, cause, fix] of [
    ['unlimited', 'check_path', 'is the parameter checkPath', 'Pass checkPath itself, not in extra'],
    ['unlimited', 'checkPath', 'is the parameter checkPath', 'Pass checkPath itself, not in extra'],
    ['unlimited', 'Scene', 'is the parameter scene', 'Pass scene itself, not in extra'],
    ['limited', 'scene', 'is a parameter of getUnlimitedQRCode', 'Remove it, or call getUnlimitedQRCode'],
    ['limited', 'page', 'is a parameter of getUnlimitedQRCode', 'Remove it, or call getUnlimitedQRCode'],
    ['limited', 'checkPath', 'is a parameter of getUnlimitedQRCode', 'Remove it, or call getUnlimitedQRCode'],
    ['unlimited', 'path', 'is a parameter of getQRCode, createQRCode', 'Remove it, or call getQRCode, createQRCode'],
    ...['access_token', 'accessToken', 'ACCESS-TOKEN', 'appid', 'from_appid', 'secret'].map((name) => [
      'qrcode',
      name,
      'would change whose call it is',
      'Remove it: the options of the client decide about AppID, AppSecret and token',
    ]),
  ]) {
    test(`${name} is refused for ${kind}`, () => {
      const given = { ...(kind === 'unlimited' ? { scene: 'a' } : { path: 'a' }), extra: { other: 1, [name]: 'x' } }
      assert.deepEqual(refused(kind, given), [`extra.${name}`, `extra.${name} ${cause}`, fix])
    })
  }

  test('what WeChat has at another endpoint may come to this one, under WeChat’s name', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.createQRCode({ path: 'a', extra: { is_hyaline: true } })
    assert.deepEqual(bodiesOf(fake), ['{"path":"a","is_hyaline":true}'])
  })

  test('a name that only looks like one of Object.prototype is a name', async (t) => {
    const { fake, wxa } = await setup(t)
    await wxa.createQRCode({ path: 'a', extra: JSON.parse('{"__proto__":{"a":1},"constructor":1}') })
    assert.deepEqual(bodiesOf(fake), ['{"path":"a","__proto__":{"a":1},"constructor":1}'])
  })

  for (const [what, extra, param, cause] of [
    ['a text', '{"a":1}', 'extra', /^extra must be an object, such as \{ show_something: true \}$/],
    ['an array', [1], 'extra', /^extra must be an object/],
    ['a Map', new Map([['a', 1]]), 'extra', /^extra must be an object/],
    ['a function in it', { a: { b: () => 1 } }, 'extra.a.b', /^extra\.a\.b is a function/],
    ['a BigInt in it', { a: [1n] }, 'extra.a[0]', /^extra\.a\[0\] is a BigInt/],
    ['NaN in it', { a: Number.NaN }, 'extra.a', /^extra\.a is NaN/],
    ['half a character in it', { a: '\ud83d' }, 'extra.a', /^extra\.a has a lone surrogate/],
    ['more than 4096 bytes', { a: '品'.repeat(1365) }, 'extra', /^the JSON of extra has 4103 bytes; at most 4096/],
  ]) {
    test(`${what} is refused before a request`, async (t) => {
      const { fake, wxa } = await setup(t)
      const error = await failure(wxa.createQRCode({ path: 'a', extra }))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', param])
      assert.match(error.explanation.cause.en, cause)
      assert.match(error.explanation.cause.zh, /extra/)
      assert.equal(fake.requests.length, 0)
    })
  }

  test('one that contains itself is refused', () => {
    const extra = { a: {} }
    extra.a.b = extra
    assert.match(
      thrown(() => {
        throw check('qrcode', { path: 'a', extra })
      }).message,
      /extra is nested too deeply/,
    )
  })

  test('a mistake in it is the programmer’s, and its visitor learns nothing of it', async (t) => {
    const { wxa } = await setup(t)
    const handler = codeHandler(wxa, () => ({ scene: 'a', extra: { page: 'a' } }), { onError() {} })
    assert.equal((await handler(new Request('http://here'))).status, 500)
  })
})
