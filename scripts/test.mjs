// All tests: Rust's, then JavaScript's against the built addon, files in random order and side by side.
// `--js` leaves Rust out; file names after that choose the files. TEST_SEED repeats an order.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { seed, shuffled } from '../__test__/support/shuffle.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [first, ...rest] = process.argv.slice(2)
const onlyJs = first === '--js'

if (!onlyJs && spawnSync('cargo', ['test', '--quiet'], { cwd: root, stdio: 'inherit' }).status !== 0)
  process.exitCode = 1

const chosen = onlyJs ? rest.map((file) => resolve(file)) : []
const files = shuffled(
  chosen.length > 0
    ? chosen
    : [
        '__test__',
        '__test__/documents',
        '__test__/fleet',
        '__test__/web',
        'fake/test',
        'cli/test',
        'scene/test',
        'otel/test',
        'nest/test',
        'image/test',
      ].flatMap(testsIn),
)
console.log(`TEST_SEED=${seed}`)
process.env.TEST_SEED = String(seed)

run({ files, concurrency: availableParallelism() })
  .on('test:fail', () => {
    process.exitCode = 1
  })
  .compose(new spec())
  .pipe(process.stdout)

/** @param {string} folder */
function testsIn(folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.mjs'))
    .map((name) => join(root, folder, name))
}
