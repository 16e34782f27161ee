// How much of the JavaScript the tests run, by folder: npm run coverage. File names choose the tests. Child processes count too.
// The tests of memory are left out: what coverage itself keeps would be measured with it.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const FOLDERS = [
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
]
/** What is published, most specific first. */
const MEASURED = ['lib/web/', 'lib/', 'fake/', 'cli/', 'scene/', 'otel/', 'nest/', 'image/', 'index.js']

/**
 * A reporter of node:test that prints what failed, and at the end the table.
 *
 * @param {AsyncIterable<any>} events
 */
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === 'test:fail' && data.details.type !== 'suite') yield `✖ ${data.name}: ${data.details.error.message}\n`
    if (type === 'test:coverage') yield table(data.summary.files)
  }
}

/** @param {{ path: string, [count: string]: number | string }[]} files */
function table(files) {
  const rows = new Map(MEASURED.map((folder) => [folder, [0, 0, 0, 0, 0, 0]]))
  for (const file of files) {
    const path = relative(ROOT, file.path).split(sep).join('/')
    const row = rows.get(path.match(/(^|\/)test\//) ? '' : (MEASURED.find((folder) => path.startsWith(folder)) ?? ''))
    const counts = ['Line', 'Branch', 'Function'].flatMap((of) => [file[`covered${of}Count`], file[`total${of}Count`]])
    for (const [at, count] of counts.entries()) if (row) row[at] += Number(count)
  }
  const share = (/** @type {number} */ covered, /** @type {number} */ total) =>
    total === 0 ? '–' : `${((100 * covered) / total).toFixed(1)} %`
  const lines = [...rows].map(
    ([folder, [a, b, c, d, e, f]]) => `| \`${folder}\` | ${share(a, b)} | ${share(c, d)} | ${share(e, f)} |`,
  )
  return `${['| | lines | branches | functions |', '|---|---|---|---|', ...lines].join('\n')}\n`
}

/** @param {string} folder */
const testsIn = (folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.test.mjs') && name !== 'memory.test.mjs')
    .map((name) => join(ROOT, folder, name))

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const chosen = process.argv.slice(2).map((file) => resolve(file))
  const files = chosen.length > 0 ? chosen : FOLDERS.flatMap(testsIn)
  const flags = ['--test', `--test-concurrency=${availableParallelism()}`, '--experimental-test-coverage']
  const reporter = [`--test-reporter=${import.meta.url}`, '--test-reporter-destination=stdout']
  const { status } = spawnSync(process.execPath, [...flags, ...reporter, ...files], { cwd: ROOT, stdio: 'inherit' })
  process.exitCode = status ?? 1
}
