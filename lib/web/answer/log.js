'use strict'

const MINUTE_MS = 60_000
/** What visitors can order as often as they like. */
const BY_VISITORS = new Set([400, 429])

/**
 * One line for everything that the operator has to know. What visitors can order by the thousand is told once a minute, for
 * each parameter: a mapping that sends every visitor nonsense shows, and a flood does not fill the disk.
 */
function createLog() {
  const isDue = onceAMinute()
  /**
   * @param {Error & { param?: string }} error
   * @param {{ status: number, instance: string }} note
   */
  return (error, { status, instance }) => {
    if (BY_VISITORS.has(status) && !isDue(`${status} ${error.param}`)) return
    console.error(`wxacode: ${status} ${instance} ${error.message}`)
  }
}

/** Tells of each thing whether the last minute has not heard of it. */
function onceAMinute() {
  /** When it was told last, by what it is. @type {Map<string, number>} */
  const toldAt = new Map()
  return (/** @type {string} */ what) => {
    const now = performance.now()
    if (now - (toldAt.get(what) ?? -MINUTE_MS) < MINUTE_MS) return false
    toldAt.set(what, now)
    return true
  }
}

module.exports = { createLog, onceAMinute }
