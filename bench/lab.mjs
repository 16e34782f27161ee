// Servers and measurements, each in a process of its own.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { certificates as issue } from '../__test__/support/certificates.mjs'
import { needsRedis, startRedis } from '../__test__/support/redis.mjs'
import { BARE, BEFORE, MINIMAL } from './names.mjs'

const run = promisify(execFile)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const native = (name) => here(`native/target/release/${name}`)
/** What the platform calls a library. */
const LIBRARY = /^(?:lib)?wxacode_bench_minimal\.(?:so|dylib|dll)$/

/** A root and a server's certificate in a folder that `close` removes. */
export async function certificates() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  const paths = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const papers = await issue()
  for (const [name, path] of Object.entries(paths)) await writeFile(path, papers[name])
  return { ...paths, close: () => rm(folder, { recursive: true }) }
}

export async function startServer({ size, latency, tls }, { cert, key }) {
  const args = ['--size', size, '--latency', latency, ...(tls ? ['--cert', cert, '--key', key] : [])]
  const server = spawn(native('server'), args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = await once(server.stdout.setEncoding('utf8'), 'data')
  return {
    base: `${tls ? 'https' : 'http'}://127.0.0.1:${Number(port)}`,
    async close() {
      server.kill()
      await once(server, 'close')
    },
  }
}

/** Bytes of the addon in this clone. */
export function addonBytes() {
  const name = readdirSync(here('..')).find((file) => file.endsWith('.node'))
  if (!name) throw new Error('there is no addon: npm run build')
  return statSync(here(`../${name}`)).size
}

/** Threads of the addon's runtime, from its source: the bare loop has as many. */
export function addonWorkers() {
  const file = 'src/node/mod.rs'
  const [, workers] = /\.worker_threads\((\d+)\)/.exec(readFileSync(here(`../${file}`), 'utf8')) ?? []
  if (!workers) throw new Error(`${file} does not say how many threads the addon has: .worker_threads(<n>)`)
  return Number(workers)
}

/** What one client does under one load, as `measure.mjs` counts it. Of a run of many minutes one turn may fail, once. */
export async function measure(client, load, options) {
  try {
    return await turn(client, load, options)
  } catch (error) {
    console.error(`${client} failed, and has its turn again: ${error.message}`)
    return turn(client, load, options)
  }
}

async function turn(client, { base, ca, concurrency, size }, { warmup, time, addon }) {
  const given = { base, ca, concurrency, warmup, time }
  if (client === BARE) return JSON.parse(await output(native('bare'), flags({ ...given, workers: addonWorkers() })))
  if (client === 'go') {
    return JSON.parse(await output(native('go'), flags({ ...given, warmup: `${warmup}ms`, time: `${time}ms` })))
  }
  return script('measure.mjs', { client, size, build: buildOf(client, addon), ...minimalAddon(client), ...given })
}

/** Where that addon is, and how many threads its runtime gets. */
function minimalAddon(client) {
  if (client !== MINIMAL) return {}
  const library = readdirSync(native('')).find((file) => LIBRARY.test(file))
  return { library: native(library), workers: addonWorkers() }
}

const buildOf = (client, addon) => (client === BEFORE ? addon : undefined)

/** So many clients, of apps or of the merchants of one platform, which has a Redis if there is a URL. */
export const makeMany = (count, { merchants = false, redis } = {}) => script('many.mjs', { count, merchants, redis })

/** Uses a redis-server of its own. `undefined` where none is installed. */
export async function withRedis(use) {
  if (needsRedis.skip) return undefined
  const ends = []
  try {
    const { url } = await startRedis({ after: (end) => ends.push(end) })
    return await use(url)
  } finally {
    for (const end of ends) await end()
  }
}

/** What a code costs that is found in memory, on a disk, in a store or at the server, by so many samples. */
export const tiersOfCache = ({ base, samples }) => script('tiers.mjs', { base, samples })

/** What a cached code costs, by so many samples. */
export const keptCode = (client, { base, samples, addon }) =>
  script('kept.mjs', { client, base, samples, build: buildOf(client, addon), ...minimalAddon(client) })

export const steadyMemory = (base, calls) => script('steady.mjs', { base, calls })

/** Milliseconds from the start of a process to its first code. */
export async function coldStart(client, { base, ca, addon }) {
  const given = { client, base, ca, concurrency: 1, build: buildOf(client, addon) }
  const begun = performance.now()
  await output(process.execPath, [here('cold.mjs'), JSON.stringify(given)], ca)
  return performance.now() - begun
}

/** Go is measured where it is installed. */
export const goIsThere = () => existsSync(native('go'))

async function script(file, given) {
  return JSON.parse(await output(process.execPath, ['--expose-gc', here(file), JSON.stringify(given)], given.ca))
}

/** A client that hangs ends the run instead of keeping it. */
const TURN_LIMIT = 120_000

const output = async (program, args, ca) =>
  (await run(program, args, { env: trusting(ca), timeout: TURN_LIMIT, killSignal: 'SIGKILL' })).stdout

const flags = (given) =>
  Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))

const trusting = (ca) => ({ ...process.env, ...(ca && { NODE_EXTRA_CA_CERTS: ca }) })
