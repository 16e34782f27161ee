import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './support/child.mjs'
import { suite } from './support/suite.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The addon that these tests run with. */
const ADDON = process.env.NAPI_RS_NATIVE_LIBRARY_PATH || builtIn(ROOT)
/** What a child begins with, in place of wxacode itself. */
const GIVEN = 'const given = JSON.parse(process.env.TEST_GIVEN)\n'
const LOAD = `
import { createRequire } from 'node:module'
try {
  const { imageType } = createRequire(given.from)(given.from)
  console.log(typeof imageType)
} catch (error) {
  console.log(error.message)
}
`

suite('the loader of the addon', (test) => {
  test('finds it in the root of the package, and as a package of this platform', async (t) => {
    const [folder, from] = copyOf(t)
    await assertMissing(from)
    const platform = nameOf(ADDON)
    const installed = join(folder, 'node_modules', `wxacode-${platform}`)
    mkdirSync(installed, { recursive: true })
    writeFileSync(join(installed, 'package.json'), JSON.stringify({ main: `wxacode.${platform}.node` }))
    copyFileSync(ADDON, join(installed, `wxacode.${platform}.node`))
    assert.equal(await load(from), 'function')
    rmSync(installed, { recursive: true })
    copyFileSync(ADDON, join(folder, `wxacode.${platform}.node`))
    assert.equal(await load(from), 'function')
  })

  test('takes the addon that NAPI_RS_NATIVE_LIBRARY_PATH names, and no other', async (t) => {
    const [, from] = copyOf(t)
    assert.equal(await load(from, { NAPI_RS_NATIVE_LIBRARY_PATH: ADDON }), 'function')
    const missing = join(tmpdir(), 'no-such-addon.node')
    assert.match(
      await load(join(ROOT, 'index.js'), { NAPI_RS_NATIVE_LIBRARY_PATH: missing }),
      /cannot be loaded \(.*no-such/,
    )
  })

  test('loads nothing that only Object.prototype names', async () => {
    const forge = "Object.prototype.NAPI_RS_NATIVE_LIBRARY_PATH = '/no-such-addon.node'\n"
    const { stdout } = await run(forge + LOAD, { given: { from: join(ROOT, 'index.js') }, preamble: GIVEN })
    assert.equal(stdout, 'function\n')
  })
})

/** The package without its addon, in a folder with no other above it, and its main file. */
function copyOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-loader-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const name of ['index.js', 'package.json', 'lib'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  return [folder, join(folder, 'index.js')]
}

async function load(from, env = { NAPI_RS_NATIVE_LIBRARY_PATH: '' }) {
  const { stdout, stderr } = await run(LOAD, { given: { from }, env, preamble: GIVEN })
  return stdout.trim() || assert.fail(stderr)
}

async function assertMissing(from) {
  assert.match(await load(from), /is not installed\. Install again .* \| 没有安装 wxacode 在 \S+ 上的原生模块。请/)
}

function builtIn(folder) {
  const [name] = readdirSync(folder).filter((name) => name.endsWith('.node'))
  return join(folder, name)
}

const nameOf = (addon) => /wxacode\.(.*)\.node$/.exec(addon)[1]
