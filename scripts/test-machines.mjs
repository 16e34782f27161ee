// What can be said on x64 Linux about other machines: addons for them are built and link, and that for arm64 is packed,
// installed and tested under qemu. The release workflow runs tests on the machines themselves.
// Needs rustup, qemu-user, libc6-arm64-cross, libstdc++6-arm64-cross and gcc-mingw-w64-x86-64-win32, which .ci/run installs.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addonOf, linkedByZig, run, standIns } from './cross.mjs'
import { arm64Node } from './emulator.mjs'
import { pack } from './pack.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const FOLDER = join(ROOT, 'target/machines')
const [ADDONS, TARBALLS, OTHERS] = ['addons', 'tarballs', 'others'].map((name) => join(FOLDER, name))

const ARM64 = 'aarch64-unknown-linux-gnu'
const WINDOWS = 'x86_64-pc-windows-gnu'
/** All of the release but that of this machine, which `npm run test:install` builds. @type {string[]} */
const LINUX = createRequire(import.meta.url)('../package.json').napi.targets.filter(
  (/** @type {string} */ triple) => triple.includes('-linux-') && triple !== 'x86_64-unknown-linux-gnu',
)

/** @type {{ what: string, seconds: number }[]} */
const took = []

rmSync(FOLDER, { recursive: true, force: true })
for (const folder of [ADDONS, OTHERS]) mkdirSync(folder, { recursive: true })
run('rustup', ['target', 'add', ...LINUX, WINDOWS])
for (const triple of LINUX) timed(`${triple}: build`, () => build(ADDONS, linkedByZig(triple)))
timed(`${WINDOWS}: build`, buildForWindows)
standIns(ADDONS)
pack(ADDONS, TARBALLS)
const node = arm64Node()
const env = {
  WXACODE_ADDONS: ADDONS,
  WXACODE_WINDOWS_ADDON: join(OTHERS, addonOf(WINDOWS)),
  WXACODE_TARBALLS: TARBALLS,
  WXACODE_ARM64_NODE: node,
}
timed('what was linked, and the installed package on arm64', () => test(process.execPath, 'machines/machines', env))
// The client waits 4 s for an access token, on whatever machine: one test at a time, with fewer calls at once, warmed up.
const onArm64 = {
  NAPI_RS_NATIVE_LIBRARY_PATH: join(ADDONS, addonOf(ARM64)),
  NODE_OPTIONS: `--import=${new URL('../__test__/machines/warm.mjs', import.meta.url)}`,
  TEST_CONCURRENCY: '1',
  TEST_SHARE: '0.2',
}
timed('the tests of the access token on arm64', () => test(node, 'token', onArm64))
console.table(took)

/**
 * Without optimisation: whether an addon links does not depend on it, and the release workflow builds with it.
 *
 * @param {string} folder
 * @param {string[]} options
 * @param {NodeJS.ProcessEnv} [more]
 */
function build(folder, options, more) {
  const where = ['--manifest-path', 'addon/Cargo.toml', '--output-dir', folder]
  const unoptimised = ['--', '--config', 'profile.dev.package."*".opt-level=0']
  const args = ['napi', 'build', ...where, '--platform', '--no-js', '--no-const-enum', ...options, ...unoptimised]
  run('npx', args, { CARGO_PROFILE_DEV_DEBUG: 'false', ...more })
}

/** By MinGW: zig exports every symbol, of which a library for Windows may have no more than 65,535. */
function buildForWindows() {
  // napi-build insists on Node's library. An empty one will do, because the addon looks Node's functions up when it is loaded.
  writeFileSync(join(OTHERS, 'libnode.dll'), '')
  writeFileSync(join(OTHERS, 'libnode.a'), '!<arch>\n')
  // Not beside those that are packed, among which napi wants none of a platform that has no package.
  build(OTHERS, ['--target', WINDOWS], { LIBNODE_PATH: OTHERS })
}

/**
 * @param {string} program
 * @param {string} file
 * @param {NodeJS.ProcessEnv} more
 */
function test(program, file, more) {
  run(program, ['scripts/test.mjs', '--js', `__test__/${file}.test.mjs`], more)
}

/**
 * @param {string} what
 * @param {() => void} work
 */
function timed(what, work) {
  console.log(`\n> ${what}`)
  const begun = performance.now()
  work()
  took.push({ what, seconds: Math.round((performance.now() - begun) / 1000) })
}
