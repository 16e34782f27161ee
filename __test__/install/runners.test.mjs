import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
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
/** How many tests the folder of a project has. */
const TESTS = { nest: 10, vitest: 3 }

let registry
const projects = {}
before(async () => {
  registry = await startRegistry(TARBALLS, await npm(tmpdir(), 'config', 'get', 'registry'))
  await Promise.all(Object.keys(TESTS).map(install))
})
after(() => {
  registry.close()
  for (const { folder } of Object.values(projects)) rmSync(folder, { recursive: true, force: true })
})

suite(
  "a user's test runner",
  (test) => {
    const nest = (title, ...flags) =>
      test(`Jest as \`nest new\` sets it up, ${title}: the tests of the user pass`, async () => {
        const { stdout } = await project('nest', 'jest/bin/jest.js', '--json', ...flags)
        assertAllPassed(stdout, TESTS.nest)
      })

    nest('with ts-jest and in CommonJS')
    nest('where the tests have a browser’s globals', '--env', 'jsdom')

    test('TypeScript finds no error', async () => {
      await project('nest', 'typescript/bin/tsc', '--noEmit')
    })

    for (const pool of ['threads', 'forks', 'vmThreads']) {
      test(`Vitest with --pool ${pool}: the tests of the user pass`, async () => {
        const { stdout } = await project('vitest', 'vitest/vitest.mjs', 'run', '--pool', pool, '--reporter', 'json')
        assertAllPassed(stdout, TESTS.vitest)
      })
    }
  },
  { concurrency: 2 },
)

/** @param {string} stdout what both runners say with JSON */
function assertAllPassed(stdout, count) {
  const { numPassedTests, numTotalTests } = JSON.parse(stdout)
  assert.deepEqual([numPassedTests, numTotalTests], [count, count])
}

/** A project outside this folder with what its package.json names: the packages of this folder, all else from where npm has it. */
async function install(name) {
  const folder = mkdtempSync(join(tmpdir(), `wxacode-${name}-`))
  projects[name] = { folder }
  cpSync(fileURLToPath(new URL(name, import.meta.url)), folder, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--no-update-notifier', '--ignore-scripts', '--prefer-offline']
  await npm(folder, 'install', '--registry', registry.url, ...options)
}

/** Runs a program of a project's packages. What it prints is told where it fails. */
async function project(name, program, ...args) {
  const { folder } = projects[name]
  const env = { ...process.env, CI: 'true', NODE_TEST_CONTEXT: undefined }
  const file = join(folder, 'node_modules', program)
  return run(process.execPath, [file, ...args], { cwd: folder, env, maxBuffer: 2 ** 24 }).catch((error) =>
    assert.fail(`${error.message}\n${error.stdout}\n${error.stderr}`),
  )
}

async function npm(cwd, ...args) {
  const { stdout } = await run(process.execPath, [NPM, ...args], { cwd, maxBuffer: 2 ** 24 })
  return stdout.trim()
}
