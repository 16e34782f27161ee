import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { InvalidParamsError, WeChatAPIError } from 'wxacode'
import { run } from './support/child.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { allWaitFor, failure, newAppid, setup, suite } from './support/suite.mjs'
import { as, traceOf } from './support/tracing.mjs'

const draw = (wxa, call, scene = 'a') => wxa.getUnlimitedQRCode({ scene, checkPath: false, width: 280 }, call)

/** A fake, a client with a token, and what is published of its calls from now on. */
async function tracing(t, clientOptions = {}, fakeOptions = {}) {
  const here = await setup(t, fakeOptions, clientOptions)
  await here.wxa.getAccessToken()
  const port = Number(new URL(here.fake.url).port)
  return {
    ...here,
    port,
    ...traceOf(t, { appids: [here.appid], secrets: here.secrets, port }),
  }
}

const WHOLE = ['start', 'end', 'asyncStart', 'asyncEnd']
const FAILED = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']
/** The same with so many requests. */
const requesting = (n, [start, end, ...rest] = WHOLE) => [start, end, ...Array(n).fill('attempt'), ...rest]

suite('tracing', (test) => {
  test('a call is published around its synchronous part, then its requests, then its end', async (t) => {
    const { wxa, appid, phases, call, heard } = await tracing(t)
    const image = await as('one', () => {
      const promise = draw(wxa)
      assert.deepEqual(phases('one'), ['start', 'end'])
      return promise
    })
    assert.deepEqual(phases('one'), requesting(1))
    const path = '/wxa/getwxacodeunlimit'
    assert.deepEqual(call('one'), { method: 'getUnlimitedQRCode', appid, path, source: 'wechat', result: image })
    assert.equal(call('one').result, image)
    const members = Object.fromEntries(heard.map(({ what, members }) => [what, members]))
    assert.deepEqual(members.start, ['method', 'appid', 'path'])
    assert.deepEqual(members.end, members.start)
    assert.deepEqual(members.asyncStart, ['method', 'appid', 'path', 'source', 'result'])
  })

  test('an attempt has its request and its response, and nothing that is undefined', async (t) => {
    const { client, fake, attempts, call } = await tracing(t)
    const before = Date.now()
    const image = await as('one', () => draw(client({ token: 'classic' })))
    const told = attempts('one').map(({ startTimeMs, durationMs, ...rest }) => {
      assert.ok(startTimeMs > before - 1000 && startTimeMs < Date.now() + 1000 && durationMs > 0)
      return rest
    })
    const both = { call: call('one'), scheme: 'http', host: '127.0.0.1', port: Number(new URL(fake.url).port) }
    const first = { ...both, resendCount: 0, status: 200, connectionReused: true }
    const { bodyBytes } = told[0]
    assert.ok(bodyBytes > 50)
    const token = { method: 'GET', path: '/cgi-bin/token', endpoint: 'token', purpose: 'token', bodyBytes }
    const code = { method: 'POST', path: '/wxa/getwxacodeunlimit', endpoint: 'getUnlimitedQRCode', purpose: 'code' }
    assert.deepEqual(told, [
      { ...first, ...token },
      { ...first, ...code, bodyBytes: image.length },
    ])
  })

  test('the path of an attempt has that of baseUrl, and no query; a first connection is new', async (t) => {
    const server = createServer((_, response) => response.end('{"errcode":0}'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address()
    const appid = newAppid()
    const { client } = await setup(t)
    const wxa = client({
      appid,
      secret: undefined,
      token: () => 'a-secret-token',
      baseUrl: `http://127.0.0.1:${port}/gate/way/`,
    })
    const { attempts, call } = traceOf(t, {
      appids: [appid],
      port,
      secrets: () => ['a-secret-token', 'the-openid-of-a-user'],
    })
    await as('one', () => wxa.request('/tcb/it', { query: { openid: 'the-openid-of-a-user' } }))
    await as('two', () => wxa.request('/tcb/it', { query: { openid: 'the-openid-of-a-user' } }))
    const [[one], [two]] = [attempts('one'), attempts('two')]
    assert.equal(call('one').path, '/tcb/it')
    assert.deepEqual(
      [one.method, one.path, one.endpoint, one.purpose, one.connectionReused],
      ['GET', '/gate/way/tcb/it', '/tcb/it', 'api', false],
    )
    assert.equal(two.connectionReused, true)
  })

  test('a request that is retried: the count of those before, and why the first failed', async (t) => {
    const { fake, wxa, phases, attempts, call } = await tracing(t)
    fake.fail('reset', { endpoint: 'codes' })
    await as('one', () => draw(wxa))
    assert.deepEqual(phases('one'), requesting(2))
    const [first, second] = attempts('one')
    assert.deepEqual(
      [first.resendCount, first.code, first.status, first.bodyBytes],
      [0, 'ERR_WXA_NETWORK', undefined, undefined],
    )
    assert.match(first.message, /127\.0\.0\.1/)
    assert.deepEqual([second.resendCount, second.code, second.status], [1, undefined, 200])
    assert.equal(call('one').source, 'wechat')
  })

  test('a response that is cut off has a status, and a failure to connect has no connection', async (t) => {
    const { fake, client, attempts, port } = await tracing(t, { retries: 0 })
    const wxa = client()
    fake.fail('cut', { endpoint: 'codes' })
    await as('cut', () => failure(draw(wxa)))
    const [cut] = attempts('cut')
    assert.deepEqual([cut.status, cut.bodyBytes, cut.code], [200, undefined, 'ERR_WXA_NETWORK'])
    await fake.close()
    await as('dead', () => failure(draw(wxa)))
    const dead = attempts('dead').at(-1)
    assert.deepEqual([dead.code, dead.port, 'connectionReused' in dead], ['ERR_WXA_NETWORK', port, false])
  })

  test('a token that WeChat rejects: the code, another token, the code again', async (t) => {
    const { fake, wxa, attempts, call } = await tracing(t)
    fake.revokeTokens()
    await as('one', () => draw(wxa))
    const told = attempts('one')
    // On a busy machine the token is requested again: an attempt has 4 s.
    const purposes = told.map(({ purpose }) => purpose)
    assert.deepEqual(
      purposes.filter((purpose, n) => purpose !== purposes[n - 1]),
      ['code', 'token', 'code'],
    )
    const ofCode = told.filter(({ purpose }) => purpose === 'code')
    assert.deepEqual(
      ofCode.map(({ resendCount, errcode }) => [resendCount, errcode]),
      [
        [0, 40001],
        [1, undefined],
      ],
    )
    const ofToken = told.filter(({ purpose }) => purpose === 'token').map(({ resendCount }) => resendCount)
    assert.deepEqual(ofToken.sort(), [...ofToken.keys()])
    assert.deepEqual([told[0].code, told[0].status], ['ERR_WXA_API', 200])
    assert.ok(told[0].rid && told[0].message.includes(told[0].rid))
    assert.ok(told.every((one) => one.call === call('one')))
  })

  test('a call that fails is published with its error, before its end', async (t) => {
    const { fake, wxa, phases, call } = await tracing(t)
    fake.fail(41030, { endpoint: 'codes' })
    const refused = await as('refused', () => failure(draw(wxa)))
    assert.deepEqual(phases('refused'), requesting(1, FAILED))
    assert.ok(refused instanceof WeChatAPIError)
    assert.equal(call('refused').error, refused)
    assert.deepEqual(Object.keys(call('refused')), ['method', 'appid', 'path', 'error'])
    const invalid = await as('invalid', () => failure(draw(wxa, undefined, 1)))
    assert.deepEqual(phases('invalid'), FAILED)
    assert.ok(invalid instanceof InvalidParamsError)
    assert.equal(call('invalid').error, invalid)
  })

  test('a call that its caller aborts is aborted, and no error', async (t) => {
    const { fake, wxa, phases, call, attempts } = await tracing(t)
    fake.hold('codes')
    const controller = new AbortController()
    const aborted = as('one', () => failure(draw(wxa, { signal: controller.signal })))
    await fake.arrived(1, 'codes')
    controller.abort(new Error('of the caller'))
    assert.equal((await aborted).message, 'of the caller')
    assert.deepEqual(phases('one'), requesting(1))
    assert.equal(call('one').aborted, true)
    assert.ok(!('error' in call('one')) && !('result' in call('one')))
    const [{ aborted: isAborted, code, status, endpoint }] = attempts('one')
    assert.deepEqual([isAborted, code, status, endpoint], [true, undefined, undefined, 'getUnlimitedQRCode'])
    await as('before', () => failure(draw(wxa, { signal: AbortSignal.abort(new Error('before')) })))
    assert.deepEqual(phases('before'), WHOLE)
    assert.equal(call('before').aborted, true)
  })

  test('a call that runs out of time is an error, and so is its request', async (t) => {
    const { fake, wxa, phases, call, attempts } = await tracing(t)
    fake.hold('codes')
    const error = await as('one', () => failure(draw(wxa, { timeoutMs: 300 })))
    assert.equal(error.code, 'ERR_WXA_TIMEOUT')
    assert.deepEqual(phases('one'), requesting(1, FAILED))
    assert.equal(call('one').error, error)
    assert.equal(call('one').aborted, undefined)
    const [{ code, message, aborted, status }] = attempts('one')
    assert.deepEqual([code, aborted, status], ['ERR_WXA_TIMEOUT', undefined, undefined])
    assert.match(message, /getUnlimitedQRCode|createQRCode|getQRCode/)
  })

  test('a picture from memory has no request', async (t) => {
    const { wxa, phases, call } = await tracing(t, { cache: true })
    await as('wechat', () => draw(wxa))
    const image = await as('memory', () => draw(wxa))
    await as('under a signal', () => draw(wxa, { signal: new AbortController().signal }))
    assert.deepEqual([phases('wechat'), phases('memory'), phases('under a signal')], [requesting(1), WHOLE, WHOLE])
    const sources = ['wechat', 'memory', 'under a signal'].map((store) => call(store).source)
    assert.deepEqual(sources, ['wechat', 'memory', 'memory'])
    assert.equal(call('memory').result, image)
  })

  test('a call that joins another one: the request belongs to the first, each ends in its own context', async (t) => {
    const { wxa, phases, call, attempts } = await tracing(t, { cache: true })
    // The fake, on this thread, cannot answer before both have begun.
    await Promise.all(['first', 'second'].map((store) => as(store, () => draw(wxa))))
    assert.deepEqual([phases('first'), phases('second')], [requesting(1), WHOLE])
    assert.deepEqual([call('first').source, call('second').source], ['wechat', 'joined'])
    assert.equal(attempts('first')[0].call, call('first'))
  })

  test('a request that outlives its call is published for that call, in its context', async (t) => {
    const { fake, wxa, phases, call, attempts } = await tracing(t, { cache: true })
    const hold = fake.hold('codes')
    const controller = new AbortController()
    const first = as('first', () => failure(draw(wxa, { signal: controller.signal })))
    await fake.arrived(1, 'codes')
    const second = as('second', () => draw(wxa))
    await allWaitFor((limit) => draw(wxa, limit))
    controller.abort()
    await first
    assert.deepEqual(phases('first'), WHOLE)
    hold.release()
    await second
    assert.deepEqual(phases('first'), [...WHOLE, 'attempt'])
    assert.equal(attempts('first')[0].call, call('first'))
    assert.deepEqual([phases('second'), call('second').source], [WHOLE, 'joined'])
  })

  test('a picture from Redis', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { client, phases, call } = await tracing(t, { redis: patient(redis.url) })
    // Clients whose caches have other limits share nothing but Redis.
    let size = 1 << 20
    const other = () => client({ cache: { redis: true, maxBytes: ++size } })
    await as('one', () => draw(other()))
    assert.equal(call('one').source, 'wechat')
    // The picture is put into Redis in the background.
    let store = 'one'
    for (let n = 0; call(store).source !== 'redis'; n++) {
      store = `other ${n}`
      await as(store, () => draw(other()))
    }
    assert.deepEqual(phases(store), WHOLE)
  })

  test('methods by their names, with the path that each stands for, and with no result that may be a secret', async (t) => {
    const { wxa, call, appid } = await tracing(t)
    const of = async (work) => {
      const value = await as(work, work)
      const { result, ...rest } = call(work)
      if (result !== undefined) assert.equal(result, value)
      return { ...rest, hasResult: result !== undefined }
    }
    const whole = (method, path, hasResult) => ({ method, appid, ...(path && { path }), hasResult })
    const link = '/wxa/generatescheme'
    assert.deepEqual(await of(() => wxa.getAccessToken()), whole('getAccessToken', undefined, false))
    assert.deepEqual(await of(() => wxa.generateScheme()), whole('generateScheme', link, true))
    assert.deepEqual(await of(() => wxa.request(link, { body: {} })), whole('request', link, false))
    const quota = '/cgi-bin/openapi/quota/get'
    assert.deepEqual(await of(() => wxa.getQuota(link)), whole('getQuota', quota, true))
    await as('invalid', () => failure(wxa.request(`${link}?access_token=a-secret`)))
    assert.deepEqual(Object.keys(call('invalid')), ['method', 'appid', 'error'])
    await as('of another type', () => failure(wxa.request(1)))
    assert.deepEqual(Object.keys(call('of another type')), ['method', 'appid', 'error'])
  })

  test('methods keep their names, and are those of the class', async (t) => {
    const { wxa } = await setup(t)
    const Class = wxa.constructor
    assert.deepEqual([Class.prototype.getQRCode.name, Class.prototype.getQRCode.length], ['getQRCode', 2])
    assert.ok(!Object.keys(Class.prototype).includes('getQRCode'))
    const { getQRCode } = wxa
    traceOf(t, { appids: [wxa.appid] })
    for (const self of [undefined, null, 'text', {}])
      await assert.rejects(getQRCode.call(self, { path: 'a' }), TypeError)
  })

  test('who listens to one channel alone gets what belongs there', async (t) => {
    const { options } = await setup(t)
    const ended = await run(
      `
      import { subscribe, unsubscribe } from 'node:diagnostics_channel'
      const wxa = new WxaCode(given)
      for (const name of ['wxacode:attempt', ...['start', 'end', 'asyncStart', 'asyncEnd'].map((one) => 'tracing:wxacode:call:' + one)]) {
        const heard = []
        const hear = (message) => heard.push(message.call?.method ?? message.method)
        subscribe(name, hear)
        await wxa.createQRCode({ path: 'a', width: 280 })
        unsubscribe(name, hear)
        await wxa.createQRCode({ path: 'a', width: 280 })
        console.log(heard.join())
      }
      `,
      { given: options },
    )
    assert.equal(ended.stderr, '')
    assert.deepEqual(ended.stdout.trim().split('\n'), ['createQRCode,createQRCode', ...Array(4).fill('createQRCode')])
  })

  test('without subscribers the addon records nothing', async (t) => {
    const { options } = await setup(t)
    const ended = await run(
      `
      import { subscribe, unsubscribe } from 'node:diagnostics_channel'
      import { createRequire } from 'node:module'
      const { CompletionQueueHandle } = createRequire(import.meta.url)(process.cwd() + '/lib/native.js')
      const { take, trace } = CompletionQueueHandle.prototype
      let crossed = 0
      CompletionQueueHandle.prototype.trace = function (call) {
        crossed += 1
        trace.call(this, call)
      }
      CompletionQueueHandle.prototype.take = function (most, allocate) {
        const taken = take.call(this, most, allocate)
        crossed += taken.filter((one, at) => at % 2 === 0 && one < -1).length
        return taken
      }
      const wxa = new WxaCode(given)
      const draw = () => wxa.createQRCode({ path: 'a', width: 280 })
      const hear = () => {}
      await draw()
      subscribe('wxacode:request', hear)
      await draw()
      console.log(crossed)
      subscribe('wxacode:attempt', hear)
      await draw()
      console.log(crossed > 0)
      unsubscribe('wxacode:attempt', hear)
      const before = crossed
      await draw()
      console.log(crossed - before)
      `,
      { given: options },
    )
    assert.equal(ended.stderr, '')
    assert.deepEqual(ended.stdout.trim().split('\n'), ['0', 'true', '0'])
  })
})
