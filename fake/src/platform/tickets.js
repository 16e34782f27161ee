'use strict'

const { newValue } = require('./values.js')

/** @import { Clock } from '../../index.js' */

const LIFE_MS = 12 * 3_600_000
// The same value comes in several pushes; how long is not documented.
const RENEWAL_MS = 3_600_000
/** Expired ones are remembered, to be told from unknown ones. */
const KEEP = 100

/**
 * The `component_verify_ticket`s of a platform.
 * @param {Clock} clock
 */
function createTickets(clock) {
  /** Newest first. @type {{ value: string, madeAt: number, expiresAt: number }[]} */
  let tickets = []
  return {
    /**
     * The ticket to push now; its 12 hours begin anew.
     * @param {boolean} [isNew]
     * @returns {string}
     */
    next(isNew = false) {
      const now = clock.now()
      if (isNew || tickets.length === 0 || now >= tickets[0].madeAt + RENEWAL_MS) {
        tickets = [{ value: newValue('ticket'), madeAt: now, expiresAt: 0 }, ...tickets].slice(0, KEEP)
      }
      tickets[0].expiresAt = now + LIFE_MS
      return tickets[0].value
    },
    /**
     * @param {string | undefined} value
     * @returns {number} 0 for a valid ticket, else the errcode
     */
    statusOf(value) {
      const ticket = tickets.find((one) => one.value === value)
      if (ticket === undefined) return 61006
      return clock.now() < ticket.expiresAt ? 0 : 61005
    },
    valid: () => tickets.filter((one) => clock.now() < one.expiresAt).map(({ value }) => value),
  }
}

module.exports = { createTickets }
