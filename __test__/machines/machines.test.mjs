import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startRegistry } from '../install/registry.mjs'
import { TARBALLS } from '../install/tarballs.mjs'
import { decode } from '../support/decode.mjs'
import { setup, suite } from '../support/suite.mjs'

const {
  WXACODE_ADDONS: ADDONS,
  WXACODE_WINDOWS_ADDON: WINDOWS_ADDON,
  WXACODE_ARM64_NODE: NODE,
  npm_execpath: NPM,
} = process.env
/** That of this machine, with which the packages were tested. */
const INSTALLED = fileURLToPath(new URL('../../target/install/addons/wxacode.linux-x64-gnu.node', import.meta.url))

const addonFor = (platform) => join(ADDONS, `wxacode.${platform}.node`)
const tool = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })

/** What a user's program does first. `wxacode` and `account` are there. */
const PROGRAM = `
const wxa = new wxacode.WxaCode({ ...account, timeoutMs: 120_000 })
const params = { scene: 'id=42', page: 'pages/index/index' }
const image = (await wxa.getUnlimitedQRCode(params)).toString('base64')
const refused = await wxa.getUnlimitedQRCode({ scene: '中' }).catch(({ name, param, errcode }) => [name, param, errcode])
const answered = await wxa.getUnlimitedQRCode({ ...params, page: 'pages/nowhere' }).catch(({ name, errcode }) => [name, errcode])
console.log(JSON.stringify({ arch: process.arch, image, refused, answered }))
`
const ACCOUNT = 'const account = JSON.parse(process.env.ACCOUNT)\n'
const PROGRAMS = {
  'user.mjs': `import * as wxacode from 'wxacode'\n${ACCOUNT}${PROGRAM}`,
  'user.cjs': `const wxacode = require('wxacode')\n${ACCOUNT}void (async () => {${PROGRAM}})()\n`,
}

/** Emulated, npm and a program begin twenty times as slowly. */
const EMULATED = { timeout: 600_000 }

let registry
before(async () => {
  registry = await startRegistry(TARBALLS)
})
after(() => registry.close())

suite('addons for other machines', (test) => {
  for (const [platform, addon, machine] of [
    ['linux-x64-gnu', INSTALLED, 'X86-64'],
    ['linux-arm64-gnu', addonFor('linux-arm64-gnu'), 'AArch64'],
  ]) {
    const skip = !existsSync(addon) && platform === 'linux-x64-gnu' && 'npm run test:install has not built it'
    test(`${platform} needs no newer glibc than 2.17`, { skip }, () => {
      assert.match(tool('readelf', '-h', addon), new RegExp(`Machine: .*${machine}`))
      const versions = [...tool('readelf', '-V', '-W', addon).matchAll(/Name: GLIBC_2\.(\d+)/g)]
      assert.ok(versions.length > 0, 'readelf found no versions')
      const newest = Math.max(...versions.map(([, minor]) => Number(minor)))
      assert.ok(newest <= 17, `GLIBC_2.${newest}`)
    })
  }

  for (const [platform, machine] of [
    ['linux-x64-musl', 'X86-64'],
    ['linux-arm64-musl', 'AArch64'],
  ]) {
    test(`${platform} needs no library but libc, and registers itself`, () => {
      const addon = addonFor(platform)
      assert.match(tool('readelf', '-h', addon), new RegExp(`Machine: .*${machine}`))
      const needed = [...tool('readelf', '-d', '-W', addon).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name)
      assert.deepEqual(needed, ['libc.so'])
      const symbols = tool('readelf', '--dyn-syms', '-W', addon)
      assert.match(symbols, /GLOBAL DEFAULT +\d+ napi_register_module_v1/)
      assert.deepEqual(symbols.match(/ UND napi_\w+/g), null)
    })
  }

  test('win32-x64-gnu needs only libraries of Windows, and exports what Node looks for', () => {
    const tables = tool('objdump', '-p', WINDOWS_ADDON)
    assert.match(tables, /file format pei-x86-64/)
    const needed = [...tables.matchAll(/DLL Name: (.+)/g)].map(([, name]) => name.trim().toLowerCase())
    assert.ok(needed.includes('kernel32.dll'))
    assert.deepEqual(
      needed.filter((name) => !WINDOWS.test(name)),
      [],
    )
    const exported = [...tables.slice(tables.indexOf('[Ordinal/Name Pointer]')).matchAll(/^\s*\[ *\d+\] (\S+)$/gm)]
    assert.deepEqual(
      exported.map(([, name]) => name),
      ['napi_register_module_v1'],
    )
  })

  test('a package that npm installs on arm64 draws a code: ES module and CommonJS', EMULATED, async (t) => {
    const { folder, node } = await installedOnArm64(t)
    const packages = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))
    assert.deepEqual(packages, ['wxacode', 'wxacode-linux-arm64-gnu'])
    const { options } = await setup(t)
    const account = JSON.stringify({ appid: options.appid, secret: options.secret, baseUrl: options.baseUrl })
    for (const [file, source] of Object.entries(PROGRAMS)) {
      writeFileSync(join(folder, file), source)
      const { image, ...rest } = JSON.parse(await node([file], { ACCOUNT: account }))
      assert.equal(decode(Buffer.from(image, 'base64')).asked.scene, 'id=42')
      assert.deepEqual(rest, {
        arch: 'arm64',
        refused: ['InvalidParamsError', 'scene', 40129],
        answered: ['WeChatAPIError', 41030],
      })
    }
  })
})

/** Windows' own libraries, and the C runtime that is a part of it. */
const WINDOWS =
  /^(kernel32|ntdll|user32|advapi32|bcrypt|bcryptprimitives|crypt32|ncrypt|secur32|userenv|ws2_32|dbghelp|msvcrt|api-ms-win-[\w-]+)\.dll$/

/** An empty project with wxacode in it, by npm on the emulated Node, which sees an arm64 machine. */
async function installedOnArm64(t) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-arm64-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const env = { PATH: process.env.PATH, HOME: folder, npm_config_cache: join(folder, '.npm') }
  const node = async (args, more) => {
    const { stdout } = await promisify(execFile)(NODE, args, {
      cwd: folder,
      env: { ...env, ...more },
      maxBuffer: 2 ** 24,
    })
    return stdout
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const options = ['--registry', registry.url, '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier']
  await node([NPM, 'install', 'wxacode', ...options])
  return { folder, node }
}
