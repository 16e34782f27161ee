import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WxaPlatform } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { codeFiles, newDirectory } from './support/code-files.mjs'
import { asked } from './support/decode.mjs'
import { deferred, newAppid, newSecret, suite, thrown } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** A platform with a ticket and two merchants. */
async function setup(t) {
  let platform
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const query = new URL(request.url, 'http://localhost').searchParams
    await platform.receivePush({ query, body: Buffer.concat(chunks) })
    response.end('success')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const pushUrl = `http://127.0.0.1:${server.address().port}/push`
  const fake = await startFakeWeChat({ platforms: [{ secret: newSecret(), pushUrl }] })
  t.after(() => fake.close())
  const { appid, secret, pushToken, encodingAESKey } = fake.platforms[0]
  const open = () => {
    const options = { appid, secret, pushToken, encodingAESKey, store: 'memory', baseUrl: fake.url }
    platform = new WxaPlatform({ ...options, timeoutMs: 600_000 })
    t.after(() => platform.close())
    return platform
  }
  open()
  await fake.pushTicket()
  const merchants = [newAppid(), newAppid()]
  for (const merchant of merchants) await fake.authorize(merchant, { permissions: [17, 88] })
  return { fake, platform, merchants }
}

suite('the cached codes of merchants', (test) => {
  test('each has its own, on the disk and in the store, and a new client finds them', async (t) => {
    const { fake, platform, merchants } = await setup(t)
    const [directory, store] = [newDirectory(t), new Map()]
    for (const [cache, round] of [
      [{ directory, store }, 0],
      [{ directory, maxBytes: 1e6 }, 1],
      [{ store, maxBytes: 1e6 }, 2],
    ]) {
      for (const merchant of merchants) {
        const wxa = platform.client(merchant, { cache })
        assert.equal(asked(await wxa.getUnlimitedQRCode({ scene: 'a' })).scene, 'a')
        await wxa.close()
        const { diskHits, storeHits } = wxa.stats().cache
        assert.deepEqual([diskHits, storeHits], [round === 1 ? 1 : 0, round === 2 ? 1 : 0], `in round ${round}`)
      }
    }
    assert.deepEqual([fake.count('codes'), codeFiles(directory).length], [2, 2])
    const owners = [...store.keys()].map((key) => key.split('/')[0])
    assert.deepEqual(owners.sort(), [...merchants].sort())
  })

  test('a client that is made for each code finds what the one before has in memory, while that is there', async (t) => {
    const { fake, platform, merchants } = await setup(t)
    const cache = { store: { get() {}, set() {} } }
    const first = platform.client(merchants[0], { cache })
    await first.getUnlimitedQRCode({ scene: 'a' })
    const second = platform.client(merchants[0], { cache })
    await second.getUnlimitedQRCode({ scene: 'a' })
    assert.deepEqual([fake.count('codes'), second.stats().cache.hits], [1, 1])
  })

  test('close() of the platform waits for what merchants store, and no longer than it may', async (t) => {
    for (const timeoutMs of [undefined, 100]) {
      const { platform, merchants } = await setup(t)
      const stored = deferred()
      const [directory, sets] = [newDirectory(t), []]
      const store = { get() {}, set: (key) => sets.push(key) && stored.promise }
      await platform.client(merchants[0], { cache: { directory, store } }).getUnlimitedQRCode({ scene: 'a' })
      let isClosed = false
      const closed = platform.close(timeoutMs ? { timeoutMs } : {}).then(() => {
        isClosed = true
      })
      if (timeoutMs === undefined) {
        assert.equal(await until(() => isClosed, 500), false)
        stored.resolve()
      }
      await closed
      assert.deepEqual([sets.length, codeFiles(directory).length], [1, 1])
      stored.resolve()
    }
  })

  test('options that make no cache are refused, and so is null', async (t) => {
    const { platform, merchants } = await setup(t)
    for (const [options, param] of [
      [{ cache: { directory: '/dev/null' } }, 'cache.directory'],
      [{ cache: { store: {} } }, 'cache.store'],
      [null, 'options'],
    ])
      assert.equal(thrown(() => platform.client(merchants[0], options)).param, param)
  })
})
