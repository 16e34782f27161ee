'use strict'

const { ENDPOINTS } = require('./endpoints.js')

/** @import { AppEndpoint, EndpointQuotas, Quota } from './types.js' */

/**
 * The quota that belongs to a `cgi_path`, as `quota/get` and `quota/clear` look it up.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html
 * @param {string} path with its leading slash and without a host
 * @param {EndpointQuotas} quotas
 */
function quotaOf(path, quotas) {
  if (path.startsWith('/sns/')) return 76022
  const endpoint = ENDPOINTS.get(path)
  if (endpoint === undefined) return 76021
  // Those of a third-party platform are no app's.
  return endpoint.group === 'platform' ? 76022 : quotas[/** @type {AppEndpoint} */ (endpoint.name)]
}

/** @param {import('./types.js').EndpointQuota} quota */
function quotaReport({ day, rate }) {
  const limit = rate && { call_count: finite(rate.limit), refresh_second: rate.seconds }
  return { quota: dayReport(day), ...(limit && { rate_limit: limit, component_rate_limit: limit }) }
}

/** @param {Quota} day */
function dayReport({ limit, used }) {
  return { daily_limit: finite(limit), used, remain: finite(limit - used) }
}

/**
 * JSON knows no Infinity, which a test may set as a limit.
 * @param {number} count
 */
const finite = (count) => Math.min(count, Number.MAX_SAFE_INTEGER)

module.exports = { quotaOf, quotaReport }
