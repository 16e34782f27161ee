// Looks for input of which what fuzz/targets says does not hold, by libFuzzer, guided by the code that it reaches:
// `npm run fuzz -- answer --seconds 600`. Without names all targets have their turn, without --seconds ten seconds each.
// Input that breaks something is left in fuzz/corpus/<target>: give it a name that says what it is and commit it, and
// `cargo test` tries it from then on. What merely reached new code stays in target/fuzz and is where the next run begins.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const corpus = join(root, 'fuzz', 'corpus')
const built = join(root, 'target', 'fuzz')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '10' } },
})
const targets = readdirSync(corpus)
const chosen = positionals.length > 0 ? positionals : targets
const unknown = chosen.find((name) => !targets.includes(name))
if (unknown !== undefined) fail(`There is no target ${unknown}; there are ${targets.join(', ')}`)
if (!(Number(values.seconds) > 0)) fail('--seconds takes a number of seconds')

// As cargo-fuzz sets them, and no sanitizer: those need a nightly compiler, and there is no unsafe code here.
const counters = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
]
const host = /^host: (.+)$/m.exec(output('rustc', ['-vV']))?.[1] ?? ''
const manifest = join(root, 'fuzz', 'Cargo.toml')
// With --target what runs at build time is built without counters.
const build = ['build', '--quiet', '--manifest-path', manifest, '--target', host, '--target-dir', built]
run('cargo', build, { CARGO_ENCODED_RUSTFLAGS: counters.join('\x1f') })

for (const target of chosen) {
  const reached = join(built, 'corpus', target)
  mkdirSync(reached, { recursive: true })
  const kept = join(corpus, target)
  console.log(`\n${target}, for ${values.seconds} s`)
  const how = [
    `-max_total_time=${values.seconds}`,
    `-artifact_prefix=${kept}/`,
    '-timeout=10',
    '-max_len=4096',
    '-verbosity=0',
    '-print_final_stats=1',
  ]
  run(join(built, host, 'debug', target), [...how, reached, kept])
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function run(command, args, env) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) fail(`${command} ${error ?? `ended with ${status}`}`)
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function output(command, args) {
  const { stdout, error } = spawnSync(command, args, { encoding: 'utf8' })
  return stdout ?? fail(`${command}: ${error}`)
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
  console.error(reason)
  process.exit(1)
}
