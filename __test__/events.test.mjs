import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { run, start, startWorker } from './support/child.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { checkText, failure, setup, suite, times } from './support/suite.mjs'

const CHANNELS = ['token', 'redis', 'request']

/** Keeps what is told of one account, or of one Redis, and waits for a name. */
function listen(t, { appid, host } = {}) {
  const heard = []
  const waiting = new Set()
  const hear = (event) => {
    if (event.appid !== undefined ? event.appid !== appid : event.host !== host) return
    heard.push(event)
    for (const look of waiting) look()
  }
  for (const name of CHANNELS) subscribe(`wxacode:${name}`, hear)
  t.after(() => {
    for (const name of CHANNELS) unsubscribe(`wxacode:${name}`, hear)
  })
  return {
    heard,
    names: (...prefixes) =>
      heard.map(({ event }) => event).filter((name) => prefixes.some((prefix) => name.startsWith(prefix))),
    find: (name) => heard.find(({ event }) => event === name),
    /** Resolves when so many of these have been told. */
    told: (name, n = 1) =>
      new Promise((resolve) => {
        const look = () => {
          if (heard.filter(({ event }) => event === name).length < n) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

const TOKEN = ['refresh', 'token', 'rate_limit']
const draw = (wxa, call) => wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false }, call)

async function listening(t, clientOptions = {}, fakeOptions = {}) {
  const here = await setup(t, fakeOptions, clientOptions)
  const ear = listen(t, here)
  t.after(() => checkText(JSON.stringify(ear.heard), [here.secret, ...here.fake.liveTokens()]))
  return { ...here, ...ear }
}

suite('events', (test) => {
  test('what happened to a call has been told when its promise settles', async (t) => {
    const { wxa, heard } = await listening(t)
    await draw(wxa)
    for (let n = 0; n < 30; n++) {
      heard.length = 0
      await draw(wxa)
      assert.deepEqual(
        heard.map(({ event }) => event),
        ['request.ok'],
      )
    }
  })

  test('a cold call: a token is fetched, then a code', async (t) => {
    const { wxa, appid, names, heard, find, told } = await listening(t)
    const image = await draw(wxa)
    await told('request.ok', 2)
    await told('refresh.ok')
    assert.deepEqual(names(...TOKEN), ['refresh.start', 'refresh.ok'])
    assert.equal(find('refresh.start').reason, 'missing')
    const { fingerprint, source, tokenNumber, durationMs, expiresInMs, mode } = find('refresh.ok')
    assert.match(fingerprint, /^[0-9a-f]{8}$/)
    assert.deepEqual({ source, tokenNumber, mode }, { source: 'wechat', tokenNumber: 1, mode: 'stable' })
    assert.ok(durationMs > 0 && expiresInMs > 7_000_000 && expiresInMs <= 7_200_000)
    const [first, second] = heard.filter(({ event }) => event === 'request.ok')
    assert.deepEqual([first.endpoint, second.endpoint], ['stable_token', 'getUnlimitedQRCode'])
    assert.equal(second.bodyBytes, image.length)
    assert.equal(second.status, 200)
    for (const event of heard) {
      assert.equal(event.appid, appid)
      assert.ok(Math.abs(Date.now() - event.timestampMs) < 60_000)
      assert.ok(!Object.values(event).includes(undefined), JSON.stringify(event))
    }
  })

  test('a token that somebody else has replaced: given up, fetched again, and said so', async (t) => {
    const { fake, wxa, names, find, told } = await listening(t)
    await draw(wxa)
    fake.revokeTokens()
    await draw(wxa)
    await told('refresh.ok', 2)
    assert.deepEqual(names(...TOKEN).slice(2), [
      'token.invalidated',
      'refresh.start',
      'token.replaced_externally',
      'refresh.ok',
    ])
    assert.equal(find('token.invalidated').errcode, 40001)
    const { message, fingerprint } = find('token.replaced_externally')
    assert.equal(fingerprint, find('refresh.ok').fingerprint)
    assert.match(message, /another system shares this appid.*同一个 appid/s)
    assert.deepEqual([find('request.error').errcode, find('request.error').code], [40001, 'ERR_WXA_API'])
  })

  test('an API that refuses a good token: given up, and the same one comes back', async (t) => {
    const { fake, wxa, names, told } = await listening(t)
    await wxa.getAccessToken()
    fake.fail(40001, { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    await failure(draw(wxa))
    await failure(draw(wxa))
    await told('token.invalidate_ignored')
    assert.deepEqual(names(...TOKEN).slice(2), [
      'token.invalidated',
      'refresh.start',
      'refresh.ok',
      'token.invalidate_ignored',
    ])
  })

  test('a refused secret is told with errcode, rid and what to do', async (t) => {
    const { client, names, find, told } = await listening(t)
    await failure(draw(client({ secret: 'wrong' })))
    await told('refresh.error')
    assert.deepEqual(names(...TOKEN), ['refresh.start', 'refresh.error'])
    const { code, errcode, rid, message } = find('refresh.error')
    assert.deepEqual([code, errcode], ['ERR_WXA_API', 40125])
    assert.ok(rid && /AppSecret/.test(message))
  })

  test('a token provider', async (t) => {
    const { fake, client, appid, secret, names, find, told } = await listening(t)
    const token = async () => (await client().getAccessToken()).accessToken
    await draw(client({ token, secret }))
    await told('request.ok', 2)
    assert.deepEqual(
      names('refresh').filter((name) => name === 'refresh.ok'),
      ['refresh.ok', 'refresh.ok'],
    )
    assert.equal(find('refresh.start').mode, 'provider')
    assert.equal(find('refresh.start').appid, appid)
    assert.equal(fake.count('tokens'), 1)
  })

  test('rate limits that are exceeded', async (t) => {
    const { client, wxa, heard, told } = await listening(t)
    await wxa.getAccessToken({ forceRefresh: true })
    await failure(wxa.getAccessToken({ forceRefresh: true }))
    const slow = client({ ratePerMinute: 1, timeoutMs: 20_000 })
    await draw(slow)
    await failure(draw(slow))
    await told('rate_limit.exceeded', 2)
    const spent = heard.filter(({ event }) => event === 'rate_limit.exceeded')
    assert.deepEqual(
      spent.map(({ reason }) => reason),
      ['forced_refresh_limit', 'process_limit'],
    )
    assert.ok(spent.every(({ retryAfterMs }) => retryAfterMs > 0))
  })

  test('a request without a waiting caller', async (t) => {
    const { fake, wxa, find, told } = await listening(t)
    await wxa.getAccessToken()
    fake.hold('codes')
    const controller = new AbortController()
    const aborted = failure(draw(wxa, { signal: controller.signal }))
    await fake.arrived(1, 'codes')
    controller.abort()
    await aborted
    await told('request.abort')
    assert.equal(find('request.abort').endpoint, 'getUnlimitedQRCode')
  })

  test('who has stopped listening hears nothing, and who listens again hears again', async (t) => {
    const { stdout, stderr } = await (async () => {
      const { options } = await setup(t)
      return run(
        `
        import { subscribe, unsubscribe } from 'node:diagnostics_channel'
        const heard = []
        const hear = ({ event, endpoint }) => heard.push(endpoint ?? event)
        const told = async (name) => { while (!heard.includes(name)) await new Promise((resolve) => setTimeout(resolve, 5)) }
        const wxa = new WxaCode(given)
        subscribe('wxacode:token', hear)
        await wxa.getAccessToken()
        await told('refresh.ok')
        unsubscribe('wxacode:token', hear)
        await wxa.createQRCode({ path: 'a' })
        subscribe('wxacode:request', hear)
        await wxa.getQRCode({ path: 'a' })
        await told('getQRCode')
        console.log(heard.join())
        `,
        { given: options },
      )
    })()
    assert.equal(stderr, '')
    assert.equal(stdout.trim(), 'refresh.start,refresh.ok,getQRCode')
  })

  test('listening keeps no process alive, and a subscriber that throws harms no call', async (t) => {
    const { options } = await setup(t)
    const { code, stdout } = await run(
      `
      import { subscribe } from 'node:diagnostics_channel'
      process.on('uncaughtException', (error) => console.log(error.message))
      let thrown = false
      subscribe('wxacode:token', () => {
        if (thrown) return
        thrown = true
        throw new Error('a subscriber broke')
      })
      const image = await new WxaCode(given).getUnlimitedQRCode({ scene: 'a', checkPath: false })
      console.log(image.length > 1000)
      `,
      { given: options },
    )
    assert.equal(code, 0)
    assert.deepEqual(stdout.trim().split('\n').sort(), ['a subscriber broke', 'true'])
  })

  test('each thread hears of the shared token and of its own requests', async (t) => {
    const { wxa, options, names, told } = await listening(t)
    const worker = startWorker(
      `
      const { subscribe } = require('node:diagnostics_channel')
      const heard = []
      for (const name of ['token', 'request']) subscribe('wxacode:' + name, ({ appid, event, endpoint }) => {
        if (appid !== given.appid) return
        heard.push(endpoint ?? event)
        parentPort.postMessage(heard)
      })
      const wxa = new WxaCode(given)
      parentPort.on('message', async () => {
        await wxa.createQRCode({ path: 'a' })
        wxa.invalidateAccessToken((await wxa.getAccessToken()).accessToken)
      })
      parentPort.postMessage('ready')
      `,
      options,
    )
    t.after(() => worker.terminate())
    const heard = await new Promise((resolve, reject) => {
      worker.on('error', reject)
      worker.on('message', async (message) => {
        if (message === 'ready') {
          await wxa.getAccessToken()
          await wxa.getQRCode({ path: 'a' })
          worker.postMessage('go')
        } else if (message.includes('token.invalidated')) resolve(message)
      })
    })
    assert.deepEqual(heard, ['refresh.start', 'refresh.ok', 'createQRCode', 'token.invalidated'])
    await told('token.invalidated')
    await told('request.ok', 2)
    assert.deepEqual(names('request'), ['request.ok', 'request.ok'])
  })

  test('threads that end while they listen take nothing with them', async (t) => {
    const { options, wxa } = await listening(t)
    const script = `
      const { subscribe } = require('node:diagnostics_channel')
      for (const name of ['token', 'redis', 'request']) subscribe('wxacode:' + name, () => {})
      const wxa = new WxaCode(given)
      await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
      parentPort.postMessage('one')
      for (;;) await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
    `
    await Promise.all(
      times(6, async () => {
        const worker = startWorker(script, options)
        await new Promise((resolve) => worker.once('message', resolve))
        await worker.terminate()
      }),
    )
    assert.ok((await draw(wxa)).length > 1000)
  })

  test('a Redis that goes and comes back', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { wxa, client } = await setup(t, {}, { redis: patient(redis.url) })
    const { names, find, told } = listen(t, { host: `127.0.0.1:${redis.port}` })
    await wxa.getAccessToken()
    assert.equal(wxa.stats().redis, 'up')
    await redis.stop()
    await draw(client())
    await told('redis.down')
    assert.equal(wxa.stats().redis, 'down')
    assert.match(find('redis.down').message, /Redis.*Redis/)
    await redis.start()
    await told('redis.up')
    assert.equal(wxa.stats().redis, 'up')
    assert.deepEqual(names('redis'), ['redis.down', 'redis.up'])
    assert.ok(find('redis.up').outageMs > 0)
  })

  test('in a fleet: who waits, who steps in, and who is given', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { fake, wxa, options, names, find, told } = await listening(t, { redis: patient(redis.url) })
    const hold = fake.hold('tokens')
    const leader = start('await new WxaCode(given).getAccessToken()', { given: options })
    await fake.arrived(1, 'tokens')
    const waiting = wxa.getAccessToken()
    await told('lock.wait')
    leader.child.kill('SIGKILL')
    await leader.done
    await told('lock.takeover')
    hold.release()
    await waiting
    await told('refresh.ok')
    assert.deepEqual(names(...TOKEN, 'lock'), ['refresh.start', 'lock.wait', 'lock.takeover', 'refresh.ok'])
    const follower = await run(
      `
      import { subscribe } from 'node:diagnostics_channel'
      const stayAlive = setInterval(() => {}, 1000)
      subscribe('wxacode:token', (event) => {
        console.log(JSON.stringify(event))
        if (event.event === 'refresh.ok') clearInterval(stayAlive)
      })
      await new WxaCode(given).getAccessToken()
      `,
      { given: options },
    )
    const [, given] = follower.stdout.trim().split('\n').map(JSON.parse)
    assert.deepEqual([given.event, given.source], ['refresh.ok', 'redis'])
    assert.equal(given.fingerprint, find('refresh.ok').fingerprint, 'the same name in every process')
  })
})
