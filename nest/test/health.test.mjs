import assert from 'node:assert/strict'
import { Inject } from '@nestjs/common'
import { WxaCode } from 'wxacode'
import { InjectWxaPlatform, WxaCodeHealthIndicator, WxaCodeModule } from 'wxacode-nest'
import { newAppid } from '../../__test__/support/suite.mjs'
import { healthOf, setup, startApp, suite, TerminusModule } from './app.mjs'

const indicator = new WxaCodeHealthIndicator()
const client = (stats) => ({ stats: () => stats })
const statusOf = (stats, options) => indicator.isHealthy('a', client(stats), options).a.status

suite('WxaCodeHealthIndicator', (test) => {
  test('tells Terminus the state of a client, and sends no request', async (t) => {
    const { fake, options } = await setup(t)
    const { app, get } = await startApp(t, {
      imports: [WxaCodeModule.forRoot(options), TerminusModule],
      controllers: [healthOf(Inject(WxaCode), { requireToken: true })],
    })
    const before = await get('/health')
    assert.equal(before.status, 503)
    assert.deepEqual(before.body.error, { wxacode: { status: 'down' } })
    assert.equal(fake.count(), 0)
    await app.get(WxaCode).ready()
    const { status, body } = await get('/health')
    assert.deepEqual([status, body.status, body.info.wxacode.status], [200, 'ok', 'up'])
    assert.ok(body.info.wxacode.tokenAgeMs >= 0)
    assert.equal(fake.count(), 1)
  })

  test('tells Terminus the state of a platform', async (t) => {
    const { fake, options } = await setup(t)
    const platform = { appid: newAppid(), secret: options.secret, baseUrl: fake.url, store: 'memory' }
    const { get } = await startApp(t, {
      imports: [WxaCodeModule.forPlatform(platform), TerminusModule],
      controllers: [healthOf(InjectWxaPlatform())],
    })
    const { status, body } = await get('/health')
    assert.equal(status, 200)
    assert.deepEqual(body.info.wxacode, { ticketRefused: false, store: 'up', unsaved: 0, status: 'up' })
    assert.equal(fake.count(), 0)
  })

  test('is down only for what calls need, or what is asked for', () => {
    assert.equal(statusOf({}), 'up')
    assert.equal(statusOf({}, { requireToken: true }), 'down')
    assert.equal(statusOf({ tokenAgeMs: 0 }, { requireToken: true }), 'up')
    assert.equal(statusOf({ redis: 'down' }), 'up')
    assert.equal(statusOf({ redis: 'down' }, { requireRedis: true }), 'down')
    assert.equal(statusOf({ redis: 'up' }, { requireRedis: true }), 'up')
    assert.equal(statusOf({}, { requireRedis: true }), 'up')
    assert.equal(statusOf({ store: 'down' }), 'down')
    assert.equal(statusOf({ store: 'up', ticketRefused: true }), 'down')
    assert.equal(statusOf(null), 'down')
  })

  test('shows what stats() knows, and nothing that it does not', () => {
    const { a } = indicator.isHealthy('a', client({ tokenAgeMs: 5, redis: 'down', requests: 3, errors: { 40125: 1 } }))
    assert.deepEqual(a, { tokenAgeMs: 5, redis: 'down', status: 'up' })
  })
})
