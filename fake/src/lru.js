'use strict'

/**
 * The least recently used go first once all together weigh more than `maxBytes`.
 * @param {number} maxBytes
 */
function createLru(maxBytes) {
  /** @type {Map<string, Buffer>} */
  const entries = new Map()
  let bytes = 0
  return {
    /** @param {string} key */
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      // A Map keeps the order of insertion: to the young end.
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    /**
     * @param {string} key one that is not in yet
     * @param {Buffer} value
     */
    set(key, value) {
      entries.set(key, value)
      bytes += value.length
      for (const [oldest, { length }] of entries) {
        if (bytes <= maxBytes) return
        entries.delete(oldest)
        bytes -= length
      }
    },
  }
}

module.exports = { createLru }
