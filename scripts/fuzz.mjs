// Looks for input of which what tests/fuzz/targets says does not hold: `npm run fuzz -- answer --seconds 600`. Without names all
// targets have their turn, without --seconds ten seconds each; FUZZ_SEED repeats a run. What breaks something is left in
// tests/fuzz/corpus/<target>: give it a name that says what it is and commit it, and `cargo test` tries it from then on.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '10' } },
})
const targets = readdirSync(join(root, 'tests', 'fuzz', 'corpus'))
const unknown = positionals.find((name) => !targets.includes(name))
if (unknown !== undefined) fail(`There is no target ${unknown}; there are ${targets.join(', ')}`)
if (!(Number(values.seconds) > 0)) fail('--seconds takes a number of seconds')

const test = ['test', '--quiet', '--no-default-features', '--test', 'fuzz', '--', '--nocapture', 'mutations']
const env = { ...process.env, FUZZ_SECONDS: values.seconds, FUZZ_TARGETS: positionals.join(',') }
const { status } = spawnSync('cargo', test, { cwd: root, stdio: 'inherit', env })
process.exitCode = status ?? 1

/** @param {string} reason */
function fail(reason) {
  console.error(reason)
  process.exit(1)
}
