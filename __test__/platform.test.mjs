import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { InvalidParamsError, InvalidPushError, WxaCode, WxaPlatform } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { run, start } from './support/child.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { newAppid, newSecret, suite } from './support/suite.mjs'
import { until } from './support/until.mjs'

/** A server that hands every push to `receiver.platform`, answers as a provider does, and keeps events and errors. */
async function startReceiver(t) {
  const receiver = { events: [], errors: [], platform: undefined }
  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const query = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    try {
      receiver.events.push(await receiver.platform.receivePush({ query, body: Buffer.concat(chunks) }))
      response.end('success')
    } catch (error) {
      receiver.errors.push(error)
      response.writeHead(error instanceof InvalidPushError ? 401 : 500).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  receiver.url = `http://127.0.0.1:${server.address().port}/push`
  return receiver
}

/** A fake with a platform, whose pushes arrive, and a platform of it. */
async function setup(t, options = {}, { ticket = true } = {}) {
  const receiver = await startReceiver(t)
  const secret = newSecret()
  const fake = await startFakeWeChat({ platforms: [{ secret, pushUrl: receiver.url }] })
  t.after(() => fake.close())
  const credentials = fake.platforms[0]
  const open = (more) => {
    const { appid, pushToken, encodingAESKey } = credentials
    const all = { appid, secret, pushToken, encodingAESKey, store: 'memory', baseUrl: fake.url, ...options, ...more }
    const platform = new WxaPlatform(all)
    t.after(() => platform.close())
    return platform
  }
  receiver.platform = open()
  if (ticket) await fake.pushTicket()
  return { fake, receiver, platform: receiver.platform, credentials, open }
}

/** An authorised merchant, whose code was exchanged. */
async function merchantOf(fake, receiver) {
  const appid = newAppid()
  await fake.authorize(appid, { permissions: [17, 88] })
  await receiver.platform.client(appid).getAccessToken()
  return appid
}

const folder = async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'wxacode-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return join(path, 'wechat.json')
}

const codeOf = (promise) =>
  promise.then(
    () => undefined,
    (error) => error.code,
  )

suite('a third-party platform', (test) => {
  test('a merchant that authorises gets its first code', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const appid = newAppid()
    await fake.authorize(appid, { permissions: [17] })
    const client = platform.client(appid)
    assert.ok(client instanceof WxaCode)
    assert.equal(client.appid, appid)
    const image = await client.getUnlimitedQRCode({ scene: 'id=1', checkPath: false })
    assert.ok(Buffer.isBuffer(image))
    assert.deepEqual(
      receiver.events.map(({ type }) => type),
      ['component_verify_ticket', 'authorized'],
    )
    assert.ok(receiver.events[0].createTime instanceof Date)
    assert.equal(receiver.events[1].authorizerAppid, appid)
    assert.equal(fake.count('api_query_auth'), 1)
    assert.equal(fake.count('api_authorizer_token'), 0, 'the code has brought the first token')
  })

  test('fifty calls of a cold merchant make one request for each credential', async (t) => {
    const { fake, receiver, open } = await setup(t)
    const appid = await merchantOf(fake, receiver)
    const [{ refreshToken }] = [await refreshTokenOf(fake, receiver.platform, appid)]
    const other = open({ store: 'memory', redis: undefined, timeoutMs: 20_000, retries: 0 })
    assert.equal(other.appid, receiver.platform.appid)
    const requests = () => [fake.count('api_component_token'), fake.count('api_authorizer_token')]
    const ofFiftyCalls = async () => {
      const before = requests()
      await Promise.all(Array.from({ length: 50 }, () => other.client(appid).getAccessToken()))
      return requests().map((count, n) => count - before[n])
    }
    await other.importAuthorizer({ appid, refreshToken })
    assert.deepEqual(
      await ofFiftyCalls(),
      [0, 0],
      'the platforms of a process share their tokens, and an import keeps them',
    )
    await other.removeAuthorizer(appid)
    await other.importAuthorizer({ appid, refreshToken })
    assert.deepEqual(await ofFiftyCalls(), [0, 1], 'a merchant that was removed is cold')
  })

  test('no ticket: an error that says so within the time of the call', async (t) => {
    const { fake, platform } = await setup(t, { timeoutMs: 100 }, { ticket: false })
    const error = await platform.getComponentAccessToken().catch((thrown) => thrown)
    assert.equal(error.code, 'ERR_WXA_TICKET')
    assert.match(error.message, /startPushTicket/)
    assert.equal(fake.requests.length, 0)
    fake.stopPushes()
    await platform.startPushTicket({ timeoutMs: 5000 })
    await until(() => platform.stats().ticketAgeMs !== undefined)
    assert.match((await platform.getComponentAccessToken({ timeoutMs: 5000 })).accessToken, /./)
  })

  test('a withdrawn merchant is forgotten, and comes back when it authorises anew', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const appid = await merchantOf(fake, receiver)
    await fake.unauthorize(appid)
    const error = await platform
      .client(appid)
      .getUnlimitedQRCode({ scene: 'a' })
      .catch((thrown) => thrown)
    assert.equal(error.errcode, 61003)
    await fake.authorize(appid, { permissions: [17] })
    await platform.client(appid).getUnlimitedQRCode({ scene: 'a', checkPath: false })
  })

  test('the calls of the platform itself', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const appid = await merchantOf(fake, receiver)
    const url = new URL(await platform.authorizationUrl({ redirectUri: 'https://shop.example/back?a=1', authType: 2 }))
    assert.equal(url.origin + url.pathname, 'https://mp.weixin.qq.com/cgi-bin/componentloginpage')
    assert.equal(url.searchParams.get('redirect_uri'), 'https://shop.example/back?a=1')
    assert.ok(url.searchParams.get('pre_auth_code'))
    const mobile = new URL(
      await platform.authorizationUrl({ redirectUri: 'https://shop.example', mobile: true, bizAppid: appid }),
    )
    assert.deepEqual([mobile.pathname, mobile.hash], ['/wxaopen/safe/bindcomponent', '#wechat_redirect'])
    const all = []
    for await (const one of platform.authorizers()) all.push(one)
    assert.deepEqual(
      all.map((one) => one.appid),
      [appid],
    )
    assert.ok(all[0].authorizedAt instanceof Date)
    const info = await platform.request('/cgi-bin/component/api_get_authorizer_info', {
      body: { authorizer_appid: appid },
    })
    assert.equal(info.authorization_info.authorizer_appid, appid)
    assert.equal(JSON.parse(fake.requests.at(-1).body).component_appid, platform.appid)
    await assert.rejects(platform.request('/cgi-bin/component/api_component_token'), InvalidParamsError)
  })

  test('the page that a merchant returns to and the push bring the same code', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const appid = newAppid()
    const code = await fake.authorize(appid, { permissions: [17] })
    const completed = await platform.completeAuthorization(code)
    assert.equal(completed.appid, appid)
    assert.deepEqual(completed.permissions, [17])
    assert.equal(fake.count('api_query_auth'), 1)
    assert.equal((await platform.completeAuthorization('wrong').catch((error) => error)).errcode, 61009)
    assert.equal(receiver.errors.length, 0)
  })

  test('an imported merchant costs no request until it is used; a removed one none at all', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const appid = await merchantOf(fake, receiver)
    const { refreshToken } = await refreshTokenOf(fake, platform, appid)
    await platform.removeAuthorizer(appid)
    const before = fake.requests.length
    assert.equal(await codeOf(platform.client(appid).getAccessToken()), 'ERR_WXA_API')
    await platform.importAuthorizer({ appid, refreshToken })
    assert.equal(fake.requests.length, before)
    await platform.client(appid).getAccessToken()
    for (const wrong of [{ appid }, { appid, refreshToken: '' }, { refreshToken }, { appid: 'x', refreshToken }])
      await assert.rejects(platform.importAuthorizer(wrong), InvalidParamsError)
  })

  test('a file outlasts its process, is private, and is one process’s', async (t) => {
    const path = await folder(t)
    const { fake, receiver, platform, open } = await setup(t, { store: `file:${path}` })
    const appid = await merchantOf(fake, receiver)
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
    const text = await readFile(path, 'utf8')
    assert.ok(!text.includes(appid) && !text.includes('ticket'))
    const script = `
      const { WxaPlatform } = await import('wxacode')
      const platform = new WxaPlatform(given.options)
      await platform.importAuthorizer({ appid: given.appid, refreshToken: 'r' }).catch((error) => console.log(error.code, error.reason, error.message))`
    const options = { appid: platform.appid, secret: 'other', store: `file:${path}` }
    const { stdout: said } = await run(script, { given: { appid, options } })
    assert.match(said, /^ERR_WXA_STORE locked .*redis/)
    await platform.close()
    assert.equal(await codeOf(platform.getComponentAccessToken()), 'ERR_WXA_CLOSED')
    const requests = fake.count('api_get_authorizer_list')
    const next = open()
    fake.revokeTokens(appid)
    await next.client(appid).getUnlimitedQRCode({ scene: 'a', checkPath: false })
    assert.equal(fake.count('api_get_authorizer_list'), requests, 'the refresh token was in the file')
    await next.close()
    await writeFile(path, 'x')
    const damaged = open()
    const error = await damaged.removeAuthorizer(appid).catch((thrown) => thrown)
    assert.deepEqual([error.code, error.reason], ['ERR_WXA_STORE', 'damaged'])
    assert.match(error.message, /damaged/)
    assert.equal(await readFile(path, 'utf8'), 'x')
  })

  test('a store of one’s own gets sealed bytes, and its failures are errors', async (t) => {
    const records = new Map()
    let failure
    const fail = () => {
      if (failure) throw failure
    }
    const store = {
      async get(key) {
        fail()
        return records.get(key)
      },
      async set(key, value) {
        fail()
        assert.ok(value instanceof Uint8Array)
        records.set(key, value)
      },
      async delete(key) {
        fail()
        records.delete(key)
      },
    }
    const { fake, receiver, platform } = await setup(t, { store })
    const appid = await merchantOf(fake, receiver)
    assert.deepEqual([...records.keys()].sort(), [
      `wxacode:${platform.appid}:authorizer:${appid}`,
      `wxacode:${platform.appid}:ticket`,
    ])
    failure = new Error('no database at password=canary-1234567890')
    await platform.client(appid).getUnlimitedQRCode({ scene: 'a', checkPath: false })
    fake.rotateRefreshTokens = true
    fake.revokeTokens(appid)
    const error = await platform
      .client(appid)
      .getAccessToken()
      .catch((thrown) => thrown)
    assert.equal(error.code, undefined, 'a valid token is served without a read')
    const refused = await platform.importAuthorizer({ appid, refreshToken: 'r' }).catch((thrown) => thrown)
    assert.deepEqual([refused.code, refused.reason], ['ERR_WXA_STORE', 'threw'])
    assert.ok(!inspect(refused).includes('canary'), inspect(refused))
    const push = await fake.pushTicket({ newTicket: true })
    assert.equal(push.status, 500)
    assert.equal(receiver.errors[0].code, 'ERR_WXA_STORE')
    assert.ok(platform.stats().unsaved > 0)
    failure = undefined
    await until(() => platform.stats().unsaved === 0)
  })

  test('a refused push says why, and options say what is wrong with them', async (t) => {
    const { fake, platform, credentials, open } = await setup(t)
    const error = await platform.receivePush({ query: {}, body: '' }).catch((thrown) => thrown)
    assert.ok(error instanceof InvalidPushError)
    assert.equal(error.reason, 'query')
    await assert.rejects(platform.receivePush(), InvalidParamsError)
    const push = fake.pushes[0]
    const query = Object.fromEntries(new URL(push.url).searchParams)
    const encrypt = push.body.match(/<Encrypt>(?:<!\[CDATA\[)?([^<\]]+)/)[1]
    const reason = (changed, body = push.body) =>
      platform.receivePush({ query: { ...query, ...changed }, body }).then(
        (event) => event.type,
        (thrown) => thrown.reason,
      )
    assert.equal(await reason({}), 'component_verify_ticket')
    assert.equal(await reason({}, Buffer.from(push.body)), 'component_verify_ticket')
    assert.equal(await reason({}, { xml: { Encrypt: [encrypt] } }), 'component_verify_ticket')
    assert.equal(await reason({}, { xml: [{ Encrypt: encrypt }] }), 'component_verify_ticket')
    assert.equal(await reason({}, { xml: {} }), 'xml')
    assert.equal(await reason({}, 'x'.repeat(65_537)), 'size')
    assert.equal(await reason({ nonce: [query.nonce] }), 'query')
    assert.equal(await reason({ nonce: 'other' }), 'signature')
    const deaf = open({ pushToken: undefined, encodingAESKey: undefined })
    await assert.rejects(deaf.receivePush({ query, body: push.body }), { param: 'pushToken' })
    const { appid, secret } = credentials
    const param = (options) => {
      try {
        new WxaPlatform(options)
      } catch (thrown) {
        assert.ok(thrown instanceof InvalidParamsError, inspect(thrown))
        assert.ok(!inspect(thrown).includes('canary'))
        return thrown.param
      }
    }
    assert.equal(param({ appid, secret }), 'store')
    assert.equal(param({ appid, secret, store: 'canary' }), 'store')
    assert.equal(param({ appid, secret, store: { get() {} } }), 'store')
    assert.equal(param({ appid, secret, store: 'memory', pushToken: 'a' }), 'encodingAESKey')
    assert.equal(param({ appid, secret, store: 'memory', encodingAESKey: 'a' }), 'pushToken')
    assert.equal(param({ secret, store: 'memory' }), 'appid')
    assert.equal(param({ appid, store: 'memory' }), 'secret')
    assert.equal(param({ appid, secret, store: 'memory', timeoutMs: 0 }), 'timeoutMs')
    assert.throws(() => platform.client('wrong'), { param: 'appid' })
    assert.throws(() => platform.client(newAppid(), { ratePerMinute: 0 }), { param: 'ratePerMinute' })
  })

  test('close() ends the clients of merchants too', async (t) => {
    const { fake, receiver, platform } = await setup(t)
    const client = platform.client(await merchantOf(fake, receiver))
    await platform.close()
    await platform.close()
    for (const call of [() => client.getUnlimitedQRCode({ scene: 'a' }), () => platform.getComponentAccessToken()]) {
      await assert.rejects(call, { code: 'ERR_WXA_CLOSED', message: /this WxaPlatform is closed.*new WxaPlatform/ })
    }
    assert.throws(() => platform.client(newAppid()), { code: 'ERR_WXA_CLOSED' })
    await client.close()
  })

  test('events carry the appid of the platform or of the merchant, and no secret', async (t) => {
    const events = []
    const hear = (event) => events.push(event)
    for (const name of ['token', 'platform', 'request']) {
      channel(`wxacode:${name}`).subscribe(hear)
      t.after(() => channel(`wxacode:${name}`).unsubscribe(hear))
    }
    const { fake, receiver, platform } = await setup(t)
    const appid = await merchantOf(fake, receiver)
    const of = (event, who) => events.some((one) => one.event === event && one.appid === who)
    await until(
      () => of('authorization.completed', appid) && of('refresh.ok', appid) && of('refresh.ok', platform.appid),
    )
    assert.ok(of('ticket.received', platform.appid))
    const mine = events.filter((event) => [appid, platform.appid].includes(event.appid))
    const said = inspect(mine, { depth: 9 })
    const secrets = [...fake.liveTokens(), ...fake.liveTickets(), receiver.events.at(-1).authorizationCode]
    for (const secret of secrets.filter((one) => typeof one === 'string')) assert.ok(!said.includes(secret), said)
  })

  test('processes share everything through Redis, where nothing is in the clear', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const shared = { store: undefined, redis: patient(redis.url) }
    const { fake, receiver, platform, credentials } = await setup(t, shared)
    const appid = await merchantOf(fake, receiver)
    const count = () => ['api_component_token', 'api_authorizer_token', 'api_query_auth'].map((one) => fake.count(one))
    const before = count()
    const given = { appid, options: { ...credentials, ...shared, baseUrl: fake.url } }
    const other = start(
      `
      const { WxaPlatform } = await import('wxacode')
      const platform = new WxaPlatform(given.options)
      const client = platform.client(given.appid)
      await Promise.all(Array.from({ length: 20 }, () => client.getUnlimitedQRCode({ scene: 'a', checkPath: false })))
      console.log('served')
      for (;;) {
        const error = await client.getAccessToken().then(() => undefined, (thrown) => thrown)
        if (error) { console.log(error.errcode); break }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await platform.close()`,
      { given },
    )
    await other.printed('served')
    assert.deepEqual(count(), before)
    const stored = JSON.stringify(redis.everything())
    for (const secret of [...fake.liveTokens(appid, platform.appid), ...fake.liveTickets(), credentials.secret])
      assert.ok(!stored.includes(secret))
    assert.match(stored, /:authorizer/)
    const begun = Date.now()
    await fake.unauthorize(appid)
    const { stdout, code } = await other.done
    assert.deepEqual([code, stdout], [0, 'served\n61003\n'])
    assert.ok(Date.now() - begun < 5000)
    const merchant = await merchantOf(fake, receiver)
    redis.cli('FLUSHALL')
    await until(() => JSON.stringify(redis.everything()).includes(`${merchant}:authorizer`))
    await until(() => redis.everything().some(({ key }) => key.endsWith(':ticket')))
  })

  test('worker threads share the tokens of a file', async (t) => {
    const path = await folder(t)
    const { fake, receiver, platform, credentials } = await setup(t, { store: `file:${path}` })
    const appid = await merchantOf(fake, receiver)
    const before = fake.requests.length
    const options = { ...credentials, store: `file:${path}`, baseUrl: fake.url }
    const source = `
      const { workerData, parentPort } = require('node:worker_threads')
      const { WxaPlatform } = require('wxacode')
      const platform = new WxaPlatform(workerData.options)
      platform.client(workerData.appid).getAccessToken().then(async ({ accessToken }) => {
        await platform.close()
        parentPort.postMessage(accessToken)
      })`
    const worker = new Worker(source, { eval: true, workerData: { appid, options: { ...options } } })
    const [token] = await new Promise((resolve, reject) => {
      worker.once('message', (message) => resolve([message]))
      worker.once('error', reject)
    })
    assert.equal(token, (await platform.client(appid).getAccessToken()).accessToken)
    assert.equal(fake.requests.length, before)
    await worker.terminate()
  })
})

/** What WeChat's list has of a merchant. */
async function refreshTokenOf(_fake, platform, appid) {
  const { list } = await platform.request('/cgi-bin/component/api_get_authorizer_list', {
    body: { offset: 0, count: 500 },
  })
  return { refreshToken: list.find((one) => one.authorizer_appid === appid).refresh_token }
}
