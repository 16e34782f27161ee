import assert from 'node:assert/strict'
import { once } from 'node:events'
import { SpanKind } from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { WxaCodeInstrumentation } from 'wxacode-otel'
import { setup, suite } from '../../__test__/support/suite.mjs'
import { until } from '../../__test__/support/until.mjs'

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
provider.register()
registerInstrumentations({
  tracerProvider: provider,
  instrumentations: [
    // The fake is in this process too.
    new HttpInstrumentation({ ignoreIncomingRequestHook: ({ url }) => !url.startsWith('/code/') }),
    new WxaCodeInstrumentation(),
  ],
})
// After that, as `node --import ./telemetry.mjs` does it.
const { default: express } = await import('express')
const { codeHandler } = await import('wxacode/express')

suite('spans of a server', (test) => {
  test('calls in a request are under its span, each under its own', async (t) => {
    const { wxa } = await setup(t)
    const app = express()
    app.get(
      '/code/:id',
      codeHandler(wxa, (req) => ({ scene: `id=${req.params.id}` })),
    )
    const server = app.listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${server.address().port}`
    const ids = ['1', '2', '3', '4']
    await Promise.all(ids.map(async (id) => assert.equal((await fetch(`${url}/code/${id}`)).status, 200)))

    const of = (kind) => exporter.getFinishedSpans().filter((span) => span.kind === kind)
    assert.ok(await until(() => of(SpanKind.SERVER).length === ids.length))
    const calls = of(SpanKind.INTERNAL).filter(({ name }) => name === 'wxacode getUnlimitedQRCode')
    assert.equal(calls.length, ids.length)
    const parents = calls.map((span) => span.parentSpanContext?.spanId)
    assert.deepEqual(
      parents.sort(),
      of(SpanKind.SERVER)
        .map((span) => span.spanContext().spanId)
        .sort(),
    )
    const isCode = ({ attributes }) => attributes['wxacode.endpoint'] === 'getUnlimitedQRCode'
    const requests = of(SpanKind.CLIENT).filter(isCode)
    const ends = (spans) => spans.map((span) => span.spanContext().traceId).sort()
    assert.deepEqual(ends(requests), ends(of(SpanKind.SERVER)), 'each in the trace of its request')
  })

  test('a gateway that the client propagates to gets the trace, with the span of the call as its parent', async (t) => {
    const { wxa, fake, appid } = await setup(t, {}, { propagateTraceparent: true })
    await wxa.createQRCode({ path: 'a', width: 280 })
    const isCall = ({ kind, attributes }) => kind === SpanKind.INTERNAL && attributes['wxacode.appid'] === appid
    const { traceId, spanId } = exporter.getFinishedSpans().find(isCall).spanContext()
    const sent = new Set(fake.requests.map(({ headers }) => headers.traceparent))
    assert.deepEqual([...sent], [`00-${traceId}-${spanId}-01`])
  })
})
