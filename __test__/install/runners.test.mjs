import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { suite } from '../support/suite.mjs'
import { startRegistry } from './registry.mjs'
import { TARBALLS } from './tarballs.mjs'

const run = promisify(execFile)
const NPM = process.env.npm_execpath
/** The projects, each with how many tests its sources have, and where they are if that is not its own folder. */
const PROJECTS = {
  nest: { tests: 17 },
  jest29: { tests: 17, sources: 'nest' },
  vitest: { tests: 3 },
  vitest5: { tests: 3, sources: 'vitest', oldestNode: 22 },
  mocha: { tests: 4 },
  node: { tests: 3 },
}
const [NODE] = process.versions.node.split('.').map(Number)
/** The projects whose test runner runs on this Node. */
const NAMES = Object.keys(PROJECTS).filter((name) => NODE >= (PROJECTS[name].oldestNode ?? 0))
/** Milliseconds for one test: the runners' own limits of some seconds are too few on a busy machine. */
const LIMIT = '60000'
const POOLS = ['threads', 'forks', 'vmThreads', 'vmForks']

let registry
const folders = {}
before(async () => {
  registry = await startRegistry(TARBALLS, await npm(tmpdir(), 'config', 'get', 'registry'))
  await Promise.all(NAMES.map(install))
})
after(() => {
  registry.close()
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true })
})

suite(
  "a user's test runner",
  (test) => {
    for (const [name, title] of [
      ['nest', 'Jest as `nest new` sets it up'],
      ['jest29', 'Jest 29'],
    ]) {
      const jest = (...flags) => project(name, 'jest/bin/jest.js', '--json', '--testTimeout', LIMIT, ...flags)

      test(`${title}, with ts-jest and in CommonJS: the tests of the user pass`, async () => {
        assertAllPassed(name, (await jest()).stdout)
      })

      test(`${title}, where the tests have a browser’s globals: the tests of the user pass`, async () => {
        assertAllPassed(name, (await jest('--env', 'jsdom')).stdout)
      })

      test(`${title}: no open handle is of this package`, async () => {
        const { stdout, stderr } = await jest('--detectOpenHandles')
        assertAllPassed(name, stdout)
        // Jest 29 lists what every addon that is made with napi-rs has, and that keeps no process alive.
        const handles = [...stderr.matchAll(/● {2}(\S+)/g)].map(([, handle]) => handle)
        assert.deepEqual([...new Set(handles)], name === 'jest29' ? ['CustomGC'] : [])
      })
    }

    test('TypeScript finds no error', async () => {
      await project('nest', 'typescript/bin/tsc', '--noEmit')
    })

    for (const [name, flags] of [
      ...POOLS.map((pool) => ['vitest', ['--pool', pool]]),
      ...POOLS.slice(0, 2).map((pool) => ['vitest', ['--pool', pool, '--no-isolate']]),
      ...POOLS.map((pool) => ['vitest5', ['--pool', pool]]),
      ...POOLS.slice(0, 2).map((pool) => ['vitest5', ['--pool', pool, '--no-isolate']]),
    ]) {
      const skip = !NAMES.includes(name) && `it needs Node ${PROJECTS[name].oldestNode}`
      test(`${name} with ${flags.join(' ')}: the tests of the user pass`, { skip }, async () => {
        // To a file: Vitest 5 prints no JSON.
        const report = join(folders[name], `report${flags.join('')}.json`)
        const json = ['--reporter', 'json', '--outputFile', report]
        await project(name, 'vitest/vitest.mjs', 'run', '--testTimeout', LIMIT, ...flags, ...json)
        assertAllPassed(name, readFileSync(report, 'utf8'))
      })
    }

    test('Mocha, ES modules and CommonJS: the tests of the user pass, and the process ends by itself', async () => {
      const { stdout } = await project('mocha', 'mocha/bin/mocha.js', '--timeout', LIMIT, '--reporter', 'json')
      const { passes, tests } = JSON.parse(stdout).stats
      assert.deepEqual([passes, tests], [PROJECTS.mocha.tests, PROJECTS.mocha.tests])
    })

    test('node:test: the tests of the user pass, and the process ends by itself', async () => {
      const { stdout } = await project('node', undefined, '--test', '--test-reporter', 'tap')
      assert.match(stdout, new RegExp(`^# tests ${PROJECTS.node.tests}$`, 'm'))
      assert.match(stdout, new RegExp(`^# pass ${PROJECTS.node.tests}$`, 'm'))
    })
  },
  { concurrency: 2 },
)

/** @param {string} report JSON of Jest and Vitest */
function assertAllPassed(name, report) {
  const { numPassedTests, numTotalTests } = JSON.parse(report)
  assert.deepEqual([numPassedTests, numTotalTests], [PROJECTS[name].tests, PROJECTS[name].tests])
}

/** A project outside this folder with what its package.json names: the packages of this folder, all else from where npm has it. */
async function install(name) {
  const folder = mkdtempSync(join(tmpdir(), `wxacode-${name}-`))
  folders[name] = folder
  for (const from of [PROJECTS[name].sources ?? name, name])
    cpSync(fileURLToPath(new URL(from, import.meta.url)), folder, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts', '--prefer-offline']
  await npm(folder, 'install', '--registry', registry.url, ...options)
}

/** Runs a program from a project's node_modules, or Node itself. An error contains its output. */
async function project(name, program, ...args) {
  const cwd = folders[name]
  const env = { ...process.env, CI: 'true', NODE_TEST_CONTEXT: undefined }
  const file = program === undefined ? [] : [join(cwd, 'node_modules', program)]
  return run(process.execPath, [...file, ...args], { cwd, env, maxBuffer: 2 ** 24 }).catch((error) =>
    assert.fail(`${error.message}\n${error.stdout}\n${error.stderr}`),
  )
}

async function npm(cwd, ...args) {
  const { stdout } = await run(process.execPath, [NPM, ...args], { cwd, maxBuffer: 2 ** 24 })
  return stdout.trim()
}
