'use strict'

const { randomBytes } = require('node:crypto')

/** @import { Clock } from '../index.js' */
/** @import { Quota, Token } from './types.js' */

// https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html: "within 5 minutes both are accepted"
const OVERLAP_SECONDS = 300
// https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html
const FORCED_APART_SECONDS = 30

/** Opaque to clients. Its shape (small integer, underscore, 136 characters in all) is what users saw in 2024 and 2025. */
const newTokenValue = () => `91_${randomBytes(100).toString('base64url').slice(0, 133)}`

/**
 * The tokens of one family: the current one and the one before it, which may live on for the overlap. Whatever is older is
 * forgotten and so indistinguishable from garbage.
 * @param {Clock} clock
 * @param {number} life seconds
 */
function createFamily(clock, life) {
  // A life shorter than the overlap would renew at every call.
  const overlap = Math.min(OVERLAP_SECONDS, life / 2) * 1000
  /** @type {Token | undefined} */
  let current
  /** @type {Token | undefined} */
  let previous
  /** @param {Token | undefined} token */
  const isAlive = (token) => token !== undefined && clock.now() < token.diesAt
  return {
    overlap,
    current: () => current,
    /** @returns {Token} */
    issue() {
      const now = clock.now()
      // Expired is 42001, replaced is 40001.
      previous = current && isAlive(current) ? { ...current, diesAt: now + overlap, afterwards: 40001 } : current
      current = { value: newTokenValue(), diesAt: now + life * 1000, afterwards: 42001 }
      return current
    },
    kill() {
      current = undefined
      previous = undefined
    },
    /**
     * @param {string} value
     * @returns {number | undefined} 0 for a live token, the errcode for a dead one, undefined for one it does not know
     */
    verdict(value) {
      const token = [current, previous].find((one) => one?.value === value)
      if (token === undefined) return undefined
      return isAlive(token) ? 0 : token.afterwards
    },
    live: () => [current, previous].filter(isAlive).map((token) => /** @type {Token} */ (token).value),
  }
}

/**
 * `GET /cgi-bin/token`: every call replaces the token.
 * @param {Clock} clock
 * @param {number} life seconds
 */
function createClassicTokens(clock, life) {
  const { issue, kill, verdict, live } = createFamily(clock, life)
  return { issue, kill, verdict, live }
}

/**
 * `POST /cgi-bin/stable_token`.
 * https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html
 * @param {Clock} clock
 * @param {number} life seconds
 * @param {Quota} forcedDay
 */
function createStableTokens(clock, life, forcedDay) {
  const family = createFamily(clock, life)
  let forcedAt = Number.NEGATIVE_INFINITY
  return {
    /** The same token to everybody until its last five minutes, so that every caller can use it for that long. */
    ordinary() {
      const token = family.current()
      return token && token.diesAt - clock.now() > family.overlap ? token : family.issue()
    },
    /**
     * A new token, the old one dead at once; too soon after the last time it is an ordinary call and says nothing.
     * @returns {Token | undefined} undefined when the day's quota is spent
     */
    forced() {
      const now = clock.now()
      if (now < forcedAt + FORCED_APART_SECONDS * 1000) return this.ordinary()
      if (forcedDay.take()) return undefined
      forcedAt = now
      family.kill()
      return family.issue()
    },
    kill: family.kill,
    verdict: family.verdict,
    live: family.live,
  }
}

module.exports = { newTokenValue, createClassicTokens, createStableTokens }
