'use strict'

const { createFifoCache } = require('../fifo-cache.js')
const { createTokens } = require('../tokens.js')
const { newValue } = require('./values.js')

/** @import { Clock } from '../../index.js' */
/** @import { Account, Merchant, PlatformSwitches, Token } from '../types.js' */

// The page to which the merchant comes back is given `expires_in=600`.
const CODE_LIFE_MS = 600_000
// More than all the access tokens of 10,000 merchants in their two hours.
const KEEP = 100_000

/**
 * The merchants that have authorised a platform. One that withdraws is forgotten; its codes and tokens still lead to what it
 * was, which is then none of them.
 * @param {Clock} clock
 * @param {number} life of an access token in seconds
 * @param {PlatformSwitches} switches
 */
function createMerchants(clock, life, switches) {
  /** @type {Map<string, Merchant>} */
  const merchants = new Map()
  /** @type {ReturnType<typeof createFifoCache<Merchant>>} */
  const byToken = createFifoCache(KEEP)
  /** @type {ReturnType<typeof createFifoCache<{ merchant: Merchant, expiresAt: number, isUsed: boolean }>>} */
  const codes = createFifoCache(KEEP)

  /** @param {string} [appid] */
  const find = (appid = '') => merchants.get(appid)

  /**
   * @param {Account} account
   * @returns {Merchant}
   */
  function merchantOf(account) {
    const known = merchants.get(account.appid)
    if (known) return known
    const merchant = {
      account,
      permissions: [],
      authorizedAt: 0,
      isQueried: false,
      access: createTokens(clock, life),
      refresh: createTokens(clock, Number.POSITIVE_INFINITY, () => newValue('refreshtoken')),
    }
    merchants.set(account.appid, merchant)
    return merchant
  }

  return {
    /**
     * @param {Account} account
     * @param {readonly number[]} permissions
     * @returns {{ code: string, expiresAt: number, change: 'authorized' | 'updateauthorized' | undefined }} expiresAt in ms
     */
    authorize(account, permissions) {
      const merchant = merchantOf(account)
      const change = changeOf(merchant, permissions)
      merchant.refresh.revoke()
      merchant.refresh.issue()
      Object.assign(merchant, { permissions: [...permissions], authorizedAt: clock.now() })
      const code = newValue('queryauthcode')
      const expiresAt = clock.now() + CODE_LIFE_MS
      codes.set(code, { merchant, expiresAt, isUsed: false })
      return { code, expiresAt, change }
    },
    /** @param {Merchant} merchant */
    unauthorize(merchant) {
      merchants.delete(merchant.account.appid)
      merchant.access.revoke()
    },
    /**
     * @param {string | undefined} value
     * @returns {number | Merchant} the errcode of the refusal, or the merchant
     */
    redeem(value = '') {
      const code = codes.get(value)
      if (code === undefined || code.isUsed || find(code.merchant.account.appid) !== code.merchant) return 61009
      if (clock.now() >= code.expiresAt) return 61010
      code.isUsed = true
      code.merchant.isQueried = true
      return code.merchant
    },
    /**
     * @param {Merchant} merchant
     * @returns {Token}
     */
    newAccessToken(merchant) {
      if (!switches.overlapAccessTokens) merchant.access.revoke()
      const token = merchant.access.issue()
      byToken.set(token.value, merchant)
      return token
    },
    /**
     * A refresh with the previous refresh token is answered with the current one.
     * @param {Merchant} merchant
     * @param {string | undefined} value
     * @returns {number} 0 for a valid refresh token, else the errcode
     */
    refreshBy(merchant, value = '') {
      if (merchant.refresh.statusOf(value) !== 0) return 61023
      const isCurrent = merchant.refresh.current()?.value === value
      if (switches.rotateRefreshTokens && isCurrent) merchant.refresh.issue()
      return 0
    },
    find,
    /**
     * Whose access token it is or was, also if that merchant has withdrawn.
     * @param {string} token
     */
    ownerOf: (token) => byToken.get(token),
    /** In the order of their authorisation. */
    all: () => [...merchants.values()],
  }
}

/**
 * https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/authorize_event.html
 * @param {Merchant} merchant
 * @param {readonly number[]} permissions
 */
function changeOf(merchant, permissions) {
  if (merchant.authorizedAt === 0) return 'authorized'
  const [before, after] = [merchant.permissions, permissions].map((ids) => [...new Set(ids)].sort().join())
  return before === after ? undefined : 'updateauthorized'
}

module.exports = { createMerchants }
