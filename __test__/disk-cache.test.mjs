import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { WxaCode } from 'wxacode'
import { run, workerSource } from './support/child.mjs'
import { bytesIn, codeFiles, newDirectory } from './support/code-files.mjs'
import { asked } from './support/decode.mjs'
import { startQuickWeChat } from './support/quick.mjs'
import { checkText, newSecret, setup, suite, thrown, times } from './support/suite.mjs'

const counted = ({ hits, diskHits, misses, coalesced }) => ({ hits, diskHits, misses, coalesced })

/** Fetches each code of `given` and prints where they were found. */
const FETCH = `
const wxa = new WxaCode(given.options)
for (const scene of given.scenes) await wxa.getUnlimitedQRCode({ scene })
await wxa.close()
const { hits, diskHits, misses } = wxa.stats().cache
console.log(JSON.stringify({ hits, diskHits, misses }))
`

/** What a process of its own has found, and where. */
async function elsewhere(options, scenes) {
  const { code, stdout, stderr } = await run(FETCH, { given: { options, scenes } })
  assert.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout)
}

suite('the cache on a disk', (test) => {
  test('memory, then disk, then WeChat; and after a restart the disk', async (t) => {
    const directory = newDirectory(t)
    const { fake, wxa, options } = await setup(t, {}, { cache: { directory } })
    const first = await wxa.getUnlimitedQRCode({ scene: 'a' })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    assert.deepEqual(counted(wxa.stats().cache), { hits: 1, diskHits: 0, misses: 1, coalesced: 0 })
    await wxa.close()
    assert.equal(codeFiles(directory).length, 1)
    assert.equal(wxa.stats().cache.diskBytes, bytesIn(directory))
    assert.deepEqual(await elsewhere(options, ['a', 'a', 'b']), { hits: 1, diskHits: 1, misses: 1 })
    assert.equal(fake.count('codes'), 2)
    const again = new WxaCode(options)
    assert.deepEqual(await again.getUnlimitedQRCode({ scene: 'a' }), first)
    assert.deepEqual(counted(again.stats().cache), { hits: 0, diskHits: 1, misses: 0, coalesced: 0 })
    assert.equal(again.stats().cache.entries, 1)
  })

  test('10,000 codes requested twice, with a restart between, make 10,000 requests', {
    timeout: 300_000,
  }, async (t) => {
    const [codes, { url: baseUrl, seen }] = [10_000, await startQuickWeChat(t)]
    const directory = newDirectory(t)
    const script = `
      const wxa = new WxaCode(given.options)
      const jobs = Array.from({ length: given.codes }, (_, n) => ({ kind: 'unlimited', scene: 'n=' + n }))
      let failed = 0
      for await (const { error } of wxa.batch(jobs, { concurrency: 64 })) if (error) failed += 1
      await wxa.close()
      console.log(JSON.stringify({ failed, ...wxa.stats().cache }))`
    const given = {
      codes,
      options: {
        appid: 'wx0123456789abcdef',
        secret: newSecret(),
        baseUrl,
        ratePerMinute: 1e6,
        timeoutMs: 600_000,
        cache: { directory },
      },
    }
    for (const [n, found] of [
      [1, { diskHits: 0, misses: codes }],
      [2, { diskHits: codes, misses: 0 }],
    ]) {
      const { stdout, stderr } = await run(script, { given })
      assert.equal(stderr, '')
      const { failed, diskHits, misses } = JSON.parse(stdout)
      assert.deepEqual([failed, { diskHits, misses }, seen.count], [0, found, codes], `in process ${n}`)
    }
  })

  test('close() waits until what was fetched is on the disk', async (t) => {
    const { url: baseUrl } = await startQuickWeChat(t)
    const directory = newDirectory(t)
    const codes = 500
    const wxa = new WxaCode({ appid: 'wx0123456789abcdef', secret: newSecret(), baseUrl, cache: { directory } })
    await Promise.all(times(codes, (n) => wxa.getUnlimitedQRCode({ scene: `n=${n}` }, { timeoutMs: 600_000 })))
    await wxa.close()
    assert.equal(codeFiles(directory).length, codes)
  })

  test('processes and workers share one directory, at the same time', async (t) => {
    const directory = newDirectory(t)
    const { fake, options } = await setup(t, {}, { cache: { directory } })
    const scenes = times(10, (n) => `n=${n}`)
    const found = await Promise.all([elsewhere(options, scenes), elsewhere(options, [...scenes].reverse())])
    for (const { hits, diskHits, misses } of found) assert.equal(hits + diskHits + misses, 10)
    assert.equal(found[0].misses + found[1].misses, fake.count('codes'))
    const before = fake.count('codes')
    const worker = new Worker(
      workerSource(`const wxa = new WxaCode(given.options)
        for (const scene of given.scenes) await wxa.getUnlimitedQRCode({ scene })
        parentPort.postMessage(wxa.stats().cache.diskHits)`),
      { eval: true, workerData: { options, scenes } },
    )
    assert.deepEqual(await once(worker, 'message'), [10])
    assert.equal(fake.count('codes'), before)
  })

  test('calls that ask the same at the same time read the disk once', async (t) => {
    const directory = newDirectory(t)
    const { fake, wxa, client } = await setup(t, {}, { cache: { directory } })
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    const again = client()
    const images = await Promise.all(times(20, () => again.createQRCode({ path: 'a' })))
    assert.equal(new Set(images.map(({ buffer }) => buffer)).size, 20)
    const { hits, diskHits, coalesced, misses } = again.stats().cache
    assert.deepEqual([diskHits, hits + coalesced, misses, fake.count('codes')], [1, 19, 0, 1])
  })

  test('no more is on the disk than maxDiskBytes, and the least recently used goes first', async (t) => {
    const directory = newDirectory(t)
    const { fake, client: open } = await setup(t)
    const client = (more) => open({ cache: { directory }, ...more })
    const first = client()
    const ask = (wxa, path) => wxa.createQRCode({ path, width: 280 })
    for (const path of ['a', 'b', 'c']) await ask(first, path)
    await first.close()
    const size = bytesIn(directory) / 3
    const hour = Date.now() / 1000 - 3600
    for (const file of codeFiles(directory)) utimesSync(file, hour, hour)
    const small = client({ cache: { directory, maxDiskBytes: Math.ceil(size * 3.4) } })
    await ask(small, 'b')
    await ask(small, 'd')
    await small.close()
    assert.ok(bytesIn(directory) <= size * 3.4 * 0.9 + 1000, `${bytesIn(directory) / size}`)
    assert.equal(fake.count('codes'), 4)
    const last = client()
    for (const path of ['b', 'd']) await ask(last, path)
    assert.deepEqual([last.stats().cache.diskHits, fake.count('codes')], [2, 4])
  })

  test('a picture larger than maxDiskBytes is not written', async (t) => {
    const directory = newDirectory(t)
    const { client } = await setup(t)
    const wxa = client({ cache: { directory, maxDiskBytes: 1000 } })
    await wxa.createQRCode({ path: 'a' })
    await wxa.close()
    assert.equal(codeFiles(directory).length, 0)
  })

  test('a code lasts for ttlMs from when it was fetched, whenever it was read', async (t) => {
    const directory = newDirectory(t)
    const { fake, client } = await setup(t)
    const ask = async (ttlMs) => {
      const wxa = client({ cache: { directory, ttlMs } })
      await wxa.createQRCode({ path: 'a' })
      await wxa.close()
      return wxa.stats().cache.diskHits
    }
    assert.deepEqual([await ask(3_600_000), await ask(3_600_000), fake.count('codes')], [0, 1, 1])
    assert.equal(await ask(1), 0)
    assert.deepEqual([await ask(3_600_000), fake.count('codes')], [1, 2])
  })

  test('accounts with one directory never get the code of another, nor does another AppSecret or another host', async (t) => {
    const directory = newDirectory(t)
    const other = { appid: 'wx00000000000000b2', secret: newSecret() }
    const { fake, client: open, options } = await setup(t, { others: [other] })
    const client = (more) => open({ cache: { directory }, ...more })
    const { appid, secret } = options
    const rotated = await setup(t, { app: { appid, secret: other.secret } })
    const elsewhere = await setup(t, { app: { appid, secret } })
    const places = [
      [fake, {}],
      [fake, other],
      [rotated.fake, { secret: other.secret, baseUrl: rotated.fake.url }],
      [elsewhere.fake, { baseUrl: elsewhere.fake.url }],
    ]
    for (const round of [1, 2]) {
      for (const [n, [, more]] of places.entries()) {
        const wxa = client(more)
        await wxa.createQRCode({ path: 'a' })
        await wxa.close()
        assert.equal(wxa.stats().cache.diskHits, round - 1, `${n} in round ${round}`)
      }
    }
    assert.equal(codeFiles(directory).length, places.length)
    assert.deepEqual(
      [fake, rotated.fake, elsewhere.fake].map((one) => one.count('codes')),
      [2, 1, 1],
    )
  })

  test('files and their names show neither codes, nor the account, nor a secret', async (t) => {
    const directory = newDirectory(t)
    const { wxa, options, secrets } = await setup(t, {}, { cache: { directory } })
    const image = await wxa.getUnlimitedQRCode({ scene: 'who=c4nary' })
    await wxa.close()
    const [file] = codeFiles(directory)
    const text = `${file}${readFileSync(file, 'latin1')}`
    checkText(text, secrets())
    for (const part of [options.appid, 'c4nary', image.subarray(0, 20).toString('latin1')])
      assert.ok(!text.includes(part))
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('a file that is cut, swapped, empty, or of another program is no code, and is replaced', async (t) => {
    const directory = newDirectory(t)
    const { fake, client } = await setup(t)
    const fresh = async (path) => {
      const wxa = client({ cache: { directory } })
      const image = await wxa.createQRCode({ path })
      await wxa.close()
      return image
    }
    const first = await fresh('a')
    const [file] = codeFiles(directory)
    await fresh('b')
    const other = codeFiles(directory).find((one) => one !== file)
    const whole = readFileSync(file)
    const damages = {
      cut: () => writeFileSync(file, whole.subarray(0, whole.length - 1)),
      empty: () => writeFileSync(file, ''),
      foreign: () => writeFileSync(file, first),
      swapped: () => copyFileSync(other, file),
    }
    let requests = fake.count('codes')
    for (const [name, damage] of Object.entries(damages)) {
      damage()
      assert.deepEqual(await fresh('a'), first, name)
      requests += 1
      assert.equal(fake.count('codes'), requests, name)
      assert.deepEqual(await fresh('a'), first, name)
      assert.equal(fake.count('codes'), requests, name)
    }
  })

  test('what is no directory, or cannot be one, is refused when the client is made', async (t) => {
    const directory = newDirectory(t)
    const { client } = await setup(t)
    writeFileSync(join(directory, 'file'), '')
    for (const [cache, param, says] of [
      [{ directory: join(directory, 'file') }, 'cache.directory', /file is not a directory/],
      [{ directory: join(directory, 'file', 'below') }, 'cache.directory', /is not a directory/],
      [{ directory: 'a\0b' }, 'cache.directory', /cannot be used/],
      [{ directory: 7 }, 'cache.directory', /number/],
      [{ maxDiskBytes: 7 }, 'cache.maxDiskBytes', /directory is missing or empty/],
      [{ directory, maxDiskBytes: 0 }, 'cache.maxDiskBytes', /from 1/],
    ]) {
      const error = thrown(() => client({ cache }))
      assert.deepEqual([error.code, error.param], ['ERR_WXA_PARAMS', param])
      assert.match(error.message, says)
    }
    const token = () => 'a-token'
    for (const more of [
      { token, secret: undefined },
      { token: 'none', secret: undefined },
    ]) {
      const error = thrown(() => client({ ...more, cache: { directory } }))
      assert.equal(error.param, 'cache.directory')
      assert.match(error.message, /AppSecret.*cache\.store/s)
    }
    const missing = join(directory, 'made', 'below')
    client({ cache: { directory: missing } })
    assert.ok(existsSync(missing))
  })

  test('a directory that may not be written is refused when the client is made', {
    skip: (process.platform === 'win32' || process.getuid() === 0) && 'this user may write everywhere',
  }, async (t) => {
    const directory = newDirectory(t)
    const { client } = await setup(t)
    chmodSync(directory, 0o500)
    assert.match(thrown(() => client({ cache: { directory } })).message, /cannot be written/)
  })

  test('an empty directory counts as left out', async (t) => {
    const { client } = await setup(t)
    const wxa = client({ cache: { directory: '' } })
    await wxa.createQRCode({ path: 'a' })
    assert.equal(wxa.stats().cache.diskBytes, undefined)
  })

  test('what an unsafe merge has put on Object.prototype is no directory', async (t) => {
    const directory = newDirectory(t)
    const { options } = await setup(t)
    const script = `
      Object.assign(Object.prototype, { directory: given.directory, maxDiskBytes: 7, store: new Map() })
      const wxa = new WxaCode({ ...given.options, cache: {} })
      await wxa.createQRCode({ path: 'a' })
      await wxa.close()
      console.log(wxa.stats().cache.misses)`
    const { stdout, stderr } = await run(script, { given: { options, directory } })
    assert.deepEqual([stdout, stderr], ['1\n', ''])
    assert.equal(codeFiles(directory).length, 0)
  })

  test('a batch reads the disk too', async (t) => {
    const directory = newDirectory(t)
    const { fake, wxa, client } = await setup(t, {}, { cache: { directory } })
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    await wxa.close()
    const again = client()
    for await (const { image } of again.batch([{ kind: 'unlimited', scene: 'a' }]))
      assert.equal(asked(image).scene, 'a')
    assert.equal(fake.count('codes'), 1)
  })
})
