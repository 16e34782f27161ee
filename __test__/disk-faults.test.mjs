import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run, start } from './support/child.mjs'
import { bytesIn, codeFiles, newDirectory } from './support/code-files.mjs'
import { needsOwnMount, withOwnMount } from './support/own-mount.mjs'
import { startQuickWeChat } from './support/quick.mjs'
import { newSecret, setup, suite } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** Writes codes, large ones, without end. */
const WRITER = `
const wxa = new WxaCode(given.options)
for (let n = 0; ; n++) {
  const scenes = Array.from({ length: 8 }, (_, at) => 's=' + ((n * 8 + at) % given.codes))
  await Promise.all(scenes.map((scene) => wxa.getUnlimitedQRCode({ scene })))
  console.log('some')
}
`

/** Reads each code, prints where they came from, what events there were, and whether each is the one that was asked for. */
const READER = `
import { subscribe } from 'node:diagnostics_channel'
import { questionIn } from './__test__/support/quick.mjs'
const events = []
subscribe('wxacode:cache', ({ event }) => events.push(event))
const wxa = new WxaCode(given.options)
let wrong = 0
for (let n = 0; n < given.codes; n++) {
  const image = await wxa.getUnlimitedQRCode({ scene: 's=' + n })
  if (questionIn(image).scene !== 's=' + n) wrong += 1
}
const { diskHits, misses } = wxa.stats().cache
console.log(JSON.stringify({ wrong, diskHits, misses, events }))
await wxa.close()
`

/** Fetches codes and prints the events. */
const FETCH = `
import { subscribe } from 'node:diagnostics_channel'
const events = []
subscribe('wxacode:cache', (event) => events.push(event))
try {
  const wxa = new WxaCode(given.options)
  for (let n = 0; n < given.codes; n++) await wxa.createQRCode({ path: 'p' + n })
  await wxa.close()
  await wxa.ready().catch(() => {})
  console.log(JSON.stringify({ ...wxa.stats().cache, events }))
} catch ({ code, param, message }) {
  console.log(JSON.stringify({ code, param, message }))
}
`

suite('faults of the disk', (test) => {
  test('processes that are killed at any moment leave no torn picture', { timeout: 300_000 }, async (t) => {
    const directory = newDirectory(t)
    const { url: baseUrl } = await startQuickWeChat(t, { bytes: 1_000_000 })
    const codes = 24
    // So small that sweeps run too.
    const cache = { directory, maxDiskBytes: 18_000_000, maxBytes: 1 }
    const options = { appid: 'wx0123456789abcdef', secret: newSecret(), baseUrl, ratePerMinute: 1e6, cache }
    const given = { codes, options: { ...options, timeoutMs: 600_000 } }
    let found = 0
    for (let round = 0; round < 8; round++) {
      const writers = [start(WRITER, { given }), start(WRITER, { given })]
      await Promise.all(writers.map(({ printed }) => printed('some')))
      // At another moment of its work each time.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40))
      for (const { child } of writers) child.kill('SIGKILL')
      for (const { done } of writers) assert.equal((await done).signal, 'SIGKILL')
      const { stdout, stderr } = await run(READER, { given })
      assert.equal(stderr, '')
      const { wrong, diskHits, misses, events } = JSON.parse(stdout)
      assert.deepEqual([wrong, events, diskHits + misses], [0, [], codes])
      found += diskHits
    }
    assert.ok(found > 0)
  })

  test('what a killed process has half written is removed later, and what is being written is not', async (t) => {
    const directory = newDirectory(t)
    const { wxa } = await setup(t, {}, { cache: { directory } })
    const [old, young] = ['0'.repeat(32), '1'.repeat(32)].map((name) => join(directory, 'v1', 'tmp', name))
    for (const file of [old, young]) writeFileSync(file, 'half')
    const hour = Date.now() / 1000 - 3600
    utimesSync(old, hour, hour)
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    assert.deepEqual([existsSync(old), existsSync(young)], [false, true])
  })

  test('processes that write without end stay within maxDiskBytes, with a little for each', async (t) => {
    const directory = newDirectory(t)
    const { url: baseUrl, seen } = await startQuickWeChat(t)
    const cache = { directory, maxDiskBytes: 20_000, maxBytes: 1 }
    const options = { appid: 'wx0123456789abcdef', secret: newSecret(), baseUrl, ratePerMinute: 1e6, cache }
    const given = { codes: 1_000_000, options: { ...options, timeoutMs: 600_000 } }
    const writers = [start(WRITER, { given }), start(WRITER, { given })]
    t.after(() => writers.map(({ child }) => child.kill('SIGKILL')))
    assert.ok(await until(() => seen.count > 2000))
    for (const { child, done } of writers) {
      child.kill('SIGKILL')
      await done
    }
    const bytes = bytesIn(directory)
    assert.ok(bytes > 2_000 && bytes < 30_000, `${bytes}`)
  })

  test('a full disk fails no call and emits an event', needsOwnMount, async (t) => {
    const directory = newDirectory(t)
    const { fake, options } = await setup(t, {}, { cache: { directory } })
    const under = withOwnMount(directory, 'size=200k')
    const { stdout, stderr } = await run(FETCH, { given: { codes: 6, options }, under })
    assert.equal(stderr, '')
    const { misses, events } = JSON.parse(stdout)
    assert.deepEqual([misses, fake.count('codes')], [6, 6])
    assert.ok(events.length > 0)
    for (const { event, operation, appid, mode, message } of events) {
      assert.deepEqual([event, operation, appid, mode], ['cache_disk.error', 'write', options.appid, 'stable'])
      assert.ok(
        message.includes(directory) && /No space left/.test(message) && message.includes('磁盘是否已满'),
        message,
      )
    }
  })

  test('a disk that is full before the client is made refuses none', needsOwnMount, async (t) => {
    const directory = newDirectory(t)
    const { options } = await setup(t, {}, { cache: { directory } })
    const under = withOwnMount(directory, 'nr_inodes=2')
    const { stdout, stderr } = await run(FETCH, { given: { codes: 1, options }, under })
    assert.equal(stderr, '')
    const { misses, events } = JSON.parse(stdout)
    assert.deepEqual([misses, events[0]?.event], [1, 'cache_disk.error'])
  })

  test('a file system that is read-only is refused when the client is made', needsOwnMount, async (t) => {
    const directory = newDirectory(t)
    const { options } = await setup(t, {}, { cache: { directory } })
    const { stdout } = await run(FETCH, { given: { codes: 1, options }, under: withOwnMount(directory, 'ro') })
    const { code, param, message } = JSON.parse(stdout)
    assert.deepEqual([code, param], ['ERR_WXA_PARAMS', 'cache.directory'])
    assert.match(message, /cannot be written by this process \(Read-only file system.*不可写/s)
  })

  test('a directory that is removed or moved away while it is used is made again', async (t) => {
    const directory = newDirectory(t)
    const { fake, wxa, client } = await setup(t, {}, { cache: { directory, maxBytes: 1 } })
    await wxa.createQRCode({ path: 'a' })
    await until(() => codeFiles(directory).length === 1)
    await rm(directory, { recursive: true })
    await wxa.createQRCode({ path: 'a' })
    assert.ok(await until(() => existsSync(directory) && codeFiles(directory).length === 1))
    await rename(join(directory, 'v1'), join(directory, 'moved'))
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    assert.equal(fake.count('codes'), 3)
    const again = client()
    await again.createQRCode({ path: 'a' })
    assert.equal(again.stats().cache.diskHits, 1)
  })

  test('files of others in the directory stay', async (t) => {
    const directory = newDirectory(t)
    const { wxa } = await setup(t, {}, { cache: { directory, maxDiskBytes: 100_000 } })
    mkdirSync(join(directory, 'v1', '00'))
    const others = [join(directory, 'notes.txt'), join(directory, 'v1', '00', 'notes.txt'), join(directory, 'v0')]
    for (const file of others) writeFileSync(file, 'x'.repeat(200_000))
    for (const path of ['a', 'b', 'c']) await wxa.createQRCode({ path })
    await wxa.close()
    assert.ok(others.every(existsSync))
    assert.ok(bytesIn(directory) <= 100_000 && codeFiles(directory).length > 0)
    assert.ok(readdirSync(join(directory, 'v1')).includes('lock'))
  })
})
