// Draws what OpenTelemetry has of a call that is retried and replayed, and of a batch: from the spans that its SDK exports of real
// runs against the fake. Times differ from run to run, so a test compares the rows and not the bars.

import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SpanKind } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { WxaCode } from 'wxacode'
import { startFakeWeChat } from 'wxacode-fake'
import { WxaCodeInstrumentation } from 'wxacode-otel'

const ROOT = new URL('../', import.meta.url)
const SANS = "system-ui,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif"
const MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"

const TITLES = {
  en: ['A call that was retried and replayed', 'A batch of six codes, three at a time'],
  zh: ['一次经过重试和重放的调用', '批量生成六个码，并发为三'],
}
/** About as fast as WeChat, in milliseconds: beside the pause before a retry the requests would not be seen otherwise. */
const LATENCY = { token: 60, code: 110 }

const [WIDTH, LABELS, ROW, TITLE] = [860, 270, 20, 26]
const PLOT = WIDTH - LABELS - 10

/** @typedef {import('@opentelemetry/sdk-trace-node').ReadableSpan} Span */
/** @typedef {{ label: string, depth: number, start: number, end: number, kind: string, note: string }} Row */

/**
 * The pictures, by the path from the root of the project.
 *
 * @returns {Promise<Map<string, string>>}
 */
export async function traces() {
  const runs = [rowsOf(await spansOf(retriedAndReplayed)), rowsOf(await spansOf(batch))]
  return new Map([
    ['docs/images/trace.svg', picture(TITLES.en, runs)],
    ['docs/images/trace.zh-CN.svg', picture(TITLES.zh, runs)],
  ])
}

/** What a picture says of each span: what does not differ from run to run. @param {string} svg */
export const rowsIn = (svg) =>
  [...svg.matchAll(/<text class="(?:label|note)[^>]*>(.*?)<\/text>/g)].map(([, row]) => row)

/** @typedef {{ fake: import('wxacode-fake').FakeWeChat, wxa: WxaCode, tracer: import('@opentelemetry/api').Tracer }} Given */

/** @param {Given} given */
async function retriedAndReplayed({ fake, wxa, tracer }) {
  await wxa.getAccessToken()
  fake.fail(-1, { endpoint: 'codes' })
  fake.revokeTokens()
  await tracer.startActiveSpan('GET /code/42', { kind: SpanKind.SERVER }, async (span) => {
    await wxa.getUnlimitedQRCode({ scene: 'id=42' })
    span.end()
  })
}

/** @param {Given} given */
async function batch({ wxa, tracer }) {
  await tracer.startActiveSpan('nightly codes', async (span) => {
    const jobs = Array.from({ length: 6 }, (_, n) => ({ kind: /** @type {const} */ ('unlimited'), scene: `id=${n}` }))
    for await (const { error } of wxa.batch(jobs, { concurrency: 3 })) if (error) throw error
    span.end()
  })
}

/** The spans of one trace. @param {(given: Given) => Promise<void>} run @returns {Promise<Span[]>} */
async function spansOf(run) {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  const instrumentation = new WxaCodeInstrumentation({ enabled: false })
  instrumentation.setTracerProvider(provider)
  instrumentation.enable()
  const fake = await startFakeWeChat({ latency: LATENCY, apps: [{}, {}] })
  try {
    // So long that on a busy machine no request is sent again because its connection is silent.
    const options = { baseUrl: fake.url, timeoutMs: 300_000 }
    const [wxa, another] = fake.apps.map((app) => new WxaCode({ ...app, ...options }))
    // The first codes that a process draws are slow.
    for (let n = 0; n < 8; n++) await another.getUnlimitedQRCode({ scene: `n=${n}` })
    await run({ fake, wxa, tracer: provider.getTracer('traces') })
    const spans = exporter.getFinishedSpans()
    // On a busy machine a token request may be sent again because its connection is silent: that is another story.
    if (spans.some(({ attributes }) => attributes['wxacode.aborted'])) return spansOf(run)
    return spans.filter((span) => span.spanContext().traceId === spans.at(-1)?.spanContext().traceId)
  } finally {
    instrumentation.disable()
    await fake.close()
  }
}

/** As a tree, each span under its parent, in the order of their starts. @param {Span[]} spans @returns {Row[]} */
function rowsOf(spans) {
  const ids = new Set(spans.map((span) => span.spanContext().spanId))
  const [root] = spans.filter((span) => !ids.has(span.parentSpanContext?.spanId ?? ''))
  const zero = msOf(root.startTime)
  /** @type {(span: Span, depth: number) => Row[]} */
  const under = (span, depth) => [
    rowOf(span, depth, zero),
    ...childrenOf(spans, span).flatMap((other) => under(other, depth + 1)),
  ]
  return under(root, 0)
}

/**
 * In the order of their starts; of those that begin in the same millisecond, the one that sends first is first.
 *
 * @param {Span[]} spans
 * @param {Span} span
 * @returns {Span[]}
 */
function childrenOf(spans, span) {
  const sends = (/** @type {Span} */ one) => Math.min(...childrenOf(spans, one).map((child) => msOf(child.startTime)))
  return spans
    .filter((other) => other.parentSpanContext?.spanId === span.spanContext().spanId)
    .sort((one, other) => msOf(one.startTime) - msOf(other.startTime) || sends(one) - sends(other))
}

/** @param {Span} span @param {number} depth @param {number} zero @returns {Row} */
function rowOf({ name, attributes, startTime, endTime }, depth, zero) {
  const { 'wxacode.endpoint': endpoint, 'wxacode.purpose': purpose } = attributes
  const failed = attributes['error.type']
  const resent = attributes['http.request.resend_count']
  return {
    label: endpoint ? `${name} · ${endpoint}` : name,
    depth,
    start: msOf(startTime) - zero,
    end: msOf(endTime) - zero,
    kind: failed ? 'failed' : purpose ? String(purpose) : name.startsWith('wxacode ') ? 'call' : 'root',
    note: [failed && `error.type ${failed}`, resent && `resend_count ${resent}`].filter(Boolean).join(' · '),
  }
}

/** @param {string[]} titles @param {Row[][]} runs */
function picture(titles, runs) {
  let y = 0
  const parts = runs.flatMap((rows, n) => {
    const top = y
    y += TITLE + rows.length * ROW + 34
    return chart(titles[n], rows, top)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">
<style>text{fill:#1f2328}.title{font:600 14px ${SANS}}.label,.note,.tick{font:12px ${MONO}}.note,.tick{fill:#59636e}.bad{fill:#cf222e}.grid{stroke:#d1d9e0}.root{fill:#8c959f}.call{fill:#0969da}.code,.api{fill:#1a7f37}.token{fill:#8250df}.failed{fill:#cf222e}@media (prefers-color-scheme:dark){text{fill:#e6edf3}.note,.tick{fill:#9198a1}.bad{fill:#ff7b72}.grid{stroke:#3d444d}.root{fill:#6e7681}.call{fill:#4493f8}.code,.api{fill:#3fb950}.token{fill:#ab7df8}.failed{fill:#f85149}}</style>
${parts.join('\n')}
</svg>
`
}

/** @param {string} title @param {Row[]} rows @param {number} top */
function chart(title, rows, top) {
  const last = Math.max(...rows.map(({ end }) => end))
  const x = (/** @type {number} */ ms) => round(LABELS + (ms / last) * PLOT)
  const bottom = top + TITLE + rows.length * ROW + 4
  const step = [20, 50, 100, 200, 500].find((ms) => last / ms <= 8) ?? 1000
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, n) => n * step)
  return [
    `<text class="title" x="0" y="${top + 16}">${title}</text>`,
    ...ticks.map((ms) => {
      const line = `<path class="grid" d="M${x(ms)} ${top + TITLE}V${bottom}"/>`
      return `${line}<text class="tick" x="${x(ms)}" y="${bottom + 14}"${ms ? ' text-anchor="middle"' : ''}>${ms} ms</text>`
    }),
    ...rows.map((row, n) => drawn(row, top + TITLE + n * ROW, x)),
  ]
}

/** @param {Row} row @param {number} y @param {(ms: number) => number} x */
function drawn({ label, depth, start, end, kind, note }, y, x) {
  const [from, to] = [x(start), x(end)]
  const bar = `<rect class="${kind}" x="${from}" y="${y + 4}" width="${Math.max(2, round(to - from))}" height="${ROW - 8}" rx="2"/>`
  const text = `<text class="label" x="${depth * 14}" y="${y + 14}">${escaped(label)}</text>`
  if (!note) return text + bar
  // Beside the bar, where there is room.
  const place = to + note.length * 7.3 + 8 < WIDTH ? `x="${to + 6}"` : `x="${from - 6}" text-anchor="end"`
  return `${text}${bar}<text class="note${kind === 'failed' ? ' bad' : ''}" ${place} y="${y + 14}">${escaped(note)}</text>`
}

/** @param {import('@opentelemetry/api').HrTime} time */
const msOf = ([seconds, nanoseconds]) => seconds * 1000 + nanoseconds / 1e6
/** @param {number} value */
const round = (value) => Number(value.toFixed(1))
/** @param {string} text */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(new URL('docs/images/', ROOT), { recursive: true })
  for (const [file, svg] of await traces()) writeFileSync(new URL(file, ROOT), svg)
}
