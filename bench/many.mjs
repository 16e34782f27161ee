// As many clients as a service provider has appids, in one process: what it costs to make one and to keep one.

import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'

const { WxaCode } = createRequire(import.meta.url)('..')
const { count } = JSON.parse(process.argv[2])
const secret = '0123456789abcdef0123456789abcdef'
const make = (n) => new WxaCode({ appid: `wx${n.toString(16).padStart(16, '0')}`, secret })
const memory = () => {
  gc()
  return process.memoryUsage().rss
}

// What the first of all costs belongs to the cold start.
const kept = Array.from({ length: 100 }, (_, n) => make(n))
const before = memory()
const begun = performance.now()
for (let n = 0; n < count; n++) kept.push(make(100 + n))
const took = performance.now() - begun
console.log(JSON.stringify({ makeUs: (took * 1000) / count, keepKiB: (memory() - before) / 1024 / count }))
