// npm run bench: every client under the same loads, in turns, over several rounds of one run.

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { compareBuilds, comparisonText } from './compare.mjs'
import { environment } from './environment.mjs'
import { asJson } from './figures.mjs'
import {
  addonBytes,
  certificates,
  coldStart,
  goIsThere,
  keptCode,
  makeMany,
  measure,
  startServer,
  steadyMemory,
  tiersOfCache,
  withRedis,
} from './lab.mjs'
import { BEFORE, MINIMAL, OURS, TRACED } from './names.mjs'
import { report } from './report.mjs'
import { COLD, QUICK, scenes, USUAL } from './scenes.mjs'

const positive = (text) => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1')
  return Number(text)
}
// `npm run` changes the folder.
const path = (file) => resolve(process.env.INIT_CWD ?? '', file)

const program = new Command()
  .name('npm run bench --')
  .description('Measures wxacode beside what else a Node backend could use.')
  .option('--rounds <n>', 'rounds, in each of which every client has a turn (5)', positive)
  .option('--time <ms>', 'how long one turn is measured (2000)', positive)
  .option('--warmup <ms>', 'and how long it runs before that (1000)', positive)
  .option(
    '--only <scenes...>',
    `of ${scenes.map(({ name }) => name).join(', ')}, kept, tiers, cold, many, merchants, steady`,
  )
  .option('--clients <clients...>', 'only these')
  .option('--quick', `to judge a change: ${QUICK.rounds} short rounds of ${QUICK.only.join(', ')}`)
  .option('--addon <path>', `another build, the folder of a clone or a .node file, as the client ${BEFORE}`, path)
  .option('--write', 'write docs/en/performance.md with its twin and its charts, bench/GOALS.md and the READMEs')
  .option('--json [file]', 'write the figures of every round; without a file, print them instead of the tables')
  .option('--from <file>', 'measure nothing: report or write the figures that --json wrote', path)
  .parse()
const given = program.opts()
const options = { rounds: 5, time: 2000, warmup: 1000, ...(given.quick && QUICK), ...given }
if (options.write && (options.only || options.clients || options.addon))
  program.error('--write is for the whole: without --only, --clients, --quick, --addon')
if (
  options.addon &&
  !existsSync(options.addon.endsWith('.node') ? options.addon : join(options.addon, 'lib/native.js'))
)
  program.error(`--addon: there is no build of wxacode at ${options.addon}`)

const chosen = (name) => options.only === undefined || options.only.includes(name)
const isThere = (client) =>
  (client !== 'go' || goIsThere()) &&
  (client !== BEFORE || options.addon !== undefined) &&
  (client !== TRACED || options.clients?.includes(TRACED))
const taking = (clients) => clients.filter((client) => isThere(client) && (options.clients?.includes(client) ?? true))

const results = options.from ? JSON.parse(await readFile(options.from, 'utf8')) : await run()
if (typeof options.json === 'string') await writeFile(path(options.json), asJson(results))
const text = await report(results, options)
console.log(options.json === true ? asJson(results) : text)
if (options.addon && options.json !== true)
  console.log(`\n## ${BEFORE} and ${OURS}\n\n${comparisonText(compareBuilds(results))}`)

async function run() {
  const results = { environment: await environment(options), addonBytes: addonBytes(), scenes: [] }
  const papers = await certificates()
  const withServer = async (kind, use) => {
    const server = await startServer(kind, papers)
    try {
      return await use({ ...kind, base: server.base, ca: kind.tls ? papers.ca : undefined, addon: options.addon })
    } finally {
      await server.close()
    }
  }
  try {
    for (const scene of scenes.filter(({ name }) => chosen(name))) {
      results.scenes.push({ ...scene, rounds: await withServer(scene, (load) => play(scene, load)) })
    }
    if (chosen('kept')) results.kept = await withServer(USUAL, playKept)
    if (chosen('tiers'))
      results.tiers = await withServer(USUAL, (load) =>
        inTurns([OURS], options.rounds, () => tiersOfCache({ ...load, samples: 500 })),
      )
    if (chosen('cold')) {
      results.cold = await withServer(USUAL, playCold)
      results.coldTls = await withServer({ ...USUAL, tls: true }, playCold)
    }
    if (chosen('many')) results.many = await inTurns([OURS], options.rounds, () => makeMany(10_000))
    if (chosen('merchants')) {
      const merchants = true
      results.merchants = await inTurns([OURS], options.rounds, () => makeMany(10_000, { merchants }))
      results.merchantsRedis = await withRedis((redis) =>
        inTurns([OURS], options.rounds, () => makeMany(10_000, { merchants, redis })),
      )
    }
    if (chosen('steady')) results.steady = await withServer(USUAL, ({ base }) => steadyMemory(base, 200_000))
  } finally {
    await papers.close()
  }
  return results
}

function play({ title, clients }, load) {
  return inTurns(taking(clients), options.rounds, async (client, round) => {
    const one = await measure(client, load, options)
    process.stderr.write(`${title}, round ${round}: ${client} ${Math.round(one.codesPerSecond)} codes/s\n`)
    return one
  })
}

function playKept(load) {
  return inTurns(taking([OURS, BEFORE, MINIMAL]), options.rounds, (client) =>
    keptCode(client, { ...load, samples: 1000 }),
  )
}

/** Bare Node takes part, so that only what a client adds is told. */
function playCold(load) {
  const once = async (client) => ({ ms: await coldStart(client, load) })
  return inTurns(['none', ...taking(COLD)], options.rounds * 4, once)
}

/** In every other round the other way around, so that none has always the same one before it. */
async function inTurns(clients, rounds, once) {
  const figures = Object.fromEntries(clients.map((client) => [client, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const client of round % 2 === 1 ? clients : clients.toReversed())
      figures[client].push(await once(client, round))
  }
  return figures
}
