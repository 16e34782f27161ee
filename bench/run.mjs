// npm run bench: everybody under the same loads, in turns, over several rounds of one run.

import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { certificates, coldStart, measure, startServer } from './lab.mjs'
import { report } from './report.mjs'
import { scenes } from './scenes.mjs'

const positive = (text) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1')
  return Number(text)
}

const options = new Command()
  .name('npm run bench --')
  .description('Measures wxacode beside what else a Node backend could use.')
  .option('--rounds <n>', 'rounds, in each of which everybody has a turn', positive, 5)
  .option('--time <ms>', 'how long one turn is measured', positive, 2000)
  .option('--warmup <ms>', 'and how long it runs before that', positive, 1500)
  .option('--only <scenes...>', `of ${scenes.map(({ name }) => name).join(', ')}, cold`)
  .option('--clients <clients...>', 'only these')
  .option('--write', 'write docs/performance.md and its charts')
  .option('--json <file>', 'write the figures of every round')
  .parse()
  .opts()

const chosen = (name) => options.only === undefined || options.only.includes(name)
const taking = (clients) => clients.filter((client) => options.clients?.includes(client) ?? true)

const results = { scenes: [], cold: undefined }
const papers = await certificates()
try {
  for (const scene of scenes.filter(({ name }) => chosen(name))) results.scenes.push(await play(scene))
  if (chosen('cold')) results.cold = await playCold()
} finally {
  await papers.close()
}
console.log(await report(results, options))
if (options.json) await writeFile(options.json, JSON.stringify(results))

async function play(scene) {
  const server = await startServer(scene, papers)
  const load = { ...scene, base: server.base, ca: scene.tls ? papers.ca : undefined }
  const rounds = Object.fromEntries(taking(scene.clients).map((client) => [client, []]))
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const client of Object.keys(rounds)) {
        const figures = await measure(client, load, options)
        rounds[client].push(figures)
        const rate = Math.round(figures.codesPerSecond)
        process.stderr.write(`${scene.title}, round ${round}: ${client} ${rate} codes/s\n`)
      }
    }
  } finally {
    await server.close()
  }
  return { ...scene, rounds }
}

/** Bare Node takes part, so that only what a client adds is told. */
async function playCold() {
  const rounds = {
    none: [],
    ...Object.fromEntries(
      taking(['wxacode', 'undici', 'axios', 'co-wechat-api', 'impit']).map((client) => [client, []]),
    ),
  }
  const server = await startServer({ size: 60 * 1024, latency: 0, tls: false }, papers)
  try {
    for (let round = 0; round < options.rounds * 4; round++) {
      for (const client of Object.keys(rounds)) rounds[client].push({ ms: await coldStart(client, server) })
    }
  } finally {
    await server.close()
  }
  return rounds
}
