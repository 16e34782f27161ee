import { ENDPOINTS } from './endpoints.js'

/** @import { EndpointName } from '../index.js' */
/** @import { Account, QuotaName } from './types.js' */

/** @type {Partial<Record<EndpointName, { day?: QuotaName, rate?: QuotaName }>>} */
const QUOTAS = {
  token: { day: 'classicDay' },
  stable_token: { day: 'stableDay', rate: 'stableMinute' },
  getwxacode: { day: 'limitedDay' },
  getwxacodeunlimit: { rate: 'unlimitedMinute' },
  generatescheme: { day: 'linkDay', rate: 'schemeSecond' },
  generate_urllink: { day: 'linkDay', rate: 'urlLinkSecond' },
  generatenfcscheme: { day: 'linkDay', rate: 'nfcSchemeSecond' },
  genwxashortlink: { day: 'shortLinkDay' },
}

/**
 * What `quota/get` tells of an endpoint.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html
 * @param {string} path with its leading slash and without a host
 * @param {Account} account
 * @returns {number | object} the errcode of the refusal, or the report
 */
export function quotaReport(path, { quotas }) {
  if (path.startsWith('/sns/')) return 76022
  const name = ENDPOINTS.get(path)?.name
  if (name === undefined) return 76021
  const { day, rate } = QUOTAS[name] ?? {}
  const quota = day
    ? { daily_limit: quotas[day].limit, used: quotas[day].used, remain: quotas[day].limit - quotas[day].used }
    : { daily_limit: 0, used: 0, remain: 0 }
  const limit = rate && { call_count: quotas[rate].limit, refresh_second: quotas[rate].seconds }
  return { quota, ...(limit && { rate_limit: limit, component_rate_limit: limit }) }
}

/**
 * Sets the day's counters back to 0.
 * @param {Account['quotas']} quotas
 * @param {string} [path] of one endpoint; all by default
 */
export function resetDay(quotas, path) {
  const name = path && ENDPOINTS.get(path)?.name
  const chosen = name ? [QUOTAS[name]] : Object.values(QUOTAS)
  for (const one of chosen) if (one?.day) quotas[one.day].reset()
}
