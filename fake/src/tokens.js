'use strict'

const { randomBytes } = require('node:crypto')

/** @import { Clock } from '../index.js' */
/** @import { Quota, Token } from './types.js' */

// https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html: "within 5 minutes both are accepted"
const OVERLAP_SECONDS = 300
// https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html
const FORCED_INTERVAL_SECONDS = 30

/** Opaque to clients. Its shape (small integer, underscore, 136 characters in all) is what users saw in 2024 and 2025. */
const newTokenValue = () => `91_${randomBytes(100).toString('base64url').slice(0, 133)}`

/**
 * The tokens of one mode: the current token and the previous token, which stays valid for the overlap. An older token is
 * unknown, like any invalid text.
 * @param {Clock} clock
 * @param {number} life seconds
 * @param {() => string} [newValue]
 */
function createTokens(clock, life, newValue = newTokenValue) {
  // With a life shorter than the overlap every call would renew the token.
  const overlap = Math.min(OVERLAP_SECONDS, life / 2) * 1000
  /** @type {Token | undefined} */
  let current
  /** @type {Token | undefined} */
  let previous
  /** @param {Token | undefined} token */
  const isValid = (token) => token !== undefined && clock.now() < token.expiresAt
  return {
    overlap,
    current: () => current,
    /** @returns {Token} */
    issue() {
      const now = clock.now()
      // Expired is 42001, replaced is 40001.
      previous =
        current && isValid(current) ? { ...current, expiresAt: now + overlap, errcodeAfterExpiry: 40001 } : current
      current = { value: newValue(), expiresAt: now + life * 1000, errcodeAfterExpiry: 42001 }
      return current
    },
    revoke() {
      current = undefined
      previous = undefined
    },
    /**
     * @param {string} value
     * @returns {number | undefined} 0 for a valid token, the errcode for an expired or replaced token, undefined for an unknown token
     */
    statusOf(value) {
      const token = [current, previous].find((one) => one?.value === value)
      if (token === undefined) return undefined
      return isValid(token) ? 0 : token.errcodeAfterExpiry
    },
    valid: () => [current, previous].filter(isValid).map((token) => /** @type {Token} */ (token).value),
  }
}

/**
 * `GET /cgi-bin/token`: every call replaces the token.
 * @param {Clock} clock
 * @param {number} life seconds
 */
function createClassicTokens(clock, life) {
  const { issue, revoke, statusOf, valid } = createTokens(clock, life)
  return { issue, revoke, statusOf, valid }
}

/**
 * `POST /cgi-bin/stable_token`.
 * https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/access-token/auth.getStableAccessToken.html
 * @param {Clock} clock
 * @param {number} life seconds
 * @param {Quota} forcedDay
 */
function createStableTokens(clock, life, forcedDay) {
  const family = createTokens(clock, life)
  let forcedAt = Number.NEGATIVE_INFINITY
  return {
    /** The current token until its last five minutes, so that every caller can use it for at least that long. */
    ordinary() {
      const token = family.current()
      return token && token.expiresAt - clock.now() > family.overlap ? token : family.issue()
    },
    /**
     * Revokes the token and issues a new one. Within 30 s of the last forced call, it is an ordinary call.
     * @returns {Token | undefined} undefined if the day's quota is used up
     */
    forced() {
      const now = clock.now()
      if (now < forcedAt + FORCED_INTERVAL_SECONDS * 1000) return this.ordinary()
      if (forcedDay.take()) return undefined
      forcedAt = now
      family.revoke()
      return family.issue()
    },
    revoke: family.revoke,
    statusOf: family.statusOf,
    valid: family.valid,
  }
}

module.exports = { newTokenValue, createTokens, createClassicTokens, createStableTokens }
