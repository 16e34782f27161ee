import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const text = (file) => readFileSync(join(ROOT, file), 'utf8')
const blocks = [...text('fake/README.md').matchAll(/^```[jt]s\n(.*?)^```$/gms)].map(([, code]) => code)

/** What `npm run test:install` runs in the projects of a user. */
const RECIPES = ['nest/src/codes.service.ts', 'nest/src/codes.service.spec.ts', 'vitest/codes.test.js']

for (const file of RECIPES) {
  test(`the README has ${file} as it is tested`, () => {
    assert.ok(blocks.includes(text(`__test__/install/${file}`)))
  })
}

test('the test for node:test in the README passes', async (t) => {
  const block = blocks.find((code) => code.includes("from 'node:test'"))
  mkdirSync(join(ROOT, 'target'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, 'target/fake-readme-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'block.test.mjs'), block)
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
  const args = ['--test', '--test-reporter=tap', join(folder, 'block.test.mjs')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  assert.match(stdout, /^# pass 1$/m)
  assert.equal(blocks.length, RECIPES.length + 1, 'there is a block that no test runs')
})
