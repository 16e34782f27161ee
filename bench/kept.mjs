// A cached code, again and again: what a hit costs the JavaScript thread, beside `Buffer.from` of the same bytes, the copy
// that every caller needs. Prints one line of JSON.

import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { clients } from './clients.mjs'
import { median } from './figures.mjs'

/** So few that most samples are shorter than a time slice: another process that has the core spoils some, not the median. */
const AT_ONCE = 20

const { client, samples, ...given } = JSON.parse(process.argv[2])
const hit = await clients[client]({ ...given, cache: true })
const image = await hit()
const copy = async () => Buffer.from(image)

// Until both are compiled.
for (let n = 0; n < samples / 5; n++) await sampleOfBoth(n)
const hits = []
const copies = []
for (let n = 0; n < samples; n++) {
  const taken = await sampleOfBoth(n)
  hits.push(taken.hit)
  copies.push(taken.copy)
}
const mean = (all) => all.reduce((sum, { cpu }) => sum + cpu, 0) / all.length
console.log(
  JSON.stringify({
    hitUs: median(hits.map(({ wall }) => wall)),
    copyUs: median(copies.map(({ wall }) => wall)),
    overUs: median(hits.map(({ wall }, n) => wall - copies[n].wall)),
    // With garbage collection, which a median leaves out, on all threads.
    hitCpuUs: mean(hits),
    copyCpuUs: mean(copies),
  }),
)
process.exit()

/** Each is first as often as the other: the garbage of one is collected in the time of the next. */
async function sampleOfBoth(n) {
  if (n % 2 === 0) return { hit: await sample(hit), copy: await sample(copy) }
  const copied = await sample(copy)
  return { hit: await sample(hit), copy: copied }
}

/** Microseconds for one, with its share of a turn of the event loop. */
async function sample(code) {
  const used = process.cpuUsage()
  const begun = performance.now()
  for (let n = 0; n < AT_ONCE; n++) await code()
  await nextTurn()
  const wall = ((performance.now() - begun) * 1000) / AT_ONCE
  const { user, system } = process.cpuUsage(used)
  return { wall, cpu: (user + system) / AT_ONCE }
}
