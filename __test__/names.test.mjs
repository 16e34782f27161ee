import assert from 'node:assert/strict'
import { missingNetwork, withNameServer } from './support/names.mjs'
import { suite } from './support/suite.mjs'

/** More than the 512 threads that a runtime has for what blocks. */
const ACCOUNTS = 700

suite('names that no server answers', (test) => {
  const skip = missingNetwork()

  for (const [what, name] of [
    ['of one host', () => 'silent.example'],
    ['each with a host of its own', (n) => `silent${n}.example`],
  ]) {
    test(`delay no other account: ${ACCOUNTS} accounts ${what}`, { skip }, async (t) => {
      const names = Array.from({ length: ACCOUNTS }, (_, n) => name(n))
      const said = await withNameServer(
        t,
        `
        const names = ${JSON.stringify(names)}
        const silent = names.map((name) => reach(name))
        const distinct = new Set(names).size
        await until(() => asked.size >= distinct && threads() >= distinct)
        const most = threads()
        const good = await Promise.all(['localhost', '127.0.0.1', 'a.good.example', 'b.good.example'].map((name) => reach(name, { retries: 5 })))
        const ends = new Set(await Promise.all(silent))
        say({ good, most, ends: [...ends].map((end) => end.replace(/silent\\d*/g, 'silent').replace(/:\\d+/g, '')) })`,
      )
      assert.deepEqual(said.good, ['reached', 'reached', 'reached', 'reached'])
      assert.ok(what !== 'of one host' || said.most < 100, `${said.most} threads`)
      for (const end of said.ends) {
        assert.match(end, /^ERR_WXA_NETWORK .*silent\.example could not be resolved.*DNS/)
      }
    })
  }

  test('are looked up once for all waiting calls, and a known name is not looked up for each connection', {
    skip,
  }, async (t) => {
    const said = await withNameServer(
      t,
      `
      await Promise.all(Array.from({ length: 50 }, () => reach('many.good.example')))
      await Promise.all(Array.from({ length: 50 }, () => reach('silent.example', { timeoutMs: 300 })))
      await reach('silent.example', { timeoutMs: 300 })
      say({ many: asked.get('many.good.example'), silent: asked.get('silent.example') })`,
      'timeout:30 attempts:1',
    )
    // An A and an AAAA.
    assert.deepEqual(said, { many: 2, silent: 2 })
  })

  test('of a Redis delay no other call', { skip }, async (t) => {
    const said = await withNameServer(
      t,
      `
      const redis = (n) => ({ url: 'redis://silent' + n + '.example', timeoutMs: 100 })
      const options = { appid: fake.appid, secret: fake.secret, baseUrl: fake.url, timeoutMs: 60_000 }
      const clients = Array.from({ length: 600 }, (_, n) => new WxaCode({ ...options, redis: redis(n) }))
      for (const wxa of clients) wxa.getAccessToken().catch(() => {})
      await until(() => asked.size >= 600)
      const good = await reach('a.good.example', { retries: 5 })
      say({ good })`,
    )
    assert.deepEqual(said, { good: 'reached' })
  })
})
