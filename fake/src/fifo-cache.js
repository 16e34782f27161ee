'use strict'

/**
 * A cache of at most `keep` entries. The oldest entry is dropped first.
 * @template T
 * @param {number} keep
 */
function createFifoCache(keep) {
  /** @type {Map<string, T>} */
  const entries = new Map()
  return {
    /** @param {string} key */
    get: (key) => entries.get(key),
    /**
     * @param {string} key
     * @param {T} value
     */
    set(key, value) {
      entries.set(key, value)
      const [oldest] = entries.keys()
      if (entries.size > keep) entries.delete(oldest)
    },
  }
}

module.exports = { createFifoCache }
