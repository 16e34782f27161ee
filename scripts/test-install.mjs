// The packages as a user gets them: built as for a release, packed, installed outside this folder, used on each Node.
// The addon and the tarballs stay in target/install.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'
import { pack } from './pack.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ADDONS = join(ROOT, 'target/install/addons')
const TARBALLS = join(ROOT, 'target/install/tarballs')
const ZIG = join(ROOT, 'target/zig')
/** The oldest glibc that the addon runs with, as the release workflow and the READMEs say too. */
const GLIBC = '2.17'

const host = /host: (.*)/.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))?.[1] ?? ''

rmSync(join(ROOT, 'target/install'), { recursive: true, force: true })
mkdirSync(ADDONS, { recursive: true })
build()
standIn()
pack(ADDONS, TARBALLS)
run(process.execPath, [
  'scripts/test.mjs',
  '--js',
  '__test__/install/packages.test.mjs',
  '__test__/install/install.test.mjs',
  '__test__/install/runners.test.mjs',
  '__test__/install/bundlers.test.mjs',
  '__test__/install/docker.test.mjs',
  '__test__/install/comparison.test.mjs',
])

function build() {
  const where = ['--manifest-path', 'addon/Cargo.toml', '--output-dir', ADDONS]
  const options = ['build', ...where, '--platform', '--release', '--no-js', '--no-const-enum']
  if (!host.endsWith('linux-gnu')) return run('npx', ['napi', ...options, '--target', host])
  if (!existsSync(join(ZIG, 'bin/cargo-zigbuild'))) {
    run('python3', ['-m', 'venv', ZIG])
    run(join(ZIG, 'bin/pip'), ['install', '--quiet', 'cargo-zigbuild==0.24.1', 'ziglang==0.15.2'])
  }
  run('npx', ['napi', ...options, '--cross-compile', '--target', `${host}.${GLIBC}`, '--target-dir', 'target/zigbuild'])
}

/** In place of the addons of other platforms, whose packages a package manager must leave out here. */
function standIn() {
  const { targets } = createRequire(import.meta.url)('../package.json').napi
  for (const triple of targets.filter((/** @type {string} */ triple) => triple !== host)) {
    writeFileSync(
      join(ADDONS, `wxacode.${parseTriple(triple).platformArchABI}.node`),
      'an addon for another platform\n',
    )
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const env = { ...process.env, PATH: join(ZIG, 'bin') + delimiter + process.env.PATH, WXACODE_TARBALLS: TARBALLS }
  const { status } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
