import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WxaCode } from 'wxacode'
import { run } from './support/child.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { newAppid, newSecret, setup, suite } from './support/suite.mjs'
import { until } from './support/until.mjs'

const IMAGE = Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2, 0, 0, 0xff, 0xd9])

/** A WeChat that tells `used` with each code: a number, the raw values of the header, or a function of the request's path. */
async function startWeChat(t, used) {
  const wechat = { used, paths: [] }
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      const path = req.url.split('?')[0]
      wechat.paths.push(path)
      if (path === '/cgi-bin/stable_token') return res.end('{"access_token":"A_TOKEN_OF_MANY","expires_in":7200}')
      if (wechat.used !== undefined) res.setHeader('Num-Used', wechat.used)
      res.end(wechat.answer ?? IMAGE)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const account = { appid: newAppid(), secret: newSecret() }
  wechat.options = { ...account, baseUrl: `http://127.0.0.1:${server.address().port}`, timeoutMs: 600_000 }
  wechat.client = (more) => new WxaCode({ ...wechat.options, ...more })
  return wechat
}

/** The thresholds that are told of an account. */
function thresholds(t, appid) {
  const told = []
  const hear = (event) => {
    if (event.event === 'lifetime_quota.reached' && event.appid === appid) told.push(event)
  }
  subscribe('wxacode:request', hear)
  t.after(() => unsubscribe('wxacode:request', hear))
  return told
}

const CHILD = `
const wxa = new WxaCode(given)
const { subscribe } = await import('node:diagnostics_channel')
const told = []
subscribe('wxacode:request', ({ event, percent }) => event === 'lifetime_quota.reached' && told.push(percent))
const until = async (is) => {
  for (const end = Date.now() + 60_000; !is() && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10))
}
`

suite('lifetime quota', (test) => {
  test('is unknown until WeChat tells it, and then told with its time', async (t) => {
    const wechat = await startWeChat(t, 71_234)
    const wxa = wechat.client()
    await wxa.getUnlimitedQRCode({ scene: 'a' })
    assert.ok(!('lifetimeQuota' in wxa.stats()))
    const before = Date.now()
    await wxa.getQRCode({ path: 'a' })
    const { timestampMs, ...quota } = wxa.stats().lifetimeQuota
    assert.deepEqual(quota, { used: 71_234, limit: 100_000 })
    assert.ok(timestampMs >= before - 1 && timestampMs <= Date.now())
  })

  test('is that of the account: of its other clients in this process too, and of no other account', async (t) => {
    const wechat = await startWeChat(t, 5)
    await wechat.client().createQRCode({ path: 'a' })
    assert.equal(wechat.client({ retries: 1 }).stats().lifetimeQuota.used, 5)
    assert.equal(wechat.client({ appid: newAppid() }).stats().lifetimeQuota, undefined)
  })

  test('the fake tells it as WeChat does', async (t) => {
    const { wxa } = await setup(t)
    await wxa.getQRCode({ path: 'a' })
    await wxa.getQRCode({ path: 'b' })
    assert.equal(wxa.stats().lifetimeQuota.used, 2)
  })

  for (const odd of ['', '-5', '1e3', '12 ', '1,5', 'many', '99999999999', ['7', '7']]) {
    test(`a header ${JSON.stringify(odd)} says nothing${odd === '12 ' ? ' but its number' : ''}`, async (t) => {
      const wechat = await startWeChat(t, 3)
      const wxa = wechat.client()
      await wxa.getQRCode({ path: 'a' })
      wechat.used = odd
      await wxa.getQRCode({ path: 'b' })
      assert.equal(wxa.stats().lifetimeQuota.used, odd === '12 ' ? 12 : 3)
    })
  }

  test('a missing header and an answer that is no picture change nothing', async (t) => {
    const wechat = await startWeChat(t, 3)
    const wxa = wechat.client({ retries: 0 })
    await wxa.getQRCode({ path: 'a' })
    wechat.used = undefined
    await wxa.getQRCode({ path: 'b' })
    Object.assign(wechat, { used: 9, answer: '<html>' })
    await assert.rejects(wxa.getQRCode({ path: 'c' }), { code: 'ERR_WXA_RESPONSE' })
    assert.equal(wxa.stats().lifetimeQuota.used, 3)
  })

  test('it may fall, as a later answer says', async (t) => {
    const wechat = await startWeChat(t, 60_000)
    const wxa = wechat.client()
    await wxa.getQRCode({ path: 'a' })
    wechat.used = 10
    await wxa.getQRCode({ path: 'b' })
    assert.equal(wxa.stats().lifetimeQuota.used, 10)
  })

  test('an event is published once for each threshold, and for the highest if several are passed at once', async (t) => {
    const wechat = await startWeChat(t, 0)
    const wxa = wechat.client()
    const told = thresholds(t, wxa.appid)
    const numbers = [49_999, 50_000, 50_001, 79_999, 93_000, 94_999, 95_000, 98_999, 99_000, 100_000]
    for (const used of numbers) {
      wechat.used = used
      await wxa.getQRCode({ path: `a?${used}` })
    }
    assert.ok(await until(() => told.length === 4))
    assert.deepEqual(
      told.map(({ used, percent, limit }) => [used, percent, limit]),
      [
        [50_000, 50, 100_000],
        [93_000, 90, 100_000],
        [95_000, 95, 100_000],
        [99_000, 99, 100_000],
      ],
    )
    assert.ok(told.every(({ timestampMs, mode }) => timestampMs > 0 && mode === 'stable'))
  })

  test('a process that begins late tells where the account is', async (t) => {
    const wechat = await startWeChat(t, 85_000)
    const wxa = wechat.client()
    const told = thresholds(t, wxa.appid)
    await wxa.getQRCode({ path: 'a' })
    assert.ok(await until(() => told.length === 1))
    assert.equal(told[0].percent, 80)
  })

  test('an event is published again if usage falls below its threshold and reaches it again', async (t) => {
    const wechat = await startWeChat(t, 81_000)
    const wxa = wechat.client()
    const told = thresholds(t, wxa.appid)
    for (const used of [81_000, 79_000, 80_500]) {
      wechat.used = used
      await wxa.getQRCode({ path: `a?${used}` })
    }
    assert.ok(await until(() => told.length === 2))
    assert.deepEqual(
      told.map(({ percent }) => percent),
      [80, 80],
    )
  })

  test('processes with a Redis share it, and one of them tells a threshold', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const wechat = await startWeChat(t, 81_000)
    const given = { ...wechat.options, redis: patient(redis.url) }
    const first = await run(
      `${CHILD}
      await wxa.getQRCode({ path: 'a' })
      await until(() => told.length === 1)
      console.log(JSON.stringify([wxa.stats().lifetimeQuota.used, told]))
      `,
      { given },
    )
    assert.deepEqual([first.stderr, JSON.parse(first.stdout)], ['', [81_000, [80]]])
    wechat.used = 82_000
    const second = await run(
      `${CHILD}
      const unknown = wxa.stats().lifetimeQuota === undefined
      await wxa.ready()
      await until(() => wxa.stats().lifetimeQuota)
      const { used, timestampMs } = wxa.stats().lifetimeQuota
      await wxa.getQRCode({ path: 'b' })
      console.log(JSON.stringify([unknown, used, timestampMs <= Date.now(), wxa.stats().lifetimeQuota.used]))
      // Redis has the number when another client finds it there.
      process.exitCode = told.length
      `,
      { given },
    )
    assert.deepEqual([second.stderr, JSON.parse(second.stdout)], ['', [true, 81_000, true, 82_000]])
    assert.equal(second.code, 0)
  })

  test('a Redis that is down, or has something else in its place, loses nothing', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const wechat = await startWeChat(t, 50_000)
    const wxa = wechat.client({ redis: patient(redis.url) })
    const told = thresholds(t, wxa.appid)
    await wxa.getQRCode({ path: 'a' })
    assert.ok(await until(() => told.length === 1))
    const key = redis.cli('KEYS', '*:usage').trim()
    redis.cli('DEL', key)
    redis.cli('SET', key, 'something else')
    wechat.used = 80_000
    await wxa.getQRCode({ path: 'b' })
    assert.ok(await until(() => told.length === 2))
    await redis.stop()
    wechat.used = 90_000
    await wxa.getQRCode({ path: 'c' })
    assert.ok(await until(() => told.length === 3))
    assert.equal(wxa.stats().lifetimeQuota.used, 90_000)
  })
})
