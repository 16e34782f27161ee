import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { asked } from '../../__test__/support/decode.mjs'
import { setup, suite } from '../../__test__/support/suite.mjs'
import poster from '../../examples/miniprogram/poster.js'

const ROOT = fileURLToPath(new URL('../../examples/miniprogram/', import.meta.url))
const require = createRequire(import.meta.url)
const json = (path) => JSON.parse(readFileSync(path, 'utf8'))

const values = { id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', from: 'share', n: 7, t: new Date('2026-11-28T12:00:00Z') }

suite('the example mini-program', (test) => {
  for (const [system, deliver] of [
    ['iOS', encodeURIComponent],
    ['iOS, encoded twice', (scene) => encodeURIComponent(encodeURIComponent(scene).replaceAll('-', '%2D'))],
    ['Android', (scene) => scene],
  ])
    test(`shows what a server put into the picture: ${system}`, async (t) => {
      const { wxa } = await setup(t)
      const picture = await wxa.getUnlimitedQRCode({ scene: poster.encode(values), page: 'pages/index/index' })
      const { scene, page } = asked(picture)
      const { data } = opened(page, { scene: deliver(scene) })
      assert.deepEqual({ ...data }, { state: 'poster', ...values, t: values.t.toLocaleString() })
    })

  test('shows its home without a code', () => {
    assert.equal(opened('pages/index/index', {}).data.state, 'home')
  })

  test('says that it does not know a code, and why in the log', () => {
    const { data, warnings } = opened('pages/index/index', { scene: 'id%3D42' })
    assert.deepEqual({ ...data }, { state: 'unknown', code: 'ERR_SCENE_CORRUPT' })
    assert.deepEqual(warnings, ['scene: "id%3D42" is not a full scene | "id%3D42" 不是 完整的 scene'])
  })

  test('has the pages that it names, and shows all that they set', () => {
    for (const page of json(join(ROOT, 'app.json')).pages) {
      for (const kind of ['js', 'json', 'wxml']) assert.ok(existsSync(join(ROOT, `${page}.${kind}`)), `${page}.${kind}`)
      const shown = readFileSync(join(ROOT, `${page}.wxml`), 'utf8')
      for (const name of ['state', 'code', ...Object.keys(values)])
        assert.match(shown, new RegExp(`{{.*\\b${name}\\b.*}}`))
    }
    assert.ok(existsSync(join(ROOT, json(join(ROOT, 'app.json')).sitemapLocation)))
    assert.ok(json(join(ROOT, 'package.json')).dependencies['wxacode-scene'])
  })
})

/** Opens a page as WeChat does: its own globals, `require` of the mini-program's files, packages as 构建 npm leaves them. */
function opened(page, query) {
  const warnings = []
  let definition
  const context = createContext({
    console: { warn: (text) => warnings.push(text) },
    Page: (given) => {
      definition = given
    },
  })
  const modules = new Map()
  load(join(ROOT, `${page}.js`))
  const instance = {
    ...definition,
    data: { ...definition.data },
    setData(changes) {
      Object.assign(this.data, changes)
    },
  }
  instance.onLoad(query)
  return { data: instance.data, warnings }

  function load(file) {
    if (!modules.has(file)) {
      const module = { exports: {} }
      modules.set(file, module)
      const run = runInContext(`(function (require, module, exports) {${readFileSync(file, 'utf8')}\n})`, context)
      run((name) => load(name.startsWith('.') ? join(dirname(file), name) : packed(name)), module, module.exports)
    }
    return modules.get(file).exports
  }
}

/** 构建 npm copies the folder that the package calls `miniprogram`; its index.js is the package. */
function packed(name) {
  const manifest = require.resolve(`${name}/package.json`)
  return join(dirname(manifest), json(manifest).miniprogram, 'index.js')
}
