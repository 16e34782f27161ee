import assert from 'node:assert/strict'
import { InvalidParamsError, WeChatAPIError } from 'wxacode'
import { message, run, startWorker } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { allWait, deferred, failure, setup, suite, times } from './support/suite.mjs'

const draw = (wxa, call) => wxa.createQRCode({ path: 'a', width: 280 }, call)
const THROWN = [
  new Error('my own'),
  new TypeError('mine'),
  'text',
  0,
  null,
  undefined,
  false,
  Symbol('mine'),
  { of: 'mine' },
  7n,
]

/** Given instead of a token. */
const USELESS = [
  undefined,
  null,
  '',
  42,
  true,
  [],
  {},
  'a b',
  'token\n',
  '令牌',
  'x'.repeat(4097),
  { access_token: 'a', expires_in: '7200' },
  { access_token: '' },
  { accessToken: '' },
  { accessToken: 42, expiresIn: 7200 },
  { accessToken: null },
  { accessToken: 'a', expiresIn: 0 },
  { accessToken: 'a', expiresIn: -1 },
  { accessToken: 'a', expiresIn: Number.NaN },
  { accessToken: 'a', expiresIn: '7200' },
  { accessToken: 'a', expiresIn: null },
]

class Granted {
  #token
  constructor(token) {
    this.#token = token
  }
  get accessToken() {
    return this.#token
  }
}

/** The setup of a test, with a live token of its fake, and a maker of clients that ask a provider and know no secret. */
async function provided(t) {
  const { client, ...rest } = await setup(t)
  const { accessToken: live } = await client().getAccessToken()
  return { ...rest, live, clientOf: (token, more) => client({ secret: undefined, token, ...more }) }
}

suite('a token provider', (test) => {
  for (const [name, give] of [
    ['a string', (token) => token],
    ['a promise of a string', async (token) => token],
    ['an object', (token) => ({ accessToken: token, expiresIn: 7200 })],
    ["WeChat's own answer", (token) => ({ access_token: token, expires_in: 7200 })],
    ['a getter of a class', (token) => new Granted(token)],
    ['a promise of an object', async (token) => ({ accessToken: token, expiresIn: 7200, more: 'fields' })],
    // biome-ignore lint/suspicious/noThenProperty: that is what is tested
    ['a thenable', (token) => ({ then: (resolve) => resolve(token) })],
  ]) {
    test(`may return ${name}, and receives the appid`, async (t) => {
      const { fake, live, clientOf, appid } = await provided(t)
      const asks = []
      const wxa = clientOf((ask) => {
        asks.push(ask)
        return give(live)
      })
      for (const _ of times(3, Number)) assert.equal(asked(await draw(wxa)).path, 'a')
      assert.deepEqual(asks, [{ appid }])
      assert.equal(fake.count('tokens'), 1)
    })
  }

  test('is called once for 50 concurrent calls', async (t) => {
    const { fake, live, clientOf } = await provided(t)
    const { promise, resolve } = deferred()
    let asks = 0
    const wxa = clientOf(() => {
      asks += 1
      return promise
    })
    const calls = Promise.all(times(50, () => draw(wxa)))
    await allWait(wxa)
    resolve(live)
    await calls
    assert.equal(asks, 1)
    assert.equal(fake.count('codes'), 50)
  })

  for (const what of THROWN) {
    for (const how of ['throws', 'rejects with']) {
      test(`that ${how} ${String(what)}: every caller gets that very value`, async (t) => {
        const { fake, clientOf } = await provided(t)
        let asks = 0
        const { promise, resolve } = deferred()
        const wxa = clientOf(
          how === 'throws'
            ? () => {
                asks += 1
                throw what
              }
            : async () => {
                asks += 1
                await promise
                throw what
              },
        )
        const calls = times(how === 'throws' ? 1 : 5, () => failure(draw(wxa)))
        if (how !== 'throws') await allWait(wxa)
        resolve()
        for (const error of await Promise.all(calls)) assert.ok(Object.is(error, what), String(error))
        assert.equal(asks, 1)
        assert.equal(fake.count('codes'), 0)
      })
    }
  }

  test('that failed is called again, and the calls recover', async (t) => {
    const { live, clientOf } = await provided(t)
    let asks = 0
    const wxa = clientOf(() => {
      asks += 1
      if (asks < 3) throw new Error(`no ${asks}`)
      return live
    })
    assert.equal((await failure(draw(wxa))).message, 'no 1')
    assert.equal((await failure(draw(wxa))).message, 'no 2')
    await draw(wxa)
    assert.equal(asks, 3)
  })

  for (const errcode of [40001, 40014, 42001]) {
    test(`is called again after ${errcode} with the rejected token, and the call is replayed`, async (t) => {
      const { fake, live, clientOf, appid } = await provided(t)
      fake.fail(errcode, { endpoint: 'codes', where: ({ query }) => query.access_token === 'dead', times: 20 })
      const asks = []
      const wxa = clientOf((ask) => {
        asks.push(ask)
        return ask.rejected ? live : 'dead'
      })
      assert.equal(asked(await draw(wxa)).path, 'a')
      assert.deepEqual(asks, [{ appid }, { appid, rejected: { accessToken: 'dead', errcode } }])
      assert.equal(fake.count('codes'), 2)
      assert.equal(wxa.stats().replays, 1)
    })
  }

  test('is called once more for 20 calls whose token was refused', async (t) => {
    const { fake, live, clientOf } = await provided(t)
    let asks = 0
    const wxa = clientOf((ask) => {
      asks += 1
      return ask.rejected ? live : 'dead'
    })
    const hold = fake.hold('codes')
    const calls = Promise.all(times(20, () => draw(wxa)))
    await fake.arrived(20, 'codes')
    hold.release()
    await calls
    assert.equal(asks, 2)
    assert.equal(fake.count('codes'), 40)
  })

  test('that returns the rejected token again: the caller gets the refusal and nothing is replayed', async (t) => {
    const { fake, clientOf } = await provided(t)
    let asks = 0
    const wxa = clientOf(() => {
      asks += 1
      return 'dead'
    })
    const error = await failure(draw(wxa))
    assert.ok(error instanceof WeChatAPIError)
    assert.equal(error.errcode, 40001)
    assert.equal(asks, 2)
    assert.equal(fake.count('codes'), 1)
  })

  test('whose tokens are all refused: each call is replayed at most once', async (t) => {
    const { fake, clientOf } = await provided(t)
    let asks = 0
    const wxa = clientOf(() => `dead-${++asks}`)
    assert.equal((await failure(draw(wxa))).errcode, 40001)
    assert.equal(asks, 2)
    assert.equal(fake.count('codes'), 2)
  })

  for (const [at, useless] of USELESS.entries()) {
    test(`that gives ${at}: ${JSON.stringify(useless)?.slice(0, 50)} is told so`, async (t) => {
      const { fake, clientOf } = await provided(t)
      const error = await failure(draw(clientOf(() => useless)))
      assert.ok(error instanceof InvalidParamsError, String(error))
      assert.equal(error.param, 'token')
      assert.match(error.message, /accessToken/)
      assert.equal(fake.count('codes'), 0)
    })
  }

  test('that returns a refusal of WeChat: the error explains it', async (t) => {
    const { fake, clientOf } = await provided(t)
    for (const [given, errcode, cause, fix] of [
      [{ errcode: 40164, errmsg: 'invalid ip SECRET' }, 40164, /WeChat's error 40164: /, /whitelist/i],
      [{ errcode: 40125, errmsg: 'SECRET' }, 40125, /40125: /, /AppSecret/],
      [{ errcode: 99999, errmsg: 'SECRET' }, 99999, /99999$/, /token service/],
    ]) {
      const error = await failure(draw(clientOf(() => given)))
      assert.deepEqual([error.code, error.param, error.errcode], ['ERR_WXA_PARAMS', 'token', errcode])
      assert.match(error.explanation.cause.en, cause)
      assert.match(error.explanation.fix.en, fix)
      assert.ok(!JSON.stringify(error).includes('SECRET'))
    }
    assert.equal(fake.count('codes'), 0)
  })

  test('that returns an HTTP response instead of its body: the error says so', async (t) => {
    const { clientOf } = await provided(t)
    const axios = { status: 200, headers: {}, data: { access_token: 'a' } }
    for (const given of [Response.json({ access_token: 'a' }), axios]) {
      const { param, message } = await failure(draw(clientOf(() => given)))
      assert.equal(param, 'token')
      assert.match(message, /response\.json\(\).*response\.data/)
    }
  })

  test('that returns something else by mistake: the error does not show it', async (t) => {
    const { clientOf } = await provided(t)
    for (const useless of ['SECRET token', { accessToken: 'SECRET', expiresIn: 0 }, { access_token: 'SECRET token' }]) {
      const error = await failure(draw(clientOf(() => useless)))
      assert.ok(!`${error.message}${error.stack}${JSON.stringify(error)}`.includes('SECRET'))
    }
  })

  test('that never settles: the call times out, and the next call does not call it again', async (t) => {
    const { clientOf } = await provided(t)
    let asks = 0
    const wxa = clientOf(() => {
      asks += 1
      return new Promise(() => {})
    })
    for (const _ of times(2, Number)) {
      const error = await failure(draw(wxa, { timeoutMs: 200 }))
      assert.equal(error.code, 'ERR_WXA_TIMEOUT')
      assert.match(error.message, /token function/)
    }
    assert.equal(asks, 1)
  })

  test('whose promise is garbage-collected: the call times out all the same', async (t) => {
    const { options } = await setup(t)
    const script = `
      const wxa = new WxaCode({ ...given, token: () => new Promise(() => {}) })
      const call = wxa.createQRCode({ path: 'a' }, { timeoutMs: 500 }).catch((error) => error)
      for (let n = 0; n < 10; n++) { await new Promise(setImmediate); gc() }
      console.log((await call).code)`
    const { stdout } = await run(script, { given: options, flags: ['--expose-gc'] })
    assert.equal(stdout, 'ERR_WXA_TIMEOUT\n')
  })

  test('that is slow continues after a call was aborted', async (t) => {
    const { live, clientOf } = await provided(t)
    const { promise, resolve } = deferred()
    let asks = 0
    const wxa = clientOf(() => {
      asks += 1
      return promise
    })
    const controller = new AbortController()
    const call = failure(draw(wxa, { signal: controller.signal }))
    await allWait(wxa)
    controller.abort('enough')
    assert.equal(await call, 'enough')
    resolve(live)
    await draw(wxa)
    assert.equal(asks, 1)
  })

  test('that never settles keeps no process alive after its calls', async (t) => {
    const { options } = await setup(t)
    const script = `
      const wxa = new WxaCode({ ...given, token: () => new Promise(() => {}) })
      const { code } = await wxa.createQRCode({ path: 'a' }, { timeoutMs: 300 }).catch((error) => error)
      const last = performance.now()
      process.on('exit', () => console.log(code, performance.now() - last < 3000))`
    assert.deepEqual(await run(script, { given: options }), {
      code: 0,
      signal: null,
      stdout: 'ERR_WXA_TIMEOUT true\n',
      stderr: '',
    })
  })

  test('belongs to one client, even if the account is the same', async (t) => {
    const { live, clientOf } = await provided(t)
    const asks = []
    const clients = times(2, (n) =>
      clientOf(() => {
        asks.push(n)
        return live
      }),
    )
    await Promise.all(clients.map((wxa) => draw(wxa)))
    assert.deepEqual(asks.sort(), [0, 1])
  })

  test('serves getAccessToken, with the expiry of its token', async (t) => {
    const { clientOf } = await provided(t)
    const bare = await clientOf(() => 'bare').getAccessToken()
    assert.equal(bare.accessToken, 'bare')
    assert.ok(bare.expiresAt > Date.now() + 50_000 && bare.expiresAt <= Date.now() + 60_000)
    const lived = await clientOf(() => ({ accessToken: 'lived', expiresIn: 3600.5 })).getAccessToken()
    assert.ok(lived.expiresAt > Date.now() + 3590_000 && lived.expiresAt <= Date.now() + 3601_000)
  })

  test('is called again by forceRefresh, and by invalidateAccessToken with the refused token', async (t) => {
    const { clientOf, appid } = await provided(t)
    const asks = []
    const wxa = clientOf((ask) => `token-${asks.push(ask)}`)
    await wxa.getAccessToken()
    assert.equal((await wxa.getAccessToken({ forceRefresh: true })).accessToken, 'token-2')
    wxa.invalidateAccessToken('token-2')
    assert.equal((await wxa.getAccessToken()).accessToken, 'token-3')
    assert.deepEqual(asks, [{ appid }, { appid }, { appid, rejected: { accessToken: 'token-2', errcode: 40001 } }])
  })

  test('works in a worker', async (t) => {
    const { fake, live, options } = await provided(t)
    const worker = startWorker(
      `const { secret, ...options } = given.options
       const wxa = new WxaCode({ ...options, token: async () => given.live })
       parentPort.postMessage(await wxa.createQRCode({ path: 'a' }))`,
      { options, live },
    )
    assert.equal(asked(await message(worker)).path, 'a')
    assert.equal(fake.count('tokens'), 1)
  })

  test('of a terminated worker fails no call of another thread', async (t) => {
    const { fake, live, options, clientOf } = await provided(t)
    const worker = startWorker(
      `const wxa = new WxaCode({ ...given, secret: undefined, token: () => { parentPort.postMessage('asked'); return new Promise(() => {}) } })
       wxa.createQRCode({ path: 'a' }).catch(() => {})
       parentPort.on('message', () => {})`,
      options,
    )
    assert.equal(await message(worker), 'asked')
    await worker.terminate()
    await draw(clientOf(() => live))
    assert.equal(fake.count('codes'), 1)
  })
})
