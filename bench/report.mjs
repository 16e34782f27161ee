// The figures as text, and as docs/en/performance.md and docs/zh/performance.md with charts drawn from the same data.

import { readdirSync } from 'node:fs'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { bars } from './chart.mjs'
import { medians, number, ratio, table } from './figures.mjs'
import { goals } from './goals.mjs'
import { inChinese, text as words } from './words.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const docs = fileURLToPath(new URL('../docs/performance/', import.meta.url))

const COLUMNS = [
  ['codes/s', 'codesPerSecond', 0],
  ['CPU µs/code', 'cpuUs', 1],
  ['JS thread µs/code', 'threadUs', 1],
  ['loop delay p99 ms', 'delayP99Ms', 1],
  ['peak RSS MiB', 'rssMiB', 0],
]

const CHARTS = [
  ['codes per second', 'codesPerSecond'],
  ['CPU µs per code', 'cpuUs'],
]

export async function report(results, { write, rounds }) {
  const all = { ...results, addonBytes: await addonSize() }
  const parts = [`## Goals\n\n${words('The goal is')}\n\n${goals(all)}`, ...results.scenes.map(sceneText)]
  if (results.kept) parts.push(keptText(results.kept))
  if (results.cold) parts.push(coldText(results.cold, results.coldTls))
  if (results.steady) parts.push(steadyText(results.steady))
  const text = parts.join('\n\n')
  if (write) await writeDocs(results, text, rounds)
  return text
}

function sceneText({ title, rounds }) {
  const { wxacode: ours } = rounds
  const header = ['client', ...COLUMNS.map(([name]) => name), ...(ours ? ['wxacode: codes/s', 'wxacode: CPU'] : [])]
  const rows = Object.entries(rounds).map(([client, theirs]) => {
    const figures = medians(theirs)
    const cells = COLUMNS.map(([, name, digits]) => number(figures[name], digits))
    const against = ours
      ? [`${number(ratio(ours, theirs, 'codesPerSecond'), 2)}x`, `${number(ratio(ours, theirs, 'cpuUs'), 2)}x`]
      : []
    return [client, ...cells, ...against]
  })
  return `## ${title}\n\n${table(header, rows)}`
}

function coldText(plain, tls) {
  const added = (times, client) => number(medians(times[client]).ms - medians(times.none).ms, 1)
  const rows = Object.keys(plain)
    .filter((client) => client !== 'none')
    .map((client) => [client, added(plain, client), added(tls, client)])
  const bare = number(medians(plain.none).ms, 1)
  return `## Cold start

${words('From the start', { ms: bare })}

${table(['client', 'ms', 'ms over TLS'], rows)}`
}

function keptText(kept) {
  const { hitUs, copyUs } = medians(kept)
  const row = [number(hitUs, 1), number(copyUs, 1), number(hitUs - copyUs, 1)]
  return `## A cached code of 60 KB

${words('With `cache`')}

${table(['a hit, µs', '`Buffer.from` of the same bytes, µs', 'the rest, µs'], [row])}`
}

function steadyText(rss) {
  const header = ['after', ...rss.map((_, tenth) => `${(tenth + 1) * 10} %`)]
  return `## 200,000 calls in one process\n\n${table(header, [['RSS MiB', ...rss.map((mib) => number(mib))]])}`
}

async function addonSize() {
  const name = readdirSync(root).find((file) => file.endsWith('.node'))
  return (await stat(`${root}${name}`)).size
}

async function writeDocs({ scenes }, text, rounds) {
  await rm(docs, { recursive: true, force: true })
  await mkdir(docs, { recursive: true })
  const pictures = []
  for (const { name, title, rounds: of } of scenes) {
    for (const [what, field] of CHARTS) {
      const rows = Object.entries(of).map(([client, theirs]) => [client, medians(theirs)[field]])
      const file = `${name}-${field}.svg`
      await writeFile(`${docs}${file}`, bars(rows))
      pictures.push(`**${title}: ${what}**`, `![${title}: ${what}](../performance/${file})`)
    }
  }
  const first = 4 * CHARTS.length
  const parts = [head(rounds), pictures.slice(0, first).join('\n\n'), text, pictures.slice(first).join('\n\n')]
  const page = `${parts.join('\n\n').trim()}\n`
  await writeFile(`${docs}../en/performance.md`, page)
  await writeFile(`${docs}../zh/performance.md`, inChinese(page))
}

function head(rounds) {
  const [{ model }] = cpus()
  const parts = {
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    model: model.trim(),
    memory: number(totalmem() / 2 ** 30, 0),
    node: process.versions.node,
    rounds,
  }
  const notes = ['`undici` is its', 'Over TLS every client', 'JS thread is the time', 'RSS is the peak']
  return `# Performance

${words('Measured on {date} by `npm run bench -- --write`', parts)}

${notes.map((start) => `- ${words(start)}`).join('\n')}`
}
