'use strict'

/**
 * Milliseconds since 1970 as OpenTelemetry takes them for certain: a number that is before the start of the process, because
 * somebody has set the clock back, would be one since that start.
 *
 * @param {number} ms
 * @returns {import('@opentelemetry/api').HrTime}
 */
function hrTimeOf(ms) {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)]
}

/**
 * How long some intervals last together; what overlaps counts once.
 *
 * @param {[start: number, end: number][]} intervals
 */
function lengthOf(intervals) {
  let [length, covered] = [0, Number.NEGATIVE_INFINITY]
  for (const [start, end] of intervals.toSorted((one, other) => one[0] - other[0])) {
    length += Math.max(0, end - Math.max(start, covered))
    covered = Math.max(covered, end)
  }
  return length
}

module.exports = { hrTimeOf, lengthOf }
