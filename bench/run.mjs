// npm run bench: everybody under the same loads, in turns, over several rounds of one run.

import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { certificates, coldStart, goIsThere, keptCode, makeMany, measure, startServer, steadyMemory } from './lab.mjs'
import { report } from './report.mjs'
import { scenes, USUAL } from './scenes.mjs'

const positive = (text) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1')
  return Number(text)
}

const program = new Command()
  .name('npm run bench --')
  .description('Measures wxacode beside what else a Node backend could use.')
  .option('--rounds <n>', 'rounds, in each of which everybody has a turn', positive, 5)
  .option('--time <ms>', 'how long one turn is measured', positive, 2000)
  .option('--warmup <ms>', 'and how long it runs before that', positive, 1500)
  .option('--only <scenes...>', `of ${scenes.map(({ name }) => name).join(', ')}, kept, cold, many, steady`)
  .option('--clients <clients...>', 'only these')
  .option('--write', 'write docs/en/performance.md and its charts')
  .option('--json <file>', 'write the figures of every round')
  .parse()
const options = program.opts()
if (options.write && (options.only || options.clients))
  program.error('--write is for the whole: without --only, --clients')

const chosen = (name) => options.only === undefined || options.only.includes(name)
const taking = (clients) =>
  clients.filter((client) => (options.clients?.includes(client) ?? true) && (client !== 'go' || goIsThere()))

const results = { scenes: [] }
const papers = await certificates()
try {
  for (const scene of scenes.filter(({ name }) => chosen(name))) results.scenes.push(await play(scene))
  if (chosen('kept')) results.kept = await withServer(USUAL, ({ base }) => rounds(() => keptCode(base, 200)))
  if (chosen('cold')) {
    results.cold = await withServer(USUAL, playCold)
    results.coldTls = await withServer({ ...USUAL, tls: true }, (server) => playCold({ ...server, ca: papers.ca }))
  }
  if (chosen('many')) results.many = await rounds(() => makeMany(10_000))
  if (chosen('steady')) results.steady = await withServer(USUAL, ({ base }) => steadyMemory(base, 200_000))
} finally {
  await papers.close()
}
if (options.json) await writeFile(options.json, JSON.stringify(results))
console.log(await report(results, options))

async function play(scene) {
  const figures = Object.fromEntries(taking(scene.clients).map((client) => [client, []]))
  await withServer(scene, async ({ base }) => {
    const load = { ...scene, base, ca: scene.tls ? papers.ca : undefined }
    for (let round = 1; round <= options.rounds; round++) {
      for (const client of Object.keys(figures)) {
        const one = await measure(client, load, options)
        figures[client].push(one)
        process.stderr.write(`${scene.title}, round ${round}: ${client} ${Math.round(one.codesPerSecond)} codes/s\n`)
      }
    }
  })
  return { ...scene, rounds: figures }
}

/** Bare Node takes part, so that only what a client adds is told. */
async function playCold({ base, ca }) {
  const clients = ['none', ...taking(['wxacode', 'undici', 'axios', 'co-wechat-api', 'impit'])]
  const figures = Object.fromEntries(clients.map((client) => [client, []]))
  for (let round = 0; round < options.rounds * 4; round++) {
    for (const client of clients) figures[client].push({ ms: await coldStart(client, { base, ca }) })
  }
  return figures
}

async function rounds(once) {
  const figures = []
  for (let round = 0; round < options.rounds; round++) figures.push(await once())
  return figures
}

async function withServer(kind, use) {
  const server = await startServer(kind, papers)
  try {
    return await use(server)
  } finally {
    await server.close()
  }
}
