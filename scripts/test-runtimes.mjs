// The JavaScript tests on every Node, and those that start no Node of their own on Bun and Deno, against what is built.
// Arguments choose the runtimes: npm run test:runtimes -- node@22 deno@2

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { environmentOf, NODES, OTHERS, runtime } from './runtimes.mjs'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

const ANYWHERE = [
  ...['abort', 'answers', 'apis', 'batch', 'cache', 'check', 'codes', 'errors', 'params'],
  ...['web/answers', 'web/etag', 'web/problems', 'web/options', 'web/leaving', 'runtimes/serve'],
].map((name) => `./__test__/${name}.test.mjs`)

/** @type {Record<string, string[]>} */
const TESTS = {
  node: ['scripts/test.mjs', '--js'],
  bun: ['test', '--timeout', '60000', ...ANYWHERE],
  deno: ['test', '--allow-all', '--no-check', '--node-modules-dir=manual', ...ANYWHERE],
}

const chosen = process.argv.slice(2)
const outcomes = (chosen.length > 0 ? chosen : [...NODES, ...OTHERS]).map((one) => {
  const { name, version, program } = runtime(one)
  console.log(`\n== ${name} ${version}`)
  const { status } = spawnSync(program, TESTS[name], { cwd: ROOT, env: environmentOf(program), stdio: 'inherit' })
  return { runtime: `${name} ${version}`, passed: status === 0 }
})
console.table(outcomes)
if (outcomes.some(({ passed }) => !passed)) process.exitCode = 1
