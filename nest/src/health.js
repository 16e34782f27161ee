'use strict'

const { Injectable } = require('@nestjs/common')

class WxaCodeHealthIndicator {
  /**
   * @param {string} key
   * @param {{ stats(): any }} client
   * @param {{ requireToken?: boolean, requireRedis?: boolean }} [options]
   */
  isHealthy(key, client, { requireToken = false, requireRedis = false } = {}) {
    // A platform that is closed has none.
    const stats = client.stats()
    const { tokenAgeMs, redis, ticketAgeMs, ticketRefused, store, unsaved } = stats ?? {}
    const isDown =
      !stats ||
      store === 'down' ||
      ticketRefused === true ||
      (requireToken && tokenAgeMs === undefined) ||
      (requireRedis && redis === 'down')
    const details = { tokenAgeMs, redis, ticketAgeMs, ticketRefused, store, unsaved }
    // Every Terminus reads the status of what is returned. Its newest one takes an exception for a bug.
    return { [key]: { ...defined(details), status: isDown ? 'down' : 'up' } }
  }
}

/** @param {Record<string, unknown>} details */
const defined = (details) => Object.fromEntries(Object.entries(details).filter(([, value]) => value != null))

Injectable()(WxaCodeHealthIndicator)

module.exports = { WxaCodeHealthIndicator }
