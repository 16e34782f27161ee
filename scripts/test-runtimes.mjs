// The JavaScript tests on the oldest and the newest Node, those of the boundary between JavaScript and the addon on the
// others, and those that start no Node of their own on Bun and Deno, against what is built.
// Arguments choose the runtimes: npm run test:runtimes -- node@22 deno@2. `--others` is all but the Node that runs this.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { environmentOf, NODES, OTHERS, runtime } from './runtimes.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** Whole, because what breaks with an age of Node breaks at one of its ends. */
const WHOLE = [NODES[0], NODES.at(-1)]

const ANYWHERE = [
  ...['abort', 'answers', 'apis', 'batch', 'cache', 'check', 'codes', 'errors', 'params'].map(fileIn('__test__')),
  ...['answers', 'etag', 'problems', 'options', 'leaving'].map(fileIn('__test__/web')),
  ...['arrival', 'definition', 'values'].map(fileIn('scene/test')),
]
const BOUNDARY = [
  ...ANYWHERE,
  ...['body', 'boundary', 'events', 'lifecycle', 'memory', 'provider', 'realms', 'secrets'].map(fileIn('__test__')),
]
// By itself: what Hono brings for Node replaces the global Response, which Bun.serve does not take.
const SERVE = ['serve'].map(fileIn('__test__/runtimes'))

const BUN = ['test', '--timeout', '60000']
const DENO = ['test', '--allow-all', '--no-check', '--node-modules-dir=manual']

/** @type {Record<string, string[][]>} */
const RUNS = {
  node: [['scripts/test.mjs', '--js', ...BOUNDARY]],
  bun: [ANYWHERE, SERVE].map((files) => [...BUN, ...files]),
  deno: [ANYWHERE, SERVE].map((files) => [...DENO, ...files]),
}

const present = `node@${process.versions.node.split('.')[0]}`
const all = [...NODES, ...OTHERS]
const given = process.argv.slice(2)
const chosen = given[0] === '--others' ? all.filter((one) => one !== present) : given.length > 0 ? given : all
const outcomes = chosen.map((one) => {
  const { name, version, program } = runtime(one)
  console.log(`\n== ${name} ${version}`)
  const options = /** @type {const} */ ({ cwd: ROOT, env: environmentOf(program), stdio: 'inherit' })
  const runs = WHOLE.includes(one) ? [['scripts/test.mjs', '--js']] : RUNS[name]
  const failed = runs.filter((args) => spawnSync(program, args, options).status !== 0)
  return { runtime: `${name} ${version}`, passed: failed.length === 0 }
})
console.table(outcomes)
if (outcomes.some(({ passed }) => !passed)) process.exitCode = 1

/** @param {string} folder */
function fileIn(folder) {
  return (/** @type {string} */ name) => `./${folder}/${name}.test.mjs`
}
