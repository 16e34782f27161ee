// Builds what the benchmark needs, then runs it. It has packages of its own, which nothing else needs. Standard output is
// what was measured, and nothing else.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../bench/', import.meta.url))

build('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'])
build('cargo', ['build', '--release', '--workspace', '--manifest-path', 'native/Cargo.toml'])
// A pooled Go client takes part where there is Go.
if (spawnSync('go', ['version']).status === 0) build('go', ['build', '-o', 'native/target/release/go', 'go/main.go'])
run(process.execPath, ['run.mjs', ...process.argv.slice(2)], 'inherit', false)

/** @param {string} command @param {string[]} args */
function build(command, args) {
  run(command, args, 2, process.platform === 'win32')
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {'inherit' | 2} stdout
 * @param {boolean} shell
 */
function run(command, args, stdout, shell) {
  // For this machine, where `lab.mjs` looks for it, whatever else is built for.
  const env = { ...process.env, CARGO_BUILD_TARGET: undefined }
  const { status } = spawnSync(command, args, { cwd: bench, env, stdio: ['inherit', stdout, 'inherit'], shell })
  if (status !== 0) process.exit(status ?? 1)
}
