import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { run } from './support/child.mjs'
import { setupPlatforms } from './support/platforms.mjs'
import { setup, suite, thrown } from './support/suite.mjs'

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** A tracer that gives the calls of an account what `give` returns. */
function startTracer(t, appid, give) {
  const hear = (call) => {
    if (call.appid === appid) call.traceparent = give(call)
  }
  subscribe('tracing:wxacode:call:start', hear)
  t.after(() => unsubscribe('tracing:wxacode:call:start', hear))
}

/** A fake, a client that propagates, and a tracer. */
async function propagating(t, { give = () => TRACEPARENT, ...options } = {}) {
  const here = await setup(t, {}, { propagateTraceparent: true, ...options })
  startTracer(t, here.appid, give)
  // Once each: a slow machine may have a request sent again.
  const sent = () => [
    ...new Set(here.fake.requests.map(({ endpoint, headers }) => `${endpoint} ${headers.traceparent}`)),
  ]
  return { ...here, sent }
}

const code = { scene: 'a', checkPath: false, width: 280 }

suite('traceparent', (test) => {
  test('each request of a call carries that of its call, the token request too', async (t) => {
    let n = 0
    const give = ({ method }) =>
      method === 'getUnlimitedQRCode' ? TRACEPARENT.replace('4bf9', `000${++n}`) : undefined
    const { wxa, fake, sent } = await propagating(t, { give })
    await wxa.getUnlimitedQRCode(code)
    fake.fail('reset', { endpoint: 'codes' })
    await wxa.getUnlimitedQRCode(code)
    await wxa.createQRCode({ path: 'a', width: 280 })
    const [first, second] = ['1', '2'].map((n) => TRACEPARENT.replace('4bf9', `000${n}`))
    assert.deepEqual(sent(), [
      `stable_token ${first}`,
      `getwxacodeunlimit ${first}`,
      `getwxacodeunlimit ${second}`,
      'createwxaqrcode undefined',
    ])
    const again = fake.requests.filter(({ headers }) => headers.traceparent === second)
    assert.equal(again.length, 2)
  })

  test('is not sent without propagateTraceparent', async (t) => {
    const { wxa, sent } = await propagating(t, { propagateTraceparent: undefined })
    await wxa.getUnlimitedQRCode(code)
    assert.deepEqual(sent(), ['stable_token undefined', 'getwxacodeunlimit undefined'])
  })

  test('is never sent to a host of WeChat’s, and is to any other', async (t) => {
    const arrived = []
    // In plain http a proxy sees the requests.
    const proxy = createServer((req, res) => {
      arrived.push([new URL(req.url).hostname, req.headers.traceparent])
      res.setHeader('Content-Type', 'application/json').end('{"errcode":0}')
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    t.after(() => {
      proxy.closeAllConnections()
      proxy.close()
    })
    const through = { token: 'none', secret: undefined, proxy: `http://127.0.0.1:${proxy.address().port}` }
    const { client } = await propagating(t, through)
    const hosts = [
      'api.weixin.qq.com',
      'sh.api.weixin.qq.com',
      'API.Weixin.QQ.com.',
      'weixin.qq.com.example',
      'no-weixin.qq.com',
    ]
    for (const host of hosts) await client({ baseUrl: `http://${host}` }).request('/tcb/it')
    assert.deepEqual(
      arrived.map(([host, traceparent]) => [host.replace(/\.$/, ''), traceparent]),
      [
        ['api.weixin.qq.com', undefined],
        ['sh.api.weixin.qq.com', undefined],
        ['api.weixin.qq.com', undefined],
        ['weixin.qq.com.example', TRACEPARENT],
        ['no-weixin.qq.com', TRACEPARENT],
      ],
    )
  })

  for (const [what, given] of Object.entries({
    'of another type': 1,
    'with a line break': `${TRACEPARENT}\r\nx-evil: 1`,
    'in upper case': TRACEPARENT.toUpperCase(),
    'without flags': TRACEPARENT.slice(0, -3),
    'that throws when it is read as a text': { toString: () => assert.fail('it was read') },
  })) {
    test(`one ${what} is ignored, and the call succeeds`, async (t) => {
      const { wxa, sent, fake } = await propagating(t, { give: () => given })
      await wxa.getUnlimitedQRCode(code)
      assert.deepEqual(sent(), ['stable_token undefined', 'getwxacodeunlimit undefined'])
      assert.ok(fake.requests.every(({ headers }) => headers['x-evil'] === undefined))
    })
  }

  test('one on the prototype of all objects is not that of the call', async (t) => {
    const { fake, options } = await setup(t, {}, { propagateTraceparent: true })
    const ended = await run(
      `
      import { subscribe } from 'node:diagnostics_channel'
      Object.prototype.traceparent = '${TRACEPARENT}'
      subscribe('tracing:wxacode:call:start', () => {})
      await new WxaCode(given).createQRCode({ path: 'a', width: 280 })
      `,
      { given: options },
    )
    assert.equal(ended.stderr, '')
    assert.deepEqual(
      fake.requests.map(({ headers }) => headers.traceparent),
      [undefined, undefined],
    )
  })

  test('a platform propagates it, for its merchants’ clients too', async (t) => {
    const { fake, merchants, open } = await setupPlatforms(t, { propagateTraceparent: true })
    const platform = open({ store: 'memory' })
    startTracer(t, platform.appid, () => TRACEPARENT)
    const [appid] = await merchants(1, platform)
    startTracer(t, appid, () => TRACEPARENT.replace('4bf9', '0000'))
    await platform.client(appid).getUnlimitedQRCode(code)
    await platform.authorizers().next()
    const ofCode = fake.requests.filter(({ endpoint }) => endpoint === 'getwxacodeunlimit')
    assert.deepEqual([ofCode.length, ofCode[0].headers.traceparent], [1, TRACEPARENT.replace('4bf9', '0000')])
    const list = fake.requests.filter(({ path }) => path.endsWith('api_get_authorizer_list'))
    assert.deepEqual([list.length, list[0].headers.traceparent], [1, TRACEPARENT])
  })

  test('another type of the option is refused, by its name', async (t) => {
    const { client } = await setup(t)
    const { code, param, message } = thrown(() => client({ propagateTraceparent: 'yes' }))
    assert.deepEqual([code, param], ['ERR_WXA_PARAMS', 'propagateTraceparent'])
    assert.match(message, /propagateTraceparent .*boolean/)
  })
})
