import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import WxaCode, * as named from 'wxacode'
import { suite } from './support/suite.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const required = createRequire(import.meta.url)('wxacode')
const NAMES = [
  'InvalidParamsError',
  'InvalidPushError',
  'WeChatAPIError',
  'WxaCode',
  'WxaCodeError',
  'WxaPlatform',
  'check',
  'codeKey',
  'explain',
  'imageExtension',
  'imageType',
]
/** Static methods, which TypeScript lets an ES module import too. */
const STATIC = ['fromEnv']

const USE = `
const wxa: WxaCode = new WxaCode({ appid: 'wx0123456789abcdef', secret: 's', baseUrl: 'http://127.0.0.1:1' })
const stats: Stats = wxa.stats()
let param: string | undefined
try {
  new WxaCode({ appid: undefined })
} catch (error) {
  if (error instanceof WxaCodeError && error.code === 'ERR_WXA_PARAMS') param = error.param
}
console.log(wxa.appid, stats.requests, param, check('unlimited', { scene: '' })?.param)
`
const PRINTED = 'wx0123456789abcdef 0 appid scene\n'

/** How a program may import it, by the end of its file's name. */
const BY_DEFAULT = `import WxaCode, { check, type Stats, WxaCodeError } from 'wxacode'${USE}`
const BY_NAME = `import { check, type Stats, WxaCode, WxaCodeError } from 'wxacode'${USE}`
const BY_REQUIRE = `import WxaCode = require('wxacode')
type Stats = WxaCode.Stats
const { check, WxaCodeError } = WxaCode${USE}`

const NODE16 = { module: 'node16', moduleResolution: 'node16' }
const COMMONJS = { module: 'commonjs', moduleResolution: 'node10' }
/** Each way to compile, and what it is to understand. */
const PROJECTS = {
  'node16 resolution': {
    compilers: ['typescript54', 'typescript'],
    options: NODE16,
    programs: {
      'default.mts': BY_DEFAULT,
      'named.mts': BY_NAME,
      'require.mts': BY_REQUIRE,
      'default.cts': BY_DEFAULT,
      'named.cts': BY_NAME,
      'require.cts': BY_REQUIRE,
    },
  },
  'bundler resolution': {
    compilers: ['typescript54', 'typescript'],
    options: { module: 'esnext', moduleResolution: 'bundler' },
    programs: { 'default.mts': BY_DEFAULT, 'named.mts': BY_NAME },
  },
  'CommonJS with esModuleInterop': {
    compilers: ['typescript54'],
    options: { ...COMMONJS, esModuleInterop: true },
    programs: { 'default.ts': BY_DEFAULT, 'named.ts': BY_NAME, 'require.ts': BY_REQUIRE },
  },
  'CommonJS without esModuleInterop': {
    compilers: ['typescript54'],
    options: { ...COMMONJS, esModuleInterop: false },
    programs: { 'default.ts': BY_DEFAULT, 'named.ts': BY_NAME, 'require.ts': BY_REQUIRE },
  },
}

suite('the entry', (test) => {
  test('require() gives the class, and every name beside it', () => {
    assert.equal(typeof required, 'function')
    assert.equal(required.name, 'WxaCode')
    assert.equal(required.default, required)
    assert.equal(required.WxaCode, required)
    assert.deepEqual(Object.keys(required).sort(), [...NAMES, 'default'].sort())
  })

  test('an ES module has the class as its default, and every name that it imports', () => {
    assert.equal(WxaCode, required)
    assert.deepEqual(
      Object.keys(named).filter((name) => name !== 'module.exports'),
      [...NAMES, ...STATIC, 'default'].sort(),
    )
    for (const name of [...NAMES, ...STATIC]) assert.equal(named[name], required[name], name)
  })

  test('a class that extends it makes itself from the environment too', () => {
    class Shop extends WxaCode {}
    const shop = Shop.fromEnv({ appid: 'wx0123456789abcdef', secret: 's' })
    assert.ok(shop instanceof Shop)
    assert.equal(shop.appid, 'wx0123456789abcdef')
  })

  test('fromEnv is a function by itself, however it is reached', () => {
    const { fromEnv } = named
    for (const make of [fromEnv, named.fromEnv, required.fromEnv]) {
      assert.equal(make({ appid: 'wx0123456789abcdef', secret: 's' }).constructor, WxaCode)
    }
    assert.equal(named.fromEnv({ appid: 'wx0123456789abcdef', secret: 's' }).constructor, WxaCode)
  })

  for (const [name, { compilers, options, programs }] of Object.entries(PROJECTS)) {
    for (const compiler of compilers) {
      test(`by ${name} with ${compiler}: compiled with nothing skipped, and what comes of it runs`, async (t) => {
        const folder = folderFor(t, programs)
        await compile(folder, compiler, options)
        for (const program of Object.keys(programs)) {
          const file = join(folder, 'out', program.replace(/ts$/, 'js'))
          const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder })
          assert.equal(stdout, PRINTED, program)
        }
      })
    }
  }
})

/** In this folder's tree, where `wxacode` and Node's types are found. */
function folderFor(t, programs) {
  mkdirSync(join(ROOT, 'target/entry'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'target/entry/'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(folder, file), text)
  return folder
}

async function compile(folder, compiler, options) {
  const compilerOptions = {
    ...options,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    rootDir: '.',
    outDir: 'out',
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*'] }))
  const tsc = join(ROOT, 'node_modules', compiler, 'bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--project', folder]).catch((error) => error)
  assert.equal(stdout, '')
}
