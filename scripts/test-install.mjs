// The packages as a user gets them: built as for a release, packed, installed outside this folder, used on each Node.
// The addon and the tarballs stay in target/install.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkedByZig, run, standIns } from './cross.mjs'
import { pack } from './pack.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ADDONS = join(ROOT, 'target/install/addons')
const TARBALLS = join(ROOT, 'target/install/tarballs')

const host = /host: (.*)/.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))?.[1] ?? ''

rmSync(join(ROOT, 'target/install'), { recursive: true, force: true })
mkdirSync(ADDONS, { recursive: true })
build()
standIns(ADDONS)
pack(ADDONS, TARBALLS)
process.env.WXACODE_TARBALLS = TARBALLS
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
  run('npx', ['napi', ...options, ...linkedByZig(host), '--target-dir', 'target/zigbuild'])
}
