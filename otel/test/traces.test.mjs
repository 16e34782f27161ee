import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { rowsIn, traces } from '../../scripts/traces.mjs'

test('the pictures of traces have the spans that there are', async () => {
  for (const [file, drawn] of await traces()) {
    const there = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    assert.deepEqual(rowsIn(there).sort(), rowsIn(drawn).sort(), `${file}: npm run docs:pictures`)
    assert.ok(there.length < 20_000, `${file} has ${there.length} bytes`)
  }
})
