import assert from 'node:assert/strict'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { setupPlatforms } from '../../__test__/support/platforms.mjs'
import { checkText, failure, newAppid, setup, suite } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'
import { msOf, ofApp, ofPort, only, record } from './recorder.mjs'

/** A fake WeChat, a client and what is recorded of it. In nothing of that is a secret. */
async function recorded(t, fakeOptions, clientOptions) {
  const telemetry = record(t)
  const given = await setup(t, fakeOptions, clientOptions)
  const port = Number(new URL(given.fake.url).port)
  t.after(() => checkText(JSON.stringify(telemetry.spans().map(shown)), given.secrets()))
  return { ...telemetry, ...given, port, here: () => telemetry.spans(ofApp(given.appid)) }
}

const shown = ({ name, attributes, status, events }) => ({ name, attributes, status, events })
const isCall = ({ kind }) => kind === SpanKind.INTERNAL
const isRequest = ({ kind }) => kind === SpanKind.CLIENT
const byStart = (one, other) => msOf(one.startTime) - msOf(other.startTime)
const idOf = (span) => span.spanContext().spanId
const parentOf = (span) => span.parentSpanContext?.spanId

suite('spans of wxacode', (test) => {
  test('a call that is retried and replayed has each of its requests under it', async (t) => {
    const { fake, wxa, port, here } = await recorded(t)
    await wxa.getAccessToken()
    fake.fail(-1, { endpoint: 'codes' })
    fake.revokeTokens()
    await wxa.getUnlimitedQRCode({ scene: 'id=42' })
    const ofCode = here()
      .filter(isCall)
      .find(({ name }) => name === 'wxacode getUnlimitedQRCode')
    const requests = here()
      .filter((span) => isRequest(span) && parentOf(span) === idOf(ofCode) && !span.attributes['wxacode.aborted'])
      .sort(byStart)
    assert.deepEqual(
      requests.map(({ attributes: of }) => [
        of['wxacode.endpoint'],
        of['wxacode.purpose'],
        // On a busy machine the token is requested again, on another connection, because the first is silent.
        of['wxacode.purpose'] === 'code' ? of['http.request.resend_count'] : undefined,
        of['http.response.status_code'],
        of['error.type'],
      ]),
      [
        ['getUnlimitedQRCode', 'code', undefined, 200, '-1'],
        ['getUnlimitedQRCode', 'code', 1, 200, '40001'],
        ['stable_token', 'token', undefined, 200, undefined],
        ['getUnlimitedQRCode', 'code', 2, 200, undefined],
      ],
    )
    for (const { attributes, name } of requests) {
      assert.equal(name, 'POST')
      assert.equal(attributes['server.address'], '127.0.0.1')
      assert.equal(attributes['server.port'], port)
      assert.match(attributes['url.full'], new RegExp(`^http://127\\.0\\.0\\.1:${port}/[\\w/-]+$`))
    }
    const [busy, refused] = requests
    assert.equal(busy.attributes['wxacode.errcode'], -1)
    assert.match(refused.attributes['wxacode.rid'], /^[\da-f-]+$/)
    assert.equal(refused.status.code, SpanStatusCode.ERROR)
    assert.equal(ofCode.status.code, SpanStatusCode.UNSET)
    assert.equal(ofCode.attributes['wxacode.source'], 'wechat')
    for (const [n, span] of requests.entries()) {
      assert.ok(msOf(span.startTime) >= msOf(ofCode.startTime), 'it begins with the call at the earliest')
      assert.ok(msOf(span.endTime) <= msOf(ofCode.endTime) + 1e-3, 'it ends with the call at the latest')
      if (n > 0) assert.ok(msOf(requests[n - 1].endTime) <= msOf(span.startTime) + 1e-3, 'one after the other')
    }
  })

  test('a refusal of WeChat is the error of the call and of its request', async (t) => {
    const { fake, wxa, here } = await recorded(t)
    fake.fail(41030)
    const { rid, message } = await failure(wxa.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/index/index' }))
    const ofCode = only(here().filter(isCall))
    const request = only(here().filter((span) => isRequest(span) && span.attributes['wxacode.purpose'] === 'code'))
    for (const { attributes, status } of [ofCode, request]) {
      assert.equal(attributes['error.type'], '41030')
      assert.equal(attributes['wxacode.errcode'], 41030)
      assert.equal(attributes['wxacode.rid'], rid)
      assert.equal(status.code, SpanStatusCode.ERROR)
    }
    assert.equal(ofCode.status.message, message)
  })

  test('parameters that are refused make a failed call without a request', async (t) => {
    const { wxa, here } = await recorded(t)
    await failure(wxa.getUnlimitedQRCode({ scene: '' }))
    const { attributes, status } = only(here())
    assert.equal(attributes['error.type'], 'ERR_WXA_PARAMS')
    assert.equal(status.code, SpanStatusCode.ERROR)
  })

  test('a request that gets no response has no status and the code of the error', async (t) => {
    const { fake, wxa, here } = await recorded(t, {}, { retries: 0 })
    fake.fail('reset', { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    await failure(wxa.getQRCode({ path: 'pages/index/index' }))
    const [first] = here()
      .filter((span) => isRequest(span) && span.attributes['wxacode.purpose'] === 'code')
      .sort(byStart)
    assert.equal(first.attributes['error.type'], 'ERR_WXA_NETWORK')
    assert.ok(!('http.response.status_code' in first.attributes))
  })

  test('an abort is no error', async (t) => {
    const { fake, wxa, here } = await recorded(t)
    await wxa.getAccessToken()
    fake.hold('codes')
    const leaving = new AbortController()
    const call = wxa.getUnlimitedQRCode({ scene: 'id=42' }, { signal: leaving.signal })
    await fake.arrived(1, 'codes')
    leaving.abort()
    await failure(call)
    const left = () => here().filter(({ attributes }) => attributes['wxacode.aborted'])
    assert.ok(await until(() => left().length === 2), 'the call and its request')
    assert.deepEqual(
      left()
        .map(({ kind }) => kind)
        .sort(),
      [SpanKind.INTERNAL, SpanKind.CLIENT],
    )
    for (const { status, attributes } of left()) {
      assert.equal(status.code, SpanStatusCode.UNSET)
      assert.ok(!('error.type' in attributes))
    }
  })

  test('codes from the cache and from the request of another call have no request of their own', async (t) => {
    const { wxa, here } = await recorded(t, {}, { cache: true })
    const same = () => wxa.getUnlimitedQRCode({ scene: 'id=42' })
    await Promise.all([same(), same(), same()])
    await same()
    const sources = here()
      .filter(isCall)
      .map(({ attributes }) => attributes['wxacode.source'])
    assert.deepEqual(sources.sort(), ['joined', 'joined', 'memory', 'wechat'])
    const asked = here().filter(({ attributes }) => attributes['wxacode.purpose'] === 'code')
    const [own] = here().filter(({ attributes }) => attributes['wxacode.source'] === 'wechat')
    assert.equal(parentOf(only(asked)), idOf(own))
  })

  test('the calls of a batch are under the span in which its results are taken, and the token is fetched once', async (t) => {
    const { wxa, here, tracer } = await recorded(t)
    const nightly = tracer.startSpan('nightly codes')
    await context.with(trace.setSpan(context.active(), nightly), async () => {
      const jobs = Array.from({ length: 8 }, (_, n) => ({ kind: 'unlimited', scene: `id=${n}` }))
      for await (const { error } of wxa.batch(jobs, { concurrency: 3 })) assert.equal(error, undefined)
    })
    const calls = here().filter(isCall)
    assert.equal(calls.length, 8)
    for (const span of calls) {
      assert.equal(span.name, 'wxacode getUnlimitedQRCode')
      assert.equal(parentOf(span), idOf(nightly))
    }
    const requests = here().filter(isRequest)
    const of = (purpose) => requests.filter(({ attributes }) => attributes['wxacode.purpose'] === purpose)
    assert.deepEqual(of('code').map(parentOf).sort(), calls.map(idOf).sort())
    assert.ok(calls.map(idOf).includes(parentOf(only(of('token')))))
  })

  test('other APIs and their links are calls too', async (t) => {
    const { wxa, here } = await recorded(t)
    await wxa.generateUrlLink({ path: 'pages/index/index' })
    await wxa.request('/cgi-bin/openapi/quota/get', { body: { cgi_path: '/wxa/getwxacode' } })
    await wxa.getAccessToken()
    assert.deepEqual(
      here()
        .filter(isCall)
        .map(({ name, attributes }) => [name, attributes['wxacode.path']]),
      [
        ['wxacode generateUrlLink', '/wxa/generate_urllink'],
        ['wxacode request', '/cgi-bin/openapi/quota/get'],
        ['wxacode getAccessToken', undefined],
      ],
    )
    assert.deepEqual(
      here()
        .filter(isRequest)
        .map(({ attributes }) => attributes['wxacode.purpose']),
      ['token', 'api', 'api'],
    )
  })

  test("a merchant's calls and a platform's name the platform, and show nothing secret", async (t) => {
    const { spans } = record(t)
    // What is in `texts` is searched for secrets.
    const { fake, open, ticket, options, texts } = await setupPlatforms(t)
    const platform = open({ store: 'memory' })
    await ticket()
    const merchant = newAppid()
    await platform.completeAuthorization(await fake.authorize(merchant, { push: false }))
    await platform.client(merchant).getQRCode({ path: 'pages/index/index' })
    const calls = spans((span) => isCall(span) && span.attributes['wxacode.component_appid'] === options.appid)
    assert.deepEqual(
      calls.map(({ name, attributes }) => [name, attributes['wxacode.appid']]),
      [
        ['wxacode receivePush', options.appid],
        ['wxacode completeAuthorization', options.appid],
        ['wxacode getQRCode', merchant],
      ],
    )
    const ids = calls.map(idOf)
    const requests = spans((span) => ids.includes(parentOf(span)))
    assert.ok(requests.some(({ attributes }) => attributes['wxacode.endpoint'] === 'getQRCode'))
    texts.push(JSON.stringify(spans().map(shown)))
  })

  test('requests and refreshes are measured', async (t) => {
    const { fake, wxa, port, metric } = await recorded(t)
    fake.fail(45009, { endpoint: 'codes' })
    await failure(wxa.getQRCode({ path: 'pages/index/index' }))
    await wxa.getQRCode({ path: 'pages/index/index' })
    const { points } = await metric('http.client.request.duration')
    assert.deepEqual(
      points
        .filter(ofPort(port))
        .map(({ attributes, value }) => [
          attributes['error.type'],
          attributes['http.response.status_code'],
          value.count,
        ])
        .sort(),
      [
        ['45009', 200, 1],
        [undefined, 200, 2],
      ].sort(),
    )
    assert.ok(await until(async () => (await metric('wxacode.token.refresh.duration')).points.length > 0))
  })

  test('what is disabled records nothing of calls that begin then', async (t) => {
    const { wxa, here, instrumentation } = await recorded(t)
    instrumentation.disable()
    await wxa.getQRCode({ path: 'pages/index/index' })
    assert.deepEqual(here(), [])
  })
})
