import { randomInt } from 'node:crypto'

/** The order of the tests; the same one again with TEST_SEED=<the number printed>. */
export const seed = Number(process.env.TEST_SEED ?? randomInt(2 ** 32 - 1))

/**
 * The same things in the order of the seed.
 *
 * @template T
 * @param {readonly T[]} list
 * @returns {T[]}
 */
export function shuffled(list) {
  const random = generator(seed)
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

/**
 * mulberry32
 *
 * @param {number} start
 */
function generator(start) {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
