// The packages as they are published, from one addon for each target: node scripts/pack.mjs <addons> <tarballs>

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const NAPI = fileURLToPath(new URL('cli.js', import.meta.resolve('@napi-rs/cli')))
const IN_A_SHELL = process.platform === 'win32'

/**
 * @param {string} addons a folder with `wxacode.<platform>.node` for every target
 * @param {string} tarballs the folder for the tarballs
 */
export function pack(addons, tarballs) {
  mkdirSync(tarballs, { recursive: true })
  const stage = mkdtempSync(join(tmpdir(), 'wxacode-pack-'))
  try {
    npmPack(ROOT, stage)
    execFileSync('tar', ['xzf', tarballIn(stage)], { cwd: stage })
    const main = join(stage, 'package')
    napi(main, 'create-npm-dirs')
    napi(main, 'artifacts', '--output-dir', resolve(addons))
    // Names every platform's package in optionalDependencies.
    napi(main, 'pre-publish', '--skip-optional-publish', '--no-gh-release')
    for (const platform of readdirSync(join(main, 'npm'))) {
      const folder = join(main, 'npm', platform)
      copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
      npmPack(folder, tarballs)
    }
    npmPack(main, tarballs)
    for (const workspace of ['fake', 'scene', 'otel', 'nest', 'image', 'cli']) npmPack(join(ROOT, workspace), tarballs)
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** @param {string} folder */
function tarballIn(folder) {
  const name = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (!name) throw new Error(`npm pack left no tarball in ${folder}`)
  return name
}

/**
 * @param {string} folder
 * @param {string} into
 */
function npmPack(folder, into) {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', resolve(into)]
  execFileSync('npm', args, { cwd: folder, shell: IN_A_SHELL })
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
const napi = (cwd, ...args) => execFileSync(process.execPath, [NAPI, ...args], { cwd, stdio: 'pipe' })

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [addons, tarballs] = process.argv.slice(2)
  if (!tarballs) throw new Error('usage: node scripts/pack.mjs <folder with the addons> <folder for the tarballs>')
  pack(addons, tarballs)
  console.log(readdirSync(tarballs).join('\n'))
}
