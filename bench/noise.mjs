// Whether two series of measurements differ by more than chance: intervals of 99 % for the ratio between them, from the
// order of the measurements alone. Nothing is assumed about how they spread: on a shared machine that is not a bell curve.

const CONFIDENCE = 0.99
const ascending = (a, b) => a - b

/** Measured in the same rounds: the ratios of the rounds, and the interval of their median by the sign test. */
export function pairedInterval(before, after) {
  const ratios = before.map((value, round) => after[round] / value)
  return between(ratios, binomial(ratios.length))
}

/** Measured in two runs: the ratios of each to each, and the interval of Mann and Whitney. */
export function unpairedInterval(before, after) {
  const ratios = before.flatMap((value) => after.map((other) => other / value))
  return between(ratios, mannWhitney(before.length, after.length))
}

/** How many rounds a pair of clients needs before anything can be said about them. */
export const LEAST_ROUNDS = 8

/**
 * From the k-th least to the k-th greatest, where fewer than k would be left out by chance in 1 % of all runs.
 * Undefined if there are too few for that.
 *
 * @param {number[]} ratios
 * @param {number[]} ways in how many equally probable ways 0, 1, 2 … of them are on one side
 */
function between(ratios, ways) {
  const total = ways.reduce((sum, count) => sum + count, 0)
  let k = 0
  for (let tail = ways[0]; (2 * tail) / total <= 1 - CONFIDENCE; tail += ways[k]) k += 1
  if (k === 0) return undefined
  const sorted = ratios.toSorted(ascending)
  return { from: sorted[k - 1], to: sorted[sorted.length - k] }
}

function binomial(n) {
  const ways = [1]
  for (let k = 1; k <= n; k++) ways.push((ways[k - 1] * (n - k + 1)) / k)
  return ways
}

/** The coefficients of the Gaussian binomial: of all orders of n and m measurements, those with 0, 1, 2 … inversions. */
function mannWhitney(n, m) {
  const ways = [1, ...Array(n * m).fill(0)]
  for (let i = 1; i <= n; i++) {
    for (let u = n * m; u >= m + i; u--) ways[u] -= ways[u - m - i]
    for (let u = i; u <= n * m; u++) ways[u] += ways[u - i]
  }
  return ways
}
