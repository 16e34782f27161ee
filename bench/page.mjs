// docs/en/performance.md: what users want to know of a run. Everything else is in bench/GOALS.md.

import { medians, number, ratio, table } from './figures.mjs'
import { BARE, MINIMAL, OURS, REFERENCE } from './names.mjs'
import { text as words } from './words.mjs'

const COLUMNS = [
  ['codes/s', 'codesPerSecond', 0],
  ['CPU µs/code', 'cpuUs', 1],
  ['JS thread µs/code', 'threadUs', 1],
  ['loop delay p99 ms', 'delayP99Ms', 1],
  ['peak RSS MiB', 'rssMiB', 0],
]

/** Of HTTPS, which is what api.weixin.qq.com speaks. */
const CHARTS = [
  ['codes per second', 'codesPerSecond'],
  ['CPU µs per code', 'cpuUs'],
  ['JS thread µs per code', 'threadUs'],
]

/** A Node backend could use these; the others are for contributors. */
const isForUsers = (client) => client !== BARE && client !== MINIMAL && client !== 'go'

const sceneOf = ({ scenes }, name) => scenes.find((scene) => scene.name === name)

/** What is drawn: the file, and its bars as `[client, value]`. */
export const charts = (results) =>
  CHARTS.map(([, figure]) => ({
    file: `tls-${figure}.svg`,
    bars: Object.entries(sceneOf(results, 'tls').rounds)
      .filter(([client]) => isForUsers(client))
      .map(([client, rounds]) => [client, medians(rounds)[figure]]),
  }))

export function page(results) {
  const parts = [
    '# Performance',
    words('What a code costs', {}),
    words('Measured on {date}', results.environment),
    '## Over HTTPS',
    words('api.weixin.qq.com is', {}),
    inWords(sceneOf(results, 'tls')),
    ...CHARTS.flatMap(([what], n) => {
      const title = `Over HTTPS: ${what}`
      return [`**${title}**`, `![${title}](../performance/${charts(results)[n].file})`]
    }),
    clientTable(sceneOf(results, 'tls')),
    '## Over plain HTTP',
    words('As inside', {}),
    inWords(sceneOf(results, 'usual')),
    clientTable(sceneOf(results, 'usual')),
    '## Other loads',
    words('wxacode over plain HTTP', {}),
    loadTable(results.scenes.filter(({ name }) => name !== 'usual' && name !== 'tls')),
    '## Memory',
    words('In one process', { first: number(results.steady[0]), last: number(results.steady.at(-1)) }),
    '## A cached code',
    ofKept(results.kept[OURS]),
    ...ofTiers(results.tiers),
    '## Cold start',
    words('From the start', { ms: number(medians(results.cold.none).ms, 1) }),
    coldTable(results),
    '## How to read the figures',
    [
      'Clients and',
      'The server',
      '`undici` is',
      'wxacode also',
      'Over HTTPS all',
      'JS thread is',
      'Loop delay',
      'RSS is',
      'Run it',
    ]
      .map((start) => `- ${words(start, results.environment)}`)
      .join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function inWords({ rounds }) {
  const times = (figure) => number(ratio(rounds[OURS], rounds[REFERENCE], figure), 2)
  return words('Beside `undici Pool`', {
    codes: times('codesPerSecond'),
    cpu: times('cpuUs'),
    thread: times('threadUs'),
    delay: times('delayP99Ms'),
  })
}

function clientTable({ rounds }) {
  const rows = Object.entries(rounds)
    .filter(([client]) => isForUsers(client))
    .map(([client, theirs]) => {
      const figures = medians(theirs)
      return [client, ...COLUMNS.map(([, figure, digits]) => number(figures[figure], digits))]
    })
  return table(['client', ...COLUMNS.map(([name]) => name)], rows)
}

function loadTable(scenes) {
  const shown = COLUMNS.filter(([, figure]) => figure !== 'delayP99Ms')
  const rows = scenes.map(({ title, rounds }) => {
    const figures = medians(rounds[OURS])
    const times = (figure) => number(ratio(rounds[OURS], rounds[REFERENCE], figure), 2)
    return [title, ...shown.map(([, figure, digits]) => `${number(figures[figure], digits)} (${times(figure)}x)`)]
  })
  return table(['load', ...shown.map(([name]) => name)], rows)
}

function ofKept(rounds) {
  const { hitUs, copyUs } = medians(rounds)
  return words('With `cache`', { hit: number(hitUs, 1), copy: number(copyUs, 1) })
}

/** Runs of before there was a disk have no such figures. */
function ofTiers(tiers) {
  if (tiers === undefined) return []
  const { diskUs, storeUs, serverUs } = medians(tiers[OURS])
  return [words('A code that', { disk: number(diskUs), store: number(storeUs), server: number(serverUs) })]
}

function coldTable({ cold, coldTls }) {
  const added = (times, client) => number(medians(times[client]).ms - medians(times.none).ms, 1)
  const clients = Object.keys(cold).filter((client) => client !== 'none')
  return table(
    ['client', 'ms', 'ms over HTTPS'],
    clients.map((client) => [client, added(cold, client), added(coldTls, client)]),
  )
}

/** CPU per code, as the table "Why wxacode" in the READMEs has it. */
export function inReadme(readme, results) {
  const cpu = (client) => `${number(medians(sceneOf(results, 'tls').rounds[client]).cpuUs)} µs`
  const row = /^(\| (?:CPU per code|每张码的 CPU)[^|]*\|)[^|]*\|[^|]*\|([^|]*\|)[^|]*\|$/m
  if (!row.test(readme)) throw new Error('the README has no row for the CPU per code')
  return readme
    .replace(
      row,
      (_, name, unmeasured) => `${name} ${cpu('fetch')} | ${cpu('co-wechat-api')} |${unmeasured} ${cpu(OURS)} |`,
    )
    .replace(/(\[性能\]\(docs\/zh\/performance\.md\)：)[\d-]+/, `$1${results.environment.date}`)
}
