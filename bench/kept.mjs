// A code that is kept, again and again: what a hit costs the JavaScript thread, beside the copy that it cannot do without.
// Prints one line of JSON.

import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { clients } from './clients.mjs'
import { median } from './figures.mjs'

const AT_ONCE = 200

const { base, rounds } = JSON.parse(process.argv[2])
const kept = await clients.wxacode({ base, cache: true })
const image = await kept()

const hits = []
const copies = []
for (let round = 0; round < rounds; round++) {
  hits.push(await timed(kept))
  copies.push(await timed(async () => Buffer.from(image)))
}
const settled = (all) => median(all.slice(all.length / 5))
console.log(JSON.stringify({ hitUs: settled(hits), copyUs: settled(copies) }))
process.exit()

/** Microseconds for one, all of them on this thread. */
async function timed(code) {
  const begun = performance.now()
  for (let n = 0; n < AT_ONCE; n++) await code()
  const took = performance.now() - begun
  await nextTurn()
  return (took * 1000) / AT_ONCE
}
