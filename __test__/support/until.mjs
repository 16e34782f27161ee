import { setTimeout as sleep } from 'node:timers/promises'

/** Looks until there is something to see, and gives it. False when there was nothing within `ms`. */
export async function until(look, ms = 30_000) {
  const end = performance.now() + ms
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (performance.now() > end) return false
    await sleep(25)
  }
}
