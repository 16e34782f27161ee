// Where a cached code may be found: in memory, on the disk, in a store of this process, or at the server, one call after the other.
// A store of one's own adds its own time, which this one has none of. Prints one line of JSON.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { WxaCode } from 'wxacode'
import { median } from './figures.mjs'

const { base, samples } = JSON.parse(process.argv[2])
const directory = await mkdtemp(join(tmpdir(), 'wxacode-bench-'))
const paramsOf = (n) => ({ scene: `id=${n}`, page: 'pages/index/index' })
const open = (cache) =>
  new WxaCode({
    appid: 'wx0123456789abcdef',
    secret: '0123456789abcdef0123456789abcdef',
    baseUrl: base,
    ratePerMinute: Number.POSITIVE_INFINITY,
    cache,
  })

try {
  const store = new Map()
  // What is there is found by a client that has nothing in memory.
  const filled = open({ directory, store, maxBytes: 1 })
  for (let n = 0; n < samples; n++) await filled.getUnlimitedQRCode(paramsOf(n))
  await filled.close()
  const kept = open({ maxBytes: 1e9 })
  for (let n = 0; n < samples; n++) await kept.getUnlimitedQRCode(paramsOf(n))

  const places = {
    memory: kept,
    disk: open({ directory, maxBytes: 1 }),
    store: open({ store, maxBytes: 1 }),
    server: open(false),
  }
  const figures = {}
  for (const [name, client] of Object.entries(places)) {
    // Until it is compiled, and has a connection.
    for (let n = 0; n < samples / 5; n++) await client.getUnlimitedQRCode(paramsOf(n))
    const { us, cpuUs } = await measured(client)
    figures[`${name}Us`] = us
    figures[`${name}CpuUs`] = cpuUs
  }
  const { diskHits } = places.disk.stats().cache
  const { storeHits } = places.store.stats().cache
  if (diskHits < samples || storeHits < samples) throw new Error(`only ${diskHits} and ${storeHits} were hits`)
  console.log(JSON.stringify(figures))
} finally {
  await rm(directory, { recursive: true })
}
process.exit()

/** Microseconds for one: the median of all, and the CPU of all threads. */
async function measured(client) {
  const used = process.cpuUsage()
  const times = []
  for (let n = 0; n < samples; n++) {
    const begun = performance.now()
    await client.getUnlimitedQRCode(paramsOf(n))
    times.push((performance.now() - begun) * 1000)
  }
  const { user, system } = process.cpuUsage(used)
  return { us: median(times), cpuUs: (user + system) / samples }
}
