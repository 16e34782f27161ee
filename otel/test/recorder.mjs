// What the real SDK of OpenTelemetry exports, in memory.

import assert from 'node:assert/strict'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { WxaCodeInstrumentation } from 'wxacode-otel'

// For the context of the caller. Its spans go nowhere.
new NodeTracerProvider().register()

/** An instrumentation with an SDK of its own. All of a process see what every test's calls publish: look by appid or port. */
export function record(t, { sampler, enabled = true } = {}) {
  const spanExporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(spanExporter)] })
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 31 - 1 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const instrumentation = new WxaCodeInstrumentation({ enabled: false })
  instrumentation.setTracerProvider(provider)
  instrumentation.setMeterProvider(meterProvider)
  if (enabled) instrumentation.enable()
  t.after(async () => {
    instrumentation.disable()
    await Promise.all([provider.shutdown(), meterProvider.shutdown()])
  })
  return {
    instrumentation,
    provider,
    tracer: provider.getTracer('test'),
    /** The spans that have ended and that `which` is true of, in the order of their ends. */
    spans: (which = () => true) => spanExporter.getFinishedSpans().filter(which),
    /** The points of a metric, each with its attributes and value, and what is said of it. */
    async metric(name) {
      metricExporter.reset()
      await reader.forceFlush()
      const all = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics))
      const { descriptor, dataPoints } = all.find((one) => one.descriptor.name === name) ?? { dataPoints: [] }
      return {
        unit: descriptor?.unit,
        points: dataPoints.map(({ attributes, value }) => ({ attributes: withoutHoles(attributes), value })),
      }
    },
  }
}

export const ofApp =
  (appid) =>
  ({ attributes }) =>
    attributes['wxacode.appid'] === appid
export const ofPort =
  (port) =>
  ({ attributes }) =>
    attributes['server.port'] === port

export const msOf = ([seconds, nanoseconds]) => seconds * 1000 + nanoseconds / 1e6

/** A call as wxacode publishes it, whose body is `run`; `run` is given the object of the call. */
export function call(members, run = () => undefined) {
  const about = { method: 'getUnlimitedQRCode', path: '/wxa/getwxacodeunlimit', ...members }
  const ending = tracingChannel('wxacode:call').tracePromise(async () => run(about), about)
  return ending.then(
    () => about,
    () => about,
  )
}

/** One HTTP request as wxacode publishes it. */
export function attempt(members) {
  channel('wxacode:attempt').publish({
    startTimeMs: Date.now() - 20,
    durationMs: 20,
    host: 'api.weixin.qq.com',
    port: 443,
    scheme: 'https',
    method: 'POST',
    path: '/wxa/getwxacodeunlimit',
    endpoint: 'getUnlimitedQRCode',
    purpose: 'code',
    status: 200,
    resendCount: 0,
    ...members,
  })
}

/** What WeChat refused, as a call is rejected with it. */
export const refusal = (errcode, rid = '6b07e2f1-3f8a1c55-0c7be210') =>
  Object.assign(new Error(`getUnlimitedQRCode: ${errcode}`), { code: 'ERR_WXA_API', errcode, rid })

export function only(spans) {
  assert.equal(spans.length, 1, `${spans.length} spans: ${spans.map(({ name }) => name).join(', ')}`)
  return spans[0]
}

const withoutHoles = (attributes) =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
