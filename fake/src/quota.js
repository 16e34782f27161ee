/** @import { Clock, Limits } from '../index.js' */

export const MINUTE = 60
export const DAY = 86_400
export const MONTH = 30 * DAY

/** @type {Required<Limits>} */
export const DEFAULT_LIMITS = {
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html
  unlimitedPerMinute: 5000,
  unlimitedErrcode: 45009,
  // https://developers.weixin.qq.com/minigame/dev/api-backend/open-api/qr-code/wxacode.get.html
  limitedPerDay: 10_000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html
  codesForLife: 100_000,
  // Not published for mini-programs; 2,000 is the figure of the old official-account table.
  classicPerDay: 2000,
  // https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html
  stablePerMinute: 10_000,
  stablePerDay: 500_000,
  forcedPerDay: 20,
  linksPerSecond: 100,
  linksPerDay: 500_000,
  shortLinksPerDay: 10_000_000,
  permanentShortLinks: 100_000,
  clearsPerMonth: 10,
  clearsOfOnePerMonth: 50,
}

/**
 * So many calls in so many seconds. A window opens with its first call, not with the calendar's minute or day, so that
 * a test never fails because midnight passed under it. Refused calls do not count.
 * @param {Clock} clock
 * @param {number} limit
 * @param {number} seconds
 */
export function createQuota(clock, limit, seconds) {
  let opened = Number.NEGATIVE_INFINITY
  let used = 0
  const isOver = () => clock.now() >= opened + seconds * 1000
  return {
    limit,
    seconds,
    get used() {
      return isOver() ? 0 : used
    },
    /** @returns {boolean} whether this call is still inside the quota */
    take() {
      if (isOver()) {
        opened = clock.now()
        used = 0
      }
      if (used >= limit) return false
      used++
      return true
    },
    reset() {
      used = 0
    },
  }
}
