// Addons as the release workflow links them on Linux: by zig, for an old glibc and for musl.

import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ZIG = join(ROOT, 'target/zig')
/** The oldest glibc that the addon runs with, as the release workflow and the READMEs say too. */
export const GLIBC = '2.17'

/**
 * The options of `napi build` by which an addon for Linux is linked. Zig is fetched the first time.
 *
 * @param {string} triple
 */
export function linkedByZig(triple) {
  if (!existsSync(join(ZIG, 'bin/cargo-zigbuild'))) {
    run('python3', ['-m', 'venv', ZIG])
    run(join(ZIG, 'bin/pip'), ['install', '--quiet', 'cargo-zigbuild==0.24.1', 'ziglang==0.15.2'])
  }
  return ['--cross-compile', '--target', triple.endsWith('-gnu') ? `${triple}.${GLIBC}` : triple]
}

/** @param {string} triple */
export const addonOf = (triple) => `wxacode.${parseTriple(triple).platformArchABI}.node`

/**
 * In place of the addons that are not built here, without which nothing can be packed.
 *
 * @param {string} folder
 */
export function standIns(folder) {
  const { targets } = createRequire(import.meta.url)('../package.json').napi
  for (const triple of targets) {
    const file = join(folder, addonOf(triple))
    if (!existsSync(file)) writeFileSync(file, 'an addon for another platform\n')
  }
}

/**
 * Runs a command in the folder of the repository, with zig at hand, and ends the script if it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [more]
 */
export function run(command, args, more) {
  const env = { ...process.env, PATH: join(ZIG, 'bin') + delimiter + process.env.PATH, ...more }
  const { status } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
