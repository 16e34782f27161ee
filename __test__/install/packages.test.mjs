import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { suite } from '../support/suite.mjs'
import { filesOf, manifestOf, TARBALLS, tarballOf, unpack } from './tarballs.mjs'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ATTW = join(ROOT, 'node_modules/.bin/attw')

/** What each package may hold of this folder's files, and its bytes at most, packed. */
const PACKAGES = {
  wxacode: { folder: '.', holds: ['index.js', 'index.d.ts', 'lib'], budget: 111_000 },
  'wxacode-fake': { folder: 'fake', holds: ['index.js', 'index.d.ts', 'cli.js', 'src', 'types'], budget: 68_000 },
  'wxacode-cli': { folder: 'cli', holds: ['bin', 'src'], budget: 131_000 },
  'wxacode-nest': { folder: 'nest', holds: ['src', 'index.d.ts'], budget: 12_000 },
  'wxacode-scene': { folder: 'scene', holds: ['src', 'index.d.ts'], budget: 16_000 },
  'wxacode-image': { folder: 'image', holds: ['src', 'index.d.ts'], budget: 18_000 },
  'wxacode-otel': { folder: 'otel', holds: ['src', 'index.d.ts'], budget: 16_000 },
}

const addonPackage = readdirSync(TARBALLS)
  .map((tarball) => tarball.replace(/-\d+\.\d+\.\d+.*$/, ''))
  .find((name) => statSync(tarballOf(name)).size > 1_000_000)

suite('what is published', (test) => {
  for (const [name, { folder, holds, budget }] of Object.entries(PACKAGES)) {
    test(`${name} holds its files and no others`, () => {
      const inGit = execFileSync('git', ['ls-files', ...holds], { cwd: join(ROOT, folder), encoding: 'utf8' })
      const documents = readdirSync(join(ROOT, folder)).filter((file) => /^(README|LICENSE)/.test(file))
      assert.deepEqual(
        filesOf(tarballOf(name)).sort(),
        [...inGit.trim().split('\n'), ...documents, 'package.json'].sort(),
      )
    })

    test(`${name} has at most ${budget} bytes`, () => {
      const { size } = statSync(tarballOf(name))
      assert.ok(size <= budget, `${size} bytes`)
    })

    test(`${name} runs no script when it is installed`, () => {
      const { scripts = {} } = manifestOf(tarballOf(name))
      assert.deepEqual(
        ['preinstall', 'install', 'postinstall', 'prepare'].filter((script) => script in scripts),
        [],
      )
    })

    test(`publint finds nothing in ${name}`, async (t) => {
      const { messages, pkg } = await publint({ pkgDir: unpacked(t, name), pack: false, strict: true })
      assert.deepEqual(
        messages.map((message) => formatMessage(message, pkg, { color: false })),
        [],
      )
    })
  }

  for (const name of ['wxacode', 'wxacode-scene', 'wxacode-otel', 'wxacode-fake', 'wxacode-nest', 'wxacode-image']) {
    test(`the types of ${name} are right for every way to resolve them`, async () => {
      await promisify(execFile)(ATTW, [tarballOf(name), '--no-color'])
    })
  }

  test('wxacode depends on nothing but the addon, one package for each platform', () => {
    const { dependencies, peerDependencies, optionalDependencies, napi, version } = manifestOf(tarballOf('wxacode'))
    assert.deepEqual([dependencies, peerDependencies], [undefined, undefined])
    assert.equal(Object.keys(optionalDependencies).length, napi.targets.length)
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      assert.equal(wanted, version)
      const { os, cpu, libc } = manifestOf(tarballOf(name))
      const platform = name.replace('wxacode-', '').split('-')
      assert.deepEqual([os, cpu], [[platform[0]], [platform[1]]])
      if (platform[0] === 'linux') assert.deepEqual(libc, [platform[2] === 'gnu' ? 'glibc' : 'musl'])
    }
  })

  test('the package of an addon holds the addon, its licence and a page', () => {
    const addon = `${addonPackage.replace('wxacode-', 'wxacode.')}.node`
    assert.deepEqual(filesOf(tarballOf(addonPackage)).sort(), ['LICENSE', 'README.md', 'package.json', addon].sort())
  })

  test('the addon has at most 5.5 MB, 2.7 packed', (t) => {
    const addon = addonIn(unpacked(t, addonPackage))
    const sizes = [statSync(addon).size, statSync(tarballOf(addonPackage)).size]
    assert.ok(sizes[0] <= 5_500_000 && sizes[1] <= 2_700_000, `${sizes} bytes`)
  })

  test('the addon needs no newer glibc than 2.17', { skip: !addonPackage.endsWith('-gnu') }, (t) => {
    const symbols = execFileSync('objdump', ['-T', addonIn(unpacked(t, addonPackage))], { encoding: 'utf8' })
    const needed = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
    assert.ok(needed.length > 10, 'objdump found no versions')
    assert.ok(Math.max(...needed) <= 17, `GLIBC_2.${Math.max(...needed)}`)
  })
})

function unpacked(t, name) {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-unpacked-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return unpack(tarballOf(name), folder)
}

function addonIn(folder) {
  return join(
    folder,
    readdirSync(folder).find((file) => file.endsWith('.node')),
  )
}
