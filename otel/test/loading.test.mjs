import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as ofWxaCode from 'wxacode'
import * as module from 'wxacode-otel'
import { newAppid, setup, suite } from '../../__test__/support/suite.mjs'
import { call, ofApp, record } from './recorder.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const require = createRequire(import.meta.url)

suite('loading', (test) => {
  test('as a CommonJS and as an ES module it is the same class', () => {
    assert.equal(require('wxacode-otel').WxaCodeInstrumentation, module.WxaCodeInstrumentation)
    assert.deepEqual(Object.keys(require('wxacode-otel')), ['WxaCodeInstrumentation'])
  })

  test('by default it is enabled from the start, by its configuration it is not', async (t) => {
    const { provider, spans } = record(t, { enabled: false })
    const appid = newAppid()
    const [one, other] = [new module.WxaCodeInstrumentation(), new module.WxaCodeInstrumentation({ enabled: false })]
    t.after(() => one.disable())
    for (const each of [one, other]) each.setTracerProvider(provider)
    await call({ appid })
    assert.equal(spans(ofApp(appid)).length, 1)
    assert.deepEqual([one.getConfig().enabled, other.getConfig().enabled], [true, false])
  })

  test('all copies of wxacode are recorded, as CommonJS and as ES modules, loaded before it or after', async (t) => {
    const { spans } = record(t)
    const { options, appid } = await setup(t)
    const copy = copyOf(t)
    for (const { WxaCode } of [ofWxaCode, require('wxacode'), require(copy), await import(pathToFileURL(copy).href)]) {
      await new WxaCode(options).getQRCode({ path: 'pages/index/index' })
    }
    assert.notEqual(require(copy), require('wxacode'))
    const calls = spans(ofApp(appid)).filter(({ name }) => name === 'wxacode getQRCode')
    assert.equal(calls.length, 4)
    const ids = calls.map((span) => span.spanContext().spanId)
    const parents = spans(ofApp(appid))
      .filter(({ attributes }) => attributes['wxacode.purpose'] === 'code')
      .map((span) => span.parentSpanContext.spanId)
    assert.deepEqual(parents.sort(), ids.sort())
  })
})

/** A second copy of the package, as a dependency of a dependency may bring it; the addon is the same file. */
function copyOf(t) {
  mkdirSync(join(ROOT, 'target'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'target/copy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['index.js', 'package.json', 'lib']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  }
  for (const addon of readdirSync(ROOT).filter((name) => name.endsWith('.node'))) {
    symlinkSync(join(ROOT, addon), join(folder, addon))
  }
  return join(folder, 'index.js')
}
