'use strict'

/** A longer name is compared with no other. */
const LONGEST = 40

/** @param {string} name one that is compared whatever its case, `_` and `-` */
const normalizeName = (name) => (name.length > LONGEST ? name : name.replaceAll(/[_-]/g, '').toLowerCase())

/**
 * The name that is nearest to a misspelt one: one or two letters are missing, too many, wrong, or have changed places. Of a
 * name of up to four letters one, and of one or two letters none.
 *
 * @param {string} given
 * @param {string[]} names
 * @param {(name: string) => string} normalize
 * @returns {string | undefined}
 */
function mostSimilar(given, names, normalize) {
  const wanted = normalize(given)
  if (wanted.length > LONGEST) return undefined
  let least = 3
  /** @type {string | undefined} */
  let best
  for (const name of names) {
    const known = normalize(name)
    const shortest = Math.min(known.length, wanted.length)
    const most = shortest < 3 ? 0 : shortest < 5 ? 1 : 2
    const distance = distanceOf(known, wanted)
    if (distance <= most && distance < least) {
      best = name
      least = distance
    }
  }
  return best
}

/**
 * How many letters have to be inserted, left out, replaced, or swapped with their neighbour.
 *
 * @param {string} one
 * @param {string} other
 */
function distanceOf(one, other) {
  /** @type {number[]} */
  let beforeLast = []
  let last = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1]
      let steps = Math.min(last[at] + 1, current[at - 1] + 1, last[at - 1] + (isSame ? 0 : 1))
      const isSwapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1]
      if (isSwapped) steps = Math.min(steps, beforeLast[at - 2] + 1)
      current.push(steps)
    }
    beforeLast = last
    last = current
  }
  return last[other.length]
}

module.exports = { mostSimilar, normalizeName }
