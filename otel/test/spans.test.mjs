import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { context, diag, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace-node'
import { newAppid, suite } from '../../__test__/support/suite.mjs'
import { attempt, call, msOf, ofApp, ofPort, only, record, refusal } from './recorder.mjs'

let lastPort = 1000
const newPort = () => ++lastPort

suite('spans', (test) => {
  test('a call is an internal span in the context of its caller', async (t) => {
    const { spans, tracer } = record(t)
    const appid = newAppid()
    const parent = tracer.startSpan('GET /code')
    await context.with(trace.setSpan(context.active(), parent), () => call({ appid, source: 'wechat' }))
    const span = only(spans(ofApp(appid)))
    assert.equal(span.name, 'wxacode getUnlimitedQRCode')
    assert.equal(span.kind, SpanKind.INTERNAL)
    assert.deepEqual(span.attributes, {
      'wxacode.method': 'getUnlimitedQRCode',
      'wxacode.appid': appid,
      'wxacode.path': '/wxa/getwxacodeunlimit',
      'wxacode.source': 'wechat',
    })
    assert.equal(span.parentSpanContext.spanId, parent.spanContext().spanId)
    assert.equal(span.status.code, SpanStatusCode.UNSET)
    assert.equal(span.instrumentationScope.name, 'wxacode-otel')
    assert.match(span.instrumentationScope.version, /^\d+\.\d+\.\d+/)
  })

  test('calls of several callers at once each have their own parent', async (t) => {
    const { spans, tracer } = record(t)
    const appids = Array.from({ length: 5 }, newAppid)
    const parents = await Promise.all(
      appids.map(async (appid) => {
        const parent = tracer.startSpan(appid)
        await context.with(trace.setSpan(context.active(), parent), () =>
          call({ appid }, async (about) => {
            await new Promise(setImmediate)
            attempt({ call: about })
          }),
        )
        return parent
      }),
    )
    for (const [n, appid] of appids.entries()) {
      const [ofRequest, ofCall] = spans(ofApp(appid))
      assert.equal(ofCall.parentSpanContext.spanId, parents[n].spanContext().spanId)
      assert.equal(ofRequest.parentSpanContext.spanId, ofCall.spanContext().spanId)
    }
  })

  test("the call of a platform's merchant names the platform too", async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    await call({ appid, componentAppid: 'wx00000000000000c1' })
    assert.equal(only(spans(ofApp(appid))).attributes['wxacode.component_appid'], 'wx00000000000000c1')
  })

  test('a refusal of WeChat has its errcode as the type of the error', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    await call({ appid }, () => Promise.reject(refusal(41030)))
    const { status, attributes } = only(spans(ofApp(appid)))
    assert.deepEqual(status, { code: SpanStatusCode.ERROR, message: 'getUnlimitedQRCode: 41030' })
    assert.equal(attributes['error.type'], '41030')
    assert.equal(attributes['wxacode.errcode'], 41030)
    assert.equal(attributes['wxacode.rid'], '6b07e2f1-3f8a1c55-0c7be210')
  })

  test('parameters that are refused here have the code of the error, not the errcode that WeChat would have given', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    await call({ appid }, () =>
      Promise.reject(Object.assign(new Error('no'), { code: 'ERR_WXA_PARAMS', errcode: 40129 })),
    )
    const { attributes } = only(spans(ofApp(appid)))
    assert.equal(attributes['error.type'], 'ERR_WXA_PARAMS')
    assert.ok(!('wxacode.errcode' in attributes))
  })

  for (const [what, thrown, type] of [
    ['an error', Object.assign(new TypeError('token=secret'), { code: 'ECONNREFUSED' }), 'TypeError'],
    ['a text', 'token=secret', '_OTHER'],
    ['nothing', undefined, '_OTHER'],
  ]) {
    test(`${what} that a token function throws shows its type and not its message`, async (t) => {
      const { spans } = record(t)
      const appid = newAppid()
      await call({ appid }, () => Promise.reject(thrown))
      const { attributes, status } = only(spans(ofApp(appid)))
      assert.equal(attributes['error.type'], type)
      assert.deepEqual(status, { code: SpanStatusCode.ERROR })
    })
  }

  test('a call that throws at once has a span, once', (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    const fails = () => {
      throw refusal(40001)
    }
    assert.throws(() => tracingChannel('wxacode:call').tracePromise(fails, { method: 'request', appid }))
    assert.equal(only(spans(ofApp(appid))).attributes['error.type'], '40001')
  })

  test('an abort is no error, neither of the call nor of its request', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    const { start, end, asyncStart, asyncEnd } = tracingChannel('wxacode:call')
    const about = { method: 'getQRCode', appid }
    start.publish(about)
    end.publish(about)
    about.aborted = true
    attempt({ call: about, status: undefined, aborted: true, code: 'ERR_WXA_NETWORK', message: 'the caller left' })
    asyncStart.publish(about)
    asyncEnd.publish(about)
    for (const { status, attributes } of spans(ofApp(appid))) {
      assert.equal(status.code, SpanStatusCode.UNSET)
      assert.equal(attributes['wxacode.aborted'], true)
      assert.ok(!('error.type' in attributes))
    }
    assert.equal(spans(ofApp(appid)).length, 2)
  })

  test('a request is a client span under its call, with the times of the message', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    const startTimeMs = Date.now() + 0.25
    await call({ appid }, (about) =>
      attempt({ call: about, startTimeMs, durationMs: 12.5, bodyBytes: 4321, connectionReused: true }),
    )
    const [ofRequest, ofCall] = spans(ofApp(appid))
    assert.equal(ofRequest.name, 'POST')
    assert.equal(ofRequest.kind, SpanKind.CLIENT)
    assert.deepEqual(ofRequest.attributes, {
      'http.request.method': 'POST',
      'server.address': 'api.weixin.qq.com',
      'server.port': 443,
      'url.full': 'https://api.weixin.qq.com/wxa/getwxacodeunlimit',
      'network.protocol.name': 'http',
      'http.response.status_code': 200,
      'http.response.body.size': 4321,
      'wxacode.appid': appid,
      'wxacode.endpoint': 'getUnlimitedQRCode',
      'wxacode.purpose': 'code',
      'wxacode.connection_reused': true,
    })
    assert.equal(ofRequest.parentSpanContext.spanId, ofCall.spanContext().spanId)
    assert.equal(ofRequest.status.code, SpanStatusCode.UNSET)
    assert.ok(Math.abs(msOf(ofRequest.startTime) - startTimeMs) < 0.001)
    assert.ok(Math.abs(msOf(ofRequest.duration) - 12.5) < 0.001)
  })

  test('a request that is sent again has its number, the first has none', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    await call({ appid }, (about) => {
      for (const resendCount of [0, 1, 2]) attempt({ call: about, resendCount })
    })
    const counts = spans(ofApp(appid)).map(({ attributes }) => attributes['http.request.resend_count'])
    assert.deepEqual(counts, [undefined, 1, 2, undefined])
  })

  for (const [what, members, type, message] of [
    ['errcode', { code: 'ERR_WXA_API', errcode: 45009, rid: 'r', message: 'too many' }, '45009', 'too many'],
    ['status', { status: 502, code: 'ERR_WXA_RESPONSE', message: '502' }, '502', '502'],
    ['status, though wxacode names no error,', { status: 404 }, '404', undefined],
    ['code', { status: undefined, code: 'ERR_WXA_TIMEOUT', message: 'late' }, 'ERR_WXA_TIMEOUT', 'late'],
  ]) {
    test(`a request that failed has its ${what} as the type of the error`, async (t) => {
      const { spans } = record(t)
      const appid = newAppid()
      await call({ appid }, (about) => attempt({ call: about, ...members }))
      const [ofRequest, ofCall] = spans(ofApp(appid))
      assert.equal(ofRequest.attributes['error.type'], type)
      assert.equal(ofRequest.attributes['wxacode.errcode'], members.errcode)
      assert.equal(ofRequest.attributes['wxacode.rid'], members.rid)
      assert.equal(ofRequest.status.code, SpanStatusCode.ERROR)
      assert.equal(ofRequest.status.message, message)
      assert.equal(ofCall.status.code, SpanStatusCode.UNSET, 'a request that failed is no failed call')
    })
  }

  for (const [url, members] of [
    ['http://127.0.0.1:8080/wxa/getwxacodeunlimit', { scheme: 'http', host: '127.0.0.1', port: 8080 }],
    ['http://proxy/wxa/getwxacodeunlimit', { scheme: 'http', host: 'proxy', port: 80 }],
    ['https://proxy:80/base/wxa', { scheme: 'https', host: 'proxy', port: 80, path: '/base/wxa' }],
    ['https://[::1]/wxa/getwxacodeunlimit', { host: '::1' }],
  ]) {
    test(`the URL of a request may be ${url}`, async (t) => {
      const { spans } = record(t)
      const appid = newAppid()
      await call({ appid }, (about) => attempt({ call: about, ...members }))
      const { attributes } = spans(ofApp(appid))[0]
      assert.equal(attributes['url.full'], url)
      assert.equal(attributes['server.address'], members.host)
    })
  }

  test('a request that no call waits for has no parent, wherever it is published', async (t) => {
    const { spans, tracer } = record(t)
    const port = newPort()
    context.with(trace.setSpan(context.active(), tracer.startSpan('other')), () => attempt({ port, purpose: 'token' }))
    const span = only(spans(ofPort(port)))
    assert.equal(span.parentSpanContext, undefined)
    assert.ok(!('wxacode.appid' in span.attributes))
  })

  test('a request that ends after its call is still under it', async (t) => {
    const { spans } = record(t)
    const appid = newAppid()
    const about = await call({ appid })
    attempt({ call: about, purpose: 'token' })
    const [ofCall, ofRequest] = spans(ofApp(appid))
    assert.equal(ofRequest.parentSpanContext.spanId, ofCall.spanContext().spanId)
  })

  test('a call never ends before its requests, nor begins after them', async (t) => {
    const { spans } = record(t)
    const appids = Array.from({ length: 50 }, newAppid)
    for (const appid of appids) {
      await call({ appid }, (about) => {
        const startTimeMs = performance.timeOrigin + performance.now()
        attempt({ call: about, startTimeMs: Math.max(startTimeMs, Date.now()), durationMs: 0.9 })
      })
      const [ofRequest, ofCall] = spans(ofApp(appid))
      assert.ok(msOf(ofCall.startTime) <= msOf(ofRequest.startTime))
      assert.ok(msOf(ofCall.endTime) >= msOf(ofRequest.endTime) - 1e-3)
    }
  })

  test('a sampler sees where a request goes and of which app a call is', async (t) => {
    const seen = []
    const sampler = {
      shouldSample(_context, _trace, name, kind, attributes) {
        seen.push({ name, kind, attributes })
        return { decision: SamplingDecision.NOT_RECORD }
      },
    }
    const { spans } = record(t, { sampler })
    const appid = newAppid()
    const port = newPort()
    await call({ appid }, (about) => attempt({ call: about, port }))
    assert.deepEqual(spans(), [])
    const [ofCall] = seen.filter(ofApp(appid))
    assert.deepEqual([ofCall.name, ofCall.kind], ['wxacode getUnlimitedQRCode', SpanKind.INTERNAL])
    const { attributes } = seen.find(ofPort(port))
    for (const name of ['http.request.method', 'server.address', 'url.full']) assert.ok(name in attributes, name)
  })

  test('while it is disabled it is subscribed to nothing, and enabled twice it is subscribed once', async (t) => {
    const { spans, instrumentation } = record(t, { enabled: false })
    const appid = newAppid()
    await call({ appid })
    assert.deepEqual(spans(ofApp(appid)), [])
    instrumentation.enable()
    instrumentation.enable()
    await call({ appid })
    assert.equal(spans(ofApp(appid)).length, 1)
    instrumentation.disable()
    instrumentation.disable()
    await call({ appid })
    assert.equal(spans(ofApp(appid)).length, 1)
    instrumentation.enable()
    await call({ appid })
    assert.equal(spans(ofApp(appid)).length, 2)
  })

  test('a request of a call from before it was enabled is in the context of its caller', async (t) => {
    const { spans, tracer, instrumentation } = record(t, { enabled: false })
    const appid = newAppid()
    const parent = tracer.startSpan('GET /code')
    await context.with(trace.setSpan(context.active(), parent), () =>
      call({ appid }, async (about) => {
        instrumentation.enable()
        await new Promise(setImmediate)
        attempt({ call: about })
      }),
    )
    assert.equal(only(spans(ofApp(appid))).parentSpanContext.spanId, parent.spanContext().spanId)
  })

  test('what cannot be recorded is told to the diagnostics of OpenTelemetry, and harms no call', async (t) => {
    const { spans } = record(t)
    const told = []
    diag.setLogger({ error: (...texts) => told.push(texts.join(' ')), warn() {}, info() {}, debug() {}, verbose() {} })
    t.after(() => diag.disable())
    channel('wxacode:attempt').publish({
      method: 'POST',
      get host() {
        throw new Error('no host')
      },
    })
    assert.match(told.join('\n'), /a message of wxacode:attempt was not recorded.*no host/)
    const appid = newAppid()
    await call({ appid })
    assert.equal(spans(ofApp(appid)).length, 1)
  })
})
