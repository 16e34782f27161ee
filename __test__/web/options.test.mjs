import assert from 'node:assert/strict'
import { WxaCode } from 'wxacode'
import { codeHandler as forExpress } from 'wxacode/express'
import { codeHandler as forFastify } from 'wxacode/fastify'
import { codeHandler as forKoa } from 'wxacode/koa'
import { codeHandler as forWeb } from 'wxacode/web'
import { newAppid, newSecret, suite, thrown } from '../support/suite.mjs'

const toCode = () => ({ scene: 'a' })

/** What is wrong, which parameter an error names, and what it says besides. */
const WRONG = [
  [{ cacheControl: true }, 'cacheControl', 'false'],
  [{ cacheControl: '' }, 'cacheControl', 'ASCII'],
  [{ cacheControl: 'private\r\nSet-Cookie: a=b' }, 'cacheControl', 'ASCII'],
  [{ download: 'yes' }, 'download', 'a boolean or a function'],
  [{ filename: 7 }, 'filename', 'a string or a function'],
  [{ expose: 'all' }, 'expose', 'a boolean or a function'],
  [{ onError: {} }, 'onError', 'a function'],
  [{ timeoutMs: 0 }, 'timeoutMs', 'milliseconds'],
  [{ timeoutMs: Number.NaN }, 'timeoutMs', 'milliseconds'],
  [{ timeoutMs: 86_400_001 }, 'timeoutMs', 'milliseconds'],
  [{ cache_control: 'private' }, 'cache_control', 'cacheControl'],
  [{ timeout: 5 }, 'timeout', 'timeoutMs'],
  [{ maxAge: 5 }, 'maxAge', 'cacheControl'],
  [{ ratePerMinute: 0 }, 'ratePerMinute', 'a whole number'],
  [{ ratePerMinute: '60' }, 'ratePerMinute', 'Infinity'],
  [{ concurrency: 1.5 }, 'concurrency', 'a whole number'],
  [{ concurrency: Number.NaN }, 'concurrency', 'a whole number'],
  [{ max: 5 }, 'max', 'ratePerMinute'],
  [null, 'options', 'an object'],
  ['private', 'options', 'an object'],
]

for (const [name, codeHandler] of Object.entries({ forExpress, forFastify, forKoa, forWeb })) {
  suite(`a handler that cannot work is refused when it is created: ${name}`, (test) => {
    const wxa = new WxaCode({ appid: newAppid(), secret: newSecret() })
    const refused = (make, param, text) => {
      const error = thrown(make)
      assert.deepEqual([error.name, error.param, error.endpoint], ['InvalidParamsError', param, 'codeHandler'])
      assert.ok(error.message.includes(text), error.message)
    }

    for (const [options, param, text] of WRONG) {
      test(`options ${JSON.stringify(options)}`, () => refused(() => codeHandler(wxa, toCode, options), param, text))
    }

    test('no client', () => {
      for (const what of [undefined, {}, 'wx']) refused(() => codeHandler(what, toCode), 'wxa', 'a WxaCode')
    })

    test('no mapping', () => {
      for (const what of [undefined, { scene: 'a' }]) refused(() => codeHandler(wxa, what), 'toCode', 'a function')
    })

    test('accepts omitted options', () => {
      codeHandler(wxa, toCode)
      codeHandler(wxa, toCode, { cacheControl: undefined, timeoutMs: undefined })
    })
  })
}
