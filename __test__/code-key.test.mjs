import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { codeKey, imageExtension } from 'wxacode'
import { setup, suite, thrown } from './support/suite.mjs'

suite('codeKey', (test) => {
  // Keys lie in the stores of users: what gives these must give them for ever.
  for (const [key, code] of [
    ['v1-e129beffea4936f86f2ecc44e76d7be2', { scene: 'id=42' }],
    [
      'v1-2a9e2e44da94105fbffa3a95fcd796e3',
      {
        kind: 'unlimited',
        scene: 'id=42',
        page: 'pages/index/index',
        width: 280,
        checkPath: false,
        lineColor: '#ff0000',
      },
    ],
    [
      'v1-ad4acdc1ad4de8207950d59ba1713d33',
      { kind: 'limited', path: 'pages/商品?id=42', isHyaline: true, envVersion: 'trial' },
    ],
    ['v1-1b9773439c4da5247eb1e24ca49348f7', { kind: 'qrcode', path: 'pages/index/index?id=42' }],
    [
      'v1-8b7c9e1b3a58ade9d704e3128236828b',
      { kind: 'qrcode', path: 'a', extra: { b: { y: 1.5e300, x: [null, '品'] }, a: -0, 10: 1, 9: 2 } },
    ],
  ]) {
    test(`is ${key} for ${JSON.stringify(code)}`, () => assert.equal(codeKey(code), key))
  }

  test('is that of the picture: a default that is spelt out, the order and a note do not matter', () => {
    const key = codeKey({ scene: 'a', width: 280 })
    const defaults = { checkPath: true, envVersion: 'release', autoColor: false, lineColor: '#000', isHyaline: false }
    assert.equal(codeKey({ width: 280, ...defaults, meta: { id: 1 }, scene: 'a', kind: 'unlimited' }), key)
    assert.equal(codeKey({ scene: 'a', width: 280, extra: {} }), key)
    class Job {
      kind = 'unlimited'
      get scene() {
        return 'a'
      }
      width = 280
    }
    assert.equal(codeKey(new Job()), key)
  })

  test('is another one for another picture', () => {
    const codes = [
      ...['a', 'b'].map((scene) => ({ scene })),
      { scene: 'a', page: 'b' },
      { scene: 'a', width: 431 },
      { scene: 'a', checkPath: false },
      { scene: 'a', extra: { page2: 'b' } },
      { kind: 'limited', path: 'a' },
      { kind: 'qrcode', path: 'a' },
    ]
    assert.equal(new Set(codes.map(codeKey)).size, codes.length)
  })

  test('stays the same when a parameter that was sent in extra gets a name of its own', () => {
    const digest = (text) => `v1-${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    const sent = '{"is_hyaline":true,"path":"p","width":300}'
    const named = codeKey({ kind: 'limited', path: 'p', width: 300, isHyaline: true })
    assert.equal(named, digest(`/wxa/getwxacode\n${sent}`))
    const inExtra = codeKey({ kind: 'qrcode', path: 'p', width: 300, extra: { is_hyaline: true } })
    assert.equal(inExtra, digest(`/cgi-bin/wxaapp/createwxaqrcode\n${sent}`))
  })

  test('suits a file name on every system', () => {
    assert.match(codeKey({ scene: 'a' }), /^v1-[0-9a-f]{32}$/)
  })

  for (const [what, code, param] of [
    ['a scene that WeChat refuses', { scene: '中' }, 'scene'],
    ['an unknown parameter', { scene: 'a', env_version: 'trial' }, 'env_version'],
    ['an unknown kind', { kind: 'round', scene: 'a' }, 'kind'],
    ['no object', 'a', 'code'],
    ['null', null, 'code'],
    ['an array', [], 'code'],
  ]) {
    test(`${what} is refused as a call would`, () => {
      const error = thrown(() => codeKey(code))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', param])
    })
  }
})

suite('imageExtension', (test) => {
  test('is that of the bytes', async (t) => {
    const { wxa } = await setup(t)
    assert.equal(imageExtension(await wxa.createQRCode({ path: 'a' })), 'jpg')
    assert.equal(imageExtension(await wxa.getQRCode({ path: 'a', isHyaline: true })), 'png')
    assert.equal(imageExtension(new Uint8Array(20)), undefined)
    assert.equal(imageExtension(new Uint8Array()), undefined)
  })

  test('what is no picture’s bytes is refused by its name', () => {
    assert.deepEqual([thrown(() => imageExtension('a.png')).param], ['image'])
  })
})
