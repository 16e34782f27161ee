// All figures and the goals as text, for contributors. `page.mjs` writes the page for users.

import { medians, number, ratio, table } from './figures.mjs'
import { goalsText } from './goals.mjs'
import { BEFORE, MINIMAL, OURS, REFERENCE } from './names.mjs'
import { page } from './page.mjs'
import { inChinese } from './words.mjs'

const COLUMNS = [
  ['codes/s', 'codesPerSecond', 0],
  ['CPU µs/code', 'cpuUs', 1],
  ['JS thread µs/code', 'threadUs', 1],
  ['loop delay p99 ms', 'delayP99Ms', 2],
  ['peak RSS MiB', 'rssMiB', 0],
]

export async function report(results, { write } = {}) {
  if (write) {
    // Only here: it draws, with packages that tests do not have.
    const { writeAll } = await import('./write.mjs')
    await writeAll(results)
  }
  return reportText(results)
}

export function reportText(results) {
  const parts = [`## Goals\n\n${goalsText(results)}`, ...results.scenes.map(sceneText)]
  if (results.kept) parts.push(keptText(results.kept))
  if (results.tiers) parts.push(tiersText(results.tiers))
  if (results.cold) parts.push(coldText(results.cold, results.coldTls))
  if (results.many) parts.push(manyText('10,000 clients', results.many))
  if (results.merchants) parts.push(manyText('10,000 merchants of a platform', results.merchants))
  if (results.merchantsRedis) parts.push(manyText('10,000 merchants of a platform with Redis', results.merchantsRedis))
  if (results.steady) parts.push(steadyText(results.steady))
  return parts.join('\n\n')
}

/** What is written of a run, as `[path, text]`. */
export function pages(results) {
  const english = page(results)
  return [
    ['docs/en/performance.md', english],
    ['docs/zh/performance.md', inChinese(english)],
    ['bench/GOALS.md', goalsPage(results)],
  ]
}

function goalsPage(results) {
  const { date, commit, cores, cpu, memoryGiB, node, rounds, time, others } = results.environment
  const busy =
    others === undefined ? '' : ` As it began, other processes used ${number(others * 100)} % of the machine.`
  return `# Goals of performance

Written by \`npm run bench -- --write\`, on ${date}${commit ? ` at ${commit}` : ''}: ${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}, ${rounds} rounds of ${time} ms.${busy} How to measure and to judge a change is in [CONTRIBUTING.md](../CONTRIBUTING.md#performance); users read [docs/en/performance.md](../docs/en/performance.md).

The goal is what wxacode sets out to reach, and the aim is more than that: with 64 concurrent calls and codes of 60 KB, over plain HTTP, unless it is said. The reference is \`${REFERENCE}\`, with as many connections as calls and all else at its defaults. \`bare\` is a reqwest loop without Node, on as many threads as the addon's runtime has, and built with the same options as the addon's HTTP client. \`${MINIMAL}\` hands over to JavaScript what \`bare\` receives, in the way wxacode does, and does nothing else: no token, no parameter, no check, no limit, no error. What it costs is the floor of any addon. Figures are medians of the rounds, ratios medians of the ratios of the rounds. Loop delay is the 99th percentile that \`monitorEventLoopDelay\` has with a resolution of 1 ms, less its median in the same process before the load, about 1.1 ms: that is the timer's own.

${reportText(results)}
`
}

function sceneText({ title, rounds }) {
  const { [OURS]: ours } = rounds
  const header = ['client', ...COLUMNS.map(([name]) => name), ...(ours ? ['wxacode: codes/s', 'wxacode: CPU'] : [])]
  const rows = Object.entries(rounds).map(([client, theirs]) => {
    const figures = medians(theirs)
    const cells = COLUMNS.map(([, name, digits]) => number(figures[name], digits))
    const against = ours
      ? [`${number(ratio(ours, theirs, 'codesPerSecond'), 2)}x`, `${number(ratio(ours, theirs, 'cpuUs'), 2)}x`]
      : []
    return [client, ...cells, ...against]
  })
  return `## ${capital(title)}\n\n${table(header, rows)}`
}

function coldText(plain, tls) {
  const added = (times, client) => number(medians(times[client]).ms - medians(times.none).ms, 1)
  const rows = Object.keys(plain)
    .filter((client) => client !== 'none')
    .map((client) => [client, added(plain, client), added(tls, client)])
  return `## Cold start

From the start of a process to its first code, over a Node that loads only this benchmark's own module (${number(medians(plain.none).ms, 1)} ms).

${table(['client', 'ms', 'ms over TLS'], rows)}`
}

function keptText(kept) {
  const rows = [OURS, BEFORE, MINIMAL]
    .filter((client) => kept[client])
    .map((client) => {
      const { hitUs, copyUs, overUs, hitCpuUs, copyCpuUs } = medians(kept[client])
      return [client, ...[hitUs, copyUs, overUs, hitCpuUs, copyCpuUs].map((value) => number(value, 2))]
    })
  return `## A cached code of 60 KB

All on the JavaScript thread, in turns with \`Buffer.from\` of the same bytes. CPU is that of the process, with garbage collection, which the medians leave out.

${table(['client', 'a hit, µs', '`Buffer.from`, µs', 'a hit over it, µs', 'CPU of a hit, µs', 'CPU of `Buffer.from`, µs'], rows)}`
}

/** The places of a cache, as `bench/tiers.mjs` names its figures. */
export const PLACES = ['memory', 'disk', 'store', 'server']

function tiersText({ [OURS]: rounds }) {
  const figures = medians(rounds)
  const rows = PLACES.map((place) => [
    place,
    ...[figures[`${place}Us`], figures[`${place}CpuUs`]].map((value) => number(value, 1)),
  ])
  return `## Where a cached code is found

60 KB, one call after the other. The disk has the file in the system's page cache, the store is a \`Map\` of the process, and the server responds at once.

${table(['found', 'µs', 'CPU µs of all threads'], rows)}`
}

function manyText(title, { [OURS]: rounds }) {
  const { makeUs, keepKiB } = medians(rounds)
  return `## ${title}\n\n${table(['to make one, µs', 'to keep one, KiB'], [[number(makeUs, 1), number(keepKiB, 1)]])}`
}

function steadyText(rss) {
  const header = ['after', ...rss.map((_, tenth) => `${(tenth + 1) * 10} %`)]
  return `## 200,000 calls in one process\n\n${table(header, [['RSS MiB', ...rss.map((mib) => number(mib))]])}`
}

const capital = (title) => title.charAt(0).toUpperCase() + title.slice(1)
