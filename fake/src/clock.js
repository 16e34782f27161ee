/** @import { Clock } from '../index.js' */

/**
 * Real time plus an offset: it runs by itself, and a test moves it instead of waiting.
 * @returns {Clock}
 */
export function createClock() {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    advance(seconds) {
      offset += seconds * 1000
    },
    set(time) {
      offset = Number(time) - Date.now()
    },
  }
}
