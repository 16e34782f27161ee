// What a fresh clone needs before anything runs: the npm packages and a release build of the addon.
// Both are quick when there is nothing to do.

import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node 20.19 or later is needed, this is ${process.versions.node}: https://nodejs.org`)
}
if (spawnSync('cargo', ['--version'], { shell: process.platform === 'win32' }).status !== 0) {
  fail('Rust is needed to build the addon, and cargo was not found: https://rustup.rs')
}
if (!isInstalled()) run('npm', ['ci', '--no-audit', '--no-fund'])
run('npm', ['run', '--silent', 'build'])

function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const wanted = join(root, 'package-lock.json')
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  console.log(`> ${command} ${args.join(' ')}`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) fail(`${command} ${args.join(' ')} failed`)
}

/** @param {string} why */
function fail(why) {
  console.error(why)
  process.exit(1)
}
