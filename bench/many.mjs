// As many clients as a service provider has appids, in one process: what it costs to make one and to keep one. The clients are
// of apps with a secret each, or of the merchants of one platform, which keeps its records in memory or in `redis`.

import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'

const { WxaCode, WxaPlatform } = createRequire(import.meta.url)('..')
const { count, merchants = false, redis } = JSON.parse(process.argv[2])
const secret = '0123456789abcdef0123456789abcdef'
const appid = (n) => `wx${n.toString(16).padStart(16, '0')}`
const platform = new WxaPlatform({ appid: appid(0), secret, ...(redis ? { redis } : { store: 'memory' }) })
const make = (n) => (merchants ? platform.client(appid(1 + n)) : new WxaCode({ appid: appid(1 + n), secret }))
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
// With a Redis that does not answer, nothing would have been measured.
if (redis && platform.stats().redis !== 'up') throw new Error(`no Redis at ${redis}`)
console.log(JSON.stringify({ makeUs: (took * 1000) / count, keepKiB: (memory() - before) / 1024 / count }))
