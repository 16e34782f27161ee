// Builds what the benchmark needs, then runs it. It has packages of its own, which nothing else needs.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../bench/', import.meta.url))

run('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'])
run('cargo', ['build', '--release', '--manifest-path', 'native/Cargo.toml'])
// A pooled Go client takes part where there is Go.
if (spawnSync('go', ['version']).status === 0) run('go', ['build', '-o', 'native/target/release/go', 'go/main.go'])
run(process.execPath, ['run.mjs', ...process.argv.slice(2)])

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: bench, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
