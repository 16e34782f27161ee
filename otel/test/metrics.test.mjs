import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { newAppid, suite } from '../../__test__/support/suite.mjs'
import { attempt, call, record, refusal } from './recorder.mjs'

const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

// One at a time: metrics have no appid to tell the tests apart by.
suite(
  'metrics',
  (test) => {
    test('requests are counted and measured by the semantic conventions', async (t) => {
      const { metric } = record(t)
      const appid = newAppid()
      await call({ appid }, (about) => {
        attempt({ call: about, durationMs: 120 })
        attempt({ call: about, durationMs: 80 })
        attempt({ call: about, durationMs: 30, code: 'ERR_WXA_API', errcode: 45009 })
        attempt({ call: about, durationMs: 4000, status: undefined, code: 'ERR_WXA_TIMEOUT' })
        attempt({ call: about, durationMs: 5, status: undefined, aborted: true })
      })
      attempt({ purpose: 'token', host: 'api2.weixin.qq.com' })
      const { unit, points } = await metric('http.client.request.duration')
      assert.equal(unit, 's')
      const target = { 'http.request.method': 'POST', 'server.address': 'api.weixin.qq.com', 'server.port': 443 }
      assert.deepEqual(
        points.map(({ attributes, value }) => [attributes, value.count, round(value.sum)]),
        [
          [{ ...target, 'http.response.status_code': 200 }, 2, 0.2],
          [{ ...target, 'http.response.status_code': 200, 'error.type': '45009' }, 1, 0.03],
          [{ ...target, 'error.type': 'ERR_WXA_TIMEOUT' }, 1, 4],
          [target, 1, 0.005],
          [{ ...target, 'server.address': 'api2.weixin.qq.com', 'http.response.status_code': 200 }, 1, 0.02],
        ],
      )
      assert.deepEqual(points[0].value.buckets.boundaries, BOUNDARIES)
    })

    test('calls are counted by where the code came from and by what they failed with', async (t) => {
      const { metric } = record(t)
      const appid = newAppid()
      for (const source of ['wechat', 'memory', 'memory', 'disk', 'redis', 'store', 'joined'])
        await call({ appid, source })
      await call({ appid }, () => Promise.reject(refusal(41030)))
      await call({ appid, aborted: true })
      await call({ appid, method: 'getAccessToken' })
      const { unit, points } = await metric('wxacode.call.duration')
      assert.equal(unit, 's')
      const method = { 'wxacode.method': 'getUnlimitedQRCode' }
      assert.deepEqual(
        points.map(({ attributes, value }) => [attributes, value.count]),
        [
          [{ ...method, 'wxacode.source': 'wechat' }, 1],
          [{ ...method, 'wxacode.source': 'memory' }, 2],
          [{ ...method, 'wxacode.source': 'disk' }, 1],
          [{ ...method, 'wxacode.source': 'redis' }, 1],
          [{ ...method, 'wxacode.source': 'store' }, 1],
          [{ ...method, 'wxacode.source': 'joined' }, 1],
          [{ ...method, 'error.type': '41030' }, 1],
          [{ ...method, 'wxacode.aborted': true }, 1],
          [{ 'wxacode.method': 'getAccessToken' }, 1],
        ],
      )
      assert.deepEqual(points[0].value.buckets.boundaries, BOUNDARIES)
    })

    test('a call has waited while none of its requests was under way', async (t) => {
      const { metric } = record(t)
      const appid = newAppid()
      await call({ appid }, async (about) => {
        const begun = performance.now()
        while (performance.now() < begun + 20) await new Promise(setImmediate)
        // Of two that overlap, as when one is sent again, the common time counts once.
        const now = Date.now()
        attempt({ call: about, startTimeMs: now - 6, durationMs: 4 })
        attempt({ call: about, startTimeMs: now - 8, durationMs: 8, resendCount: 1 })
      })
      const [total] = (await metric('wxacode.call.duration')).points
      const { unit, points } = await metric('wxacode.call.wait.duration')
      assert.equal(unit, 's')
      assert.deepEqual(points[0].attributes, { 'wxacode.method': 'getUnlimitedQRCode' })
      assert.equal(round(total.value.sum - points[0].value.sum), 0.008)
    })

    test('a call all of whose time were requests has not waited', async (t) => {
      const { metric } = record(t)
      await call({ appid: newAppid() }, (about) => attempt({ call: about, durationMs: 60_000 }))
      assert.equal((await metric('wxacode.call.wait.duration')).points[0].value.sum, 0)
    })

    test('refreshes of the token are measured, with where it came from or why it did not', async (t) => {
      const { metric } = record(t)
      const publish = (event) => channel('wxacode:token').publish({ appid: newAppid(), ...event })
      publish({ event: 'refresh.start', reason: 'missing' })
      publish({ event: 'refresh.ok', source: 'wechat', durationMs: 80 })
      publish({ event: 'refresh.start', reason: 'expiring' })
      publish({ event: 'refresh.ok', source: 'redis', durationMs: 2 })
      publish({ event: 'refresh.start', reason: 'forced' })
      publish({ event: 'refresh.error', durationMs: 50, code: 'ERR_WXA_API', errcode: 40164, message: 'no' })
      publish({ event: 'refresh.error', durationMs: 10_000, code: 'ERR_WXA_TIMEOUT', message: 'late' })
      const { unit, points } = await metric('wxacode.token.refresh.duration')
      assert.equal(unit, 's')
      assert.deepEqual(
        points.map(({ attributes, value }) => [attributes, value.count, round(value.sum)]),
        [
          [{ 'wxacode.token.source': 'wechat' }, 1, 0.08],
          [{ 'wxacode.token.source': 'redis' }, 1, 0.002],
          [{ 'error.type': '40164' }, 1, 0.05],
          [{ 'error.type': 'ERR_WXA_TIMEOUT' }, 1, 10],
        ],
      )
      assert.deepEqual((await metric('wxacode.events')).points, [], 'a refresh is no other event')
    })

    test('all other events are counted by their name and reason', async (t) => {
      const { metric } = record(t)
      for (const [name, event] of [
        ['token', { event: 'token.replaced_externally', errcode: 40001 }],
        ['token', { event: 'rate_limit.exceeded', reason: 'forced_refresh_limit' }],
        ['request', { event: 'request.ok', status: 200 }],
        ['request', { event: 'request.error', code: 'ERR_WXA_API' }],
        ['request', { event: 'rate_limit.exceeded', reason: 'process_limit' }],
        ['request', { event: 'rate_limit.exceeded', reason: 'process_limit' }],
        ['redis', { event: 'redis.down', host: 'cache:6379' }],
        ['cache', { event: 'cache_store.error', operation: 'get', reason: 'threw' }],
        ['platform', { event: 'ticket.received' }],
      ]) {
        channel(`wxacode:${name}`).publish({ appid: newAppid(), timestampMs: Date.now(), ...event })
      }
      const { unit, points } = await metric('wxacode.events')
      assert.equal(unit, '{event}')
      assert.deepEqual(
        points.map(({ attributes, value }) => [attributes['wxacode.event'], attributes['wxacode.reason'], value]),
        [
          ['token.replaced_externally', undefined, 1],
          ['rate_limit.exceeded', 'forced_refresh_limit', 1],
          ['rate_limit.exceeded', 'process_limit', 2],
          ['redis.down', undefined, 1],
          ['cache_store.error', 'threw', 1],
          ['ticket.received', undefined, 1],
        ],
      )
    })

    test('while it is disabled nothing is counted', async (t) => {
      const { metric, instrumentation } = record(t)
      instrumentation.disable()
      await call({ appid: newAppid() }, (about) => attempt({ call: about }))
      channel('wxacode:redis').publish({ event: 'redis.up' })
      for (const name of ['http.client.request.duration', 'wxacode.call.duration', 'wxacode.events']) {
        assert.deepEqual((await metric(name)).points, [], name)
      }
    })
  },
  { concurrency: 1 },
)

const round = (seconds) => Number(seconds.toFixed(6))
