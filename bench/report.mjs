// The figures as text, and as docs/performance.md with charts drawn from the same data.

import { readdirSync } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { bars } from './chart.mjs'
import { medians, number, ratio, table } from './figures.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const docs = fileURLToPath(new URL('../docs/performance/', import.meta.url))

const COLUMNS = [
  ['codes/s', 'codesPerSecond', 0],
  ['CPU µs/code', 'cpuUs', 1],
  ['JS thread µs/code', 'threadUs', 1],
  ['loop delay p99 ms', 'delayP99Ms', 1],
  ['peak RSS MiB', 'rssMiB', 0],
]

export async function report(results, { write, rounds }) {
  const parts = results.scenes.map(sceneText)
  if (results.cold) parts.push(coldText(results.cold))
  parts.push(`Addon: ${number((await addonSize()) / 1e6, 2)} MB`)
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
  return `### ${title}\n\n${table(header, rows)}`
}

function coldText(rounds) {
  const bare = medians(rounds.none).ms
  const rows = Object.entries(rounds)
    .filter(([client]) => client !== 'none')
    .map(([client, times]) => [client, number(medians(times).ms - bare, 1)])
  return `### Cold start\n\nFrom the start of the process to the first code, over bare Node (${number(bare, 1)} ms).\n\n${table(['client', 'ms'], rows)}`
}

async function addonSize() {
  const name = readdirSync(root).find((file) => file.endsWith('.node'))
  return (await stat(`${root}${name}`)).size
}

async function writeDocs({ scenes }, text, rounds) {
  await mkdir(docs, { recursive: true })
  const charts = []
  for (const { name, title, rounds: of } of scenes) {
    const figures = Object.entries(of).map(([client, theirs]) => [client, medians(theirs)])
    for (const [what, field] of [
      ['codes per second', 'codesPerSecond'],
      ['CPU µs per code', 'cpuUs'],
    ]) {
      const file = `${name}-${field}.svg`
      await writeFile(
        `${docs}${file}`,
        bars(
          `${title}: ${what}`,
          figures.map(([client, all]) => [client, all[field]]),
        ),
      )
      charts.push(`![${title}: ${what}](performance/${file})`)
    }
  }
  const [{ model }] = cpus()
  const machine = `${cpus().length} cores (${model.trim()}), ${number(totalmem() / 2 ** 30, 1)} GiB, Node ${process.versions.node}`
  const head = `# Performance

Measured on ${new Date().toISOString().slice(0, 10)} by \`npm run bench -- --write\`: ${machine}. Medians of ${rounds} rounds, in each of which
everybody had a turn in a process of its own, against a server in Rust on the same machine that costs next to nothing.
\`bare\` is a reqwest loop without Node: nothing in Node can be faster. Ratios are medians of each round's ratio. Clients and
server share the cores, so rates are lower than either would reach alone.
`
  await writeFile(
    `${docs}../performance.md`,
    `${[head, charts.slice(0, 4).join('\n'), text, charts.slice(4).join('\n')].join('\n\n')}\n`,
  )
}
