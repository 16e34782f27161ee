import assert from 'node:assert/strict'
import { check, InvalidParamsError, WxaCode } from 'wxacode'
import { failure, suite, thrown } from './support/suite.mjs'

/** No server listens on this port: `check` sends no request. */
const wxa = new WxaCode({ appid: 'wx0123456789abcdef', secret: 's', baseUrl: 'http://127.0.0.1:1' })

suite('check', (test) => {
  test('what is well has nothing wrong with it', () => {
    assert.equal(check('unlimited', { scene: 'a', page: 'pages/a', lineColor: { r: 1, g: 2, b: 3 } }), undefined)
    assert.equal(check('limited', { path: 'a?b=1', isHyaline: true }), undefined)
    assert.equal(check('qrcode', { path: 'a', width: 1280 }), undefined)
  })

  for (const [kind, method, params] of [
    ['unlimited', 'getUnlimitedQRCode', { scene: '中' }],
    ['unlimited', 'getUnlimitedQRCode', {}],
    ['unlimited', 'getUnlimitedQRCode', { scene: 'a', page: '/a' }],
    ['unlimited', 'getUnlimitedQRCode', { scene: 'a', check_path: false }],
    ['unlimited', 'getUnlimitedQRCode', { scene: 'a', width: '430' }],
    ['unlimited', 'getUnlimitedQRCode', { scene: 'a', lineColor: { r: 256, g: 0, b: 0 } }],
    ['limited', 'getQRCode', { path: '' }],
    ['limited', 'getQRCode', { path: 'a', envVersion: '' }],
    ['qrcode', 'createQRCode', { path: 'a'.repeat(129) }],
    ['qrcode', 'createQRCode', null],
  ]) {
    test(`says what the call would: ${kind} ${JSON.stringify(params)?.slice(0, 50)}`, async () => {
      const wrong = check(kind, params)
      assert.ok(wrong instanceof InvalidParamsError)
      const error = await failure(wxa[method](params))
      const told = ({ message, param, errcode, endpoint, explanation }) => ({
        message,
        param,
        errcode,
        endpoint,
        explanation,
      })
      assert.deepEqual(told(wrong), told(error))
    })
  }

  test('another kind is a mistake of the caller', () => {
    const { explanation, param } = thrown(() => check('round', {}))
    assert.equal(param, 'kind')
    assert.deepEqual(explanation.cause, { zh: '未知的 kind“round”', en: 'unknown kind “round”' })
    assert.equal(explanation.fix.en, 'Set kind to one of unlimited, limited, qrcode')
    assert.match(thrown(() => check(undefined, {})).message, /^kind is missing\./)
    assert.match(thrown(() => check(7, {})).message, /^kind is not a string\./)
  })
})
