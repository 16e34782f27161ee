// One client under one load in a process of its own. Prints one line of JSON.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { clients } from './clients.mjs'

/** How long the loop is observed while it has nothing to do. */
const IDLE_MS = 200

const given = JSON.parse(process.argv[2])
const { client, concurrency, size, warmup, time } = given
const delay = monitorEventLoopDelay({ resolution: 1 })
// What it reads has the millisecond of its timer in it, and what that timer is late by itself.
delay.enable()
await sleep(IDLE_MS)
delay.disable()
const idle = delay.percentile(50)

const code = await clients[client](given)
const first = await code()
if (first.length !== size) throw new Error(`${client} gave ${first.length} bytes, not ${size}`)

let codes = 0
async function caller() {
  for (;;) {
    const image = await code()
    if (image.length !== size) throw new Error(`${client} gave ${image.length} bytes`)
    codes += 1
  }
}
for (let n = 0; n < concurrency; n++) caller()

await sleep(warmup)
delay.reset()
delay.enable()
const before = { codes, cpu: process.cpuUsage(), loop: performance.eventLoopUtilization(), at: performance.now() }
await sleep(time)
const count = codes - before.codes
const seconds = (performance.now() - before.at) / 1000
const { user, system } = process.cpuUsage(before.cpu)
const loop = performance.eventLoopUtilization(before.loop)
console.log(
  JSON.stringify({
    codesPerSecond: count / seconds,
    cpuUs: (user + system) / count,
    threadUs: (loop.active * 1000) / count,
    delayP99Ms: Math.max(0, delay.percentile(99) - idle) / 1e6,
    rssMiB: process.resourceUsage().maxRSS / 1024,
  }),
)
process.exit()
