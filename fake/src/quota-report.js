'use strict'

const { ENDPOINTS } = require('./endpoints.js')

/** @import { EndpointQuotas, Quota } from './types.js' */

/**
 * The quota that belongs to a `cgi_path`, as `quota/get` and `quota/clear` look it up.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html
 * @param {string} path with its leading slash and without a host
 * @param {EndpointQuotas} quotas
 */
function quotaOf(path, quotas) {
  if (path.startsWith('/sns/')) return 76022
  const endpoint = ENDPOINTS.get(path)
  return endpoint === undefined ? 76021 : quotas[endpoint.name]
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
