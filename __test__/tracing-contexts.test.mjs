import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { run, startWorker } from './support/child.mjs'
import { setupPlatforms } from './support/platforms.mjs'
import { deferred, failure, newAppid, setup, suite, times } from './support/suite.mjs'
import { as, storeHere, traceOf } from './support/tracing.mjs'

const draw = (wxa, path = 'a', call) => wxa.createQRCode({ path, width: 280 }, call)
const portOf = (fake) => Number(new URL(fake.url).port)

const WHOLE = ['start', 'end', 'asyncStart', 'asyncEnd']
const WITH_ONE = ['start', 'end', 'attempt', 'asyncStart', 'asyncEnd']

/** A fake, a client with a token, and what is published of its calls from now on. */
async function tracing(t, fakeOptions = {}) {
  const here = await setup(t, fakeOptions)
  await here.wxa.getAccessToken()
  return { ...here, ...traceOf(t, { appids: [here.appid], secrets: here.secrets, port: portOf(here.fake) }) }
}

/** Repeats `work` until `done` is: a token is refreshed beside the calls that it serves, some seconds after it came. */
async function soon(done, work) {
  let isDone = false
  const end = done.finally(() => {
    isDone = true
  })
  while (!isDone) {
    await work()
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 20))])
  }
  return await done
}

suite('contexts of traced calls', (test) => {
  test('calls at the same time are each published in the context of their own caller', async (t) => {
    const { wxa, phases, call, attempts } = await tracing(t)
    const stores = times(10, (n) => `caller ${n}`)
    const images = await Promise.all(stores.map((store) => as(store, () => draw(wxa, store))))
    for (const [n, store] of stores.entries()) {
      assert.deepEqual(phases(store), WITH_ONE)
      assert.equal(call(store).result, images[n])
      assert.equal(attempts(store)[0].call, call(store))
    }
  })

  test('a store that is bound to start holds in the call, and not for its caller', async (t) => {
    const { wxa, told } = await tracing(t)
    const spans = new AsyncLocalStorage()
    const start = channel('tracing:wxacode:call:start')
    start.bindStore(spans, (context) => ({ of: context.method, path: context.path }))
    t.after(() => start.unbindStore(spans))
    const seen = new Map()
    const look = (name) => (message) => {
      if ((message.call ?? message).appid === wxa.appid) seen.set(name, spans.getStore())
    }
    for (const name of ['wxacode:attempt', 'tracing:wxacode:call:end', 'tracing:wxacode:call:asyncEnd']) {
      const ear = look(name)
      channel(name).subscribe(ear)
      t.after(() => channel(name).unsubscribe(ear))
    }
    const call = as('one', () => draw(wxa))
    assert.equal(spans.getStore(), undefined)
    await call
    assert.equal(spans.getStore(), undefined)
    await told(({ what }) => what === 'asyncEnd')
    const own = { of: 'createQRCode', path: '/cgi-bin/wxaapp/createwxaqrcode' }
    assert.deepEqual([...seen.values()], [own, own, own])
    assert.equal(new Set(seen.values()).size, 1, 'one store for each call')
  })

  test('calls of a batch have the context of the one who iterates', async (t) => {
    const { wxa, heard } = await tracing(t)
    const jobs = times(6, (n) => ({ kind: 'qrcode', path: `job ${n}`, width: 280 }))
    const batch = as('maker', () => wxa.batch(jobs, { concurrency: 3 }))
    const results = await as('iterator', async () => {
      const all = []
      for await (const result of batch) all.push(result)
      return all
    })
    assert.ok(results.length === 6 && results.every(({ image }) => image))
    assert.deepEqual([...new Set(heard.map(({ store }) => store))], ['iterator'])
    assert.equal(heard.length, 6 * WITH_ONE.length)
    assert.equal(new Set(heard.map(({ call }) => call)).size, 6)
  })

  test('a token that several calls wait for belongs to the one that started its request', async (t) => {
    const here = await setup(t)
    const { phases, attempts, call } = traceOf(t, { ...here, appids: [here.appid], port: portOf(here.fake) })
    // The fake, on this thread, cannot answer before both have begun.
    await Promise.all(['first', 'second'].map((store) => as(store, () => here.wxa.getAccessToken())))
    assert.deepEqual(phases('second'), WHOLE)
    // On a busy machine the token is requested again: an attempt has 4 s.
    assert.ok(attempts('first').length > 0)
    for (const one of attempts('first')) assert.deepEqual([one.call, one.purpose], [call('first'), 'token'])
  })

  test('a token that is refreshed ahead of time is of no call, and in no context', async (t) => {
    const { wxa, phases, told } = await tracing(t, { tokenLife: 30 })
    const { message, store } = await soon(
      told(({ what }) => what === 'attempt'),
      () => as('served', () => wxa.getAccessToken()),
    )
    assert.ok(!('call' in message))
    assert.deepEqual([message.purpose, store], ['token', undefined])
    assert.ok(!phases('served').includes('attempt'))
  })

  test('the token function runs in the context of the call that waits for it, and else in none', async (t) => {
    const here = await setup(t)
    const { accessToken } = await here.wxa.getAccessToken()
    const asks = []
    const asked = []
    const token = async (ask) => {
      asks.push([storeHere(), Object.keys(ask)])
      asked.shift()?.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(storeHere(), asks.at(-1)[0], 'also after it has waited')
      return { accessToken, expiresIn: 30 }
    }
    const make = () => as('maker', () => here.client({ secret: undefined, token }))
    traceOf(t, { appids: [here.appid] })
    const other = make()
    await as('waits', () => other.getAccessToken())
    assert.deepEqual(asks.splice(0), [['waits', ['appid']]])
    const again = deferred()
    asked.push(again)
    await soon(again.promise, () => as('served', () => other.getAccessToken()))
    assert.deepEqual(asks, [[undefined, ['appid']]])
  })

  test('without subscribers the token function runs in the context of no call', async (t) => {
    const { options } = await setup(t)
    const ended = await run(
      `
      import { AsyncLocalStorage } from 'node:async_hooks'
      const storage = new AsyncLocalStorage()
      const token = () => {
        console.log(storage.getStore())
        return 'a-token'
      }
      const wxa = storage.run('maker', () => new WxaCode({ ...given, token, secret: undefined }))
      await storage.run('caller', () => wxa.getAccessToken())
      `,
      { given: options },
    )
    assert.deepEqual(ended, { code: 0, signal: null, stderr: '', stdout: 'undefined\n' })
  })

  test('in a worker thread', async (t) => {
    const { options, appid } = await setup(t)
    const worker = startWorker(
      `
      const { AsyncLocalStorage } = require('node:async_hooks')
      const { subscribe } = require('node:diagnostics_channel')
      const storage = new AsyncLocalStorage()
      const heard = []
      const ear = (what) => (message) => heard.push([what, storage.getStore(), (message.call ?? message).appid])
      subscribe('wxacode:attempt', ear('attempt'))
      for (const phase of ['start', 'end', 'asyncStart', 'asyncEnd']) subscribe('tracing:wxacode:call:' + phase, ear(phase))
      const wxa = new WxaCode(given)
      await wxa.getAccessToken()
      heard.length = 0
      await storage.run('there', () => wxa.createQRCode({ path: 'a', width: 280 }))
      parentPort.postMessage(heard)
      `,
      options,
    )
    t.after(() => worker.terminate())
    const heard = await new Promise((resolve, reject) => worker.once('error', reject).once('message', resolve))
    assert.deepEqual(
      heard,
      WITH_ONE.map((what) => [what, 'there', appid]),
    )
  })

  test('copies of the package each publish their own calls', async (t) => {
    const { options, phases, attempts, call } = await tracing(t)
    const require = createRequire(import.meta.url)
    const copies = times(2, () => {
      for (const file of Object.keys(require.cache)) if (!file.endsWith('.node')) delete require.cache[file]
      return new (require('wxacode').WxaCode)(options)
    })
    await Promise.all(times(6, (n) => as(`call ${n}`, () => draw(copies[n % 2], `call ${n}`))))
    for (const n of times(6, Number)) {
      assert.deepEqual(phases(`call ${n}`), WITH_ONE)
      assert.equal(attempts(`call ${n}`)[0].call, call(`call ${n}`))
    }
  })

  test('a call within the parameters of another one is a call of its own', async (t) => {
    const { wxa, phases, call } = await tracing(t)
    let inner
    const params = {
      get path() {
        inner = as('inner', () => wxa.getAccessToken())
        return 'a'
      },
      width: 280,
    }
    await as('outer', () => wxa.createQRCode(params))
    await inner
    assert.deepEqual([phases('outer'), phases('inner')], [WITH_ONE, WHOLE])
    assert.deepEqual([call('outer').method, call('inner').method], ['createQRCode', 'getAccessToken'])
  })

  test('calls that have ended are forgotten', async (t) => {
    const { options } = await setup(t)
    const ended = await run(
      `
      import { channel, subscribe } from 'node:diagnostics_channel'
      import { setImmediate } from 'node:timers/promises'
      const contexts = []
      subscribe('tracing:wxacode:call:start', (context) => contexts.push(new WeakRef(context)))
      const alive = () => contexts.filter((context) => context.deref() !== undefined).length
      const wxa = new WxaCode({ ...given, cache: true })
      const draw = (n, call) => wxa.createQRCode({ path: 'path ' + n, width: 280 }, call)
      const calls = async () => {
        await Promise.all([1, 2, 3, 3, 3].map((n) => draw(n)))
        await draw(1)
        const controller = new AbortController()
        const aborted = draw(4, { signal: controller.signal }).catch(() => {})
        controller.abort()
        await aborted
        await wxa.createQRCode({}).catch(() => {})
      }
      await calls()
      const begun = contexts.length
      let left
      for (let turn = 0; left !== 0 && turn < 200; turn++) {
        // What was looked at is kept until the job ends.
        await setImmediate()
        gc()
        left = alive()
      }
      console.log(begun, left)
      `,
      { given: options, flags: ['--expose-gc'] },
    )
    assert.deepEqual(ended, { code: 0, signal: null, stderr: '', stdout: '8 0\n' })
  })
})

suite('traced platforms', (test) => {
  /** A platform with a ticket and a merchant, and what is published of them from now on. */
  async function platform(t) {
    const place = await setupPlatforms(t)
    const own = place.open({ store: 'memory' })
    const [merchant] = await place.merchants(1, own)
    const { appid } = own
    const ears = traceOf(t, { appids: [appid, merchant], port: portOf(place.fake) })
    t.after(() => place.texts.push(...ears.heard.map(({ shown }) => shown)))
    return { ...place, platform: own, appid, merchant, ...ears }
  }

  test('a client of a merchant: its appid and that of the platform', async (t) => {
    const { platform: own, appid, merchant, phases, call } = await platform(t)
    await as('one', () => draw(own.client(merchant)))
    assert.deepEqual(phases('one'), WITH_ONE)
    const { method, path, result, source, ...of } = call('one')
    assert.deepEqual(
      [method, path, source, result.length > 500],
      ['createQRCode', '/cgi-bin/wxaapp/createwxaqrcode', 'wechat', true],
    )
    assert.deepEqual(of, { appid: merchant, componentAppid: appid })
  })

  test('methods of a platform, with their paths, their requests and no result that holds a secret', async (t) => {
    const { platform: own, appid, fake, call, attempts, told } = await platform(t)
    const of = async (name, work) => {
      const value = await as(name, work)
      const { appid: one, componentAppid: other, method, path, result } = call(name)
      assert.deepEqual([one, other, method], [appid, appid, name])
      if (result !== undefined) assert.equal(result, value)
      return [path, result !== undefined, attempts(name).map(({ purpose, path }) => [purpose, path])]
    }
    const component = '/cgi-bin/component'
    const page = { redirectUri: 'https://example.com/back' }
    assert.deepEqual(await of('authorizationUrl', () => own.authorizationUrl(page)), [
      `${component}/api_create_preauthcode`,
      false,
      [['api', `${component}/api_create_preauthcode`]],
    ])
    assert.deepEqual(await of('getComponentAccessToken', () => own.getComponentAccessToken()), [undefined, false, []])
    assert.deepEqual(await of('startPushTicket', () => own.startPushTicket()), [
      `${component}/api_start_push_ticket`,
      false,
      [['api', `${component}/api_start_push_ticket`]],
    ])
    const code = await fake.authorize(newAppid(), { push: false })
    assert.deepEqual(await of('completeAuthorization', () => own.completeAuthorization(code)), [
      `${component}/api_query_auth`,
      true,
      [['api', `${component}/api_query_auth`]],
    ])
    const list = `${component}/api_get_authorizer_list`
    const pages = async () => {
      for await (const { appid: one } of own.authorizers()) assert.ok(one)
    }
    assert.deepEqual(await of('authorizers', pages), [list, false, [['api', list]]])
    const body = { offset: 0, count: 1 }
    assert.deepEqual(await of('request', () => own.request(list, { body })), [list, false, [['api', list]]])
    await failure(as('removeAuthorizer', () => own.removeAuthorizer(1)))
    assert.equal(call('removeAuthorizer').error.param, 'appid')
    const pushed = told(({ message }) => message.method === 'receivePush')
    await fake.pushTicket()
    assert.equal((await pushed).call.path, undefined)
  })

  test('what a push starts in the background is of no call', async (t) => {
    const { fake, told } = await platform(t)
    const [{ message }] = await Promise.all([
      told(({ what, message }) => what === 'attempt' && message.endpoint === 'api_query_auth'),
      fake.authorize(newAppid()),
    ])
    assert.ok(!('call' in message))
  })
})
