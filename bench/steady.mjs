// Very many calls in one process: the memory after each tenth of them, in MiB.

import { clients } from './clients.mjs'

const { base, calls } = JSON.parse(process.argv[2])
const code = await clients.wxacode({ base })
const rss = []
for (let tenth = 0; tenth < 10; tenth++) {
  let left = calls / 10
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (left-- > 0) await code()
    }),
  )
  gc()
  rss.push(process.memoryUsage().rss / 2 ** 20)
}
console.log(JSON.stringify(rss))
process.exit()
