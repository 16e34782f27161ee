'use strict'

/** Decodes the responses of WeChat's APIs other than the QR code endpoints: our names, Dates for seconds. */

const { nullProtoCopy, safeGet, omitUndefined } = require('./safe-object')

/** @type {Record<string, (response: any) => any>} */
const DECODERS = nullProtoCopy({
  generateScheme: ({ openlink }) => openlink,
  generateUrlLink: ({ url_link }) => url_link,
  generateShortLink: ({ link }) => link,
  generateNFCScheme: ({ openlink }) => openlink,
  queryScheme: ({ scheme_info, quota_info }) =>
    omitUndefined({ schemeInfo: linkInfo(scheme_info), quotaInfo: visits(quota_info) }),
  queryUrlLink: ({ url_link_info, quota_info }) =>
    omitUndefined({ urlLinkInfo: linkInfo(url_link_info), quotaInfo: visits(quota_info) }),
  getQuota: ({ quota, rate_limit, component_rate_limit }) => {
    const { daily_limit: dailyLimit, used, remain } = nullProtoCopy(quota)
    return omitUndefined({
      dailyLimit,
      used,
      remain,
      rateLimit: rateLimit(rate_limit),
      componentRateLimit: rateLimit(component_rate_limit),
    })
  },
  clearQuota: () => undefined,
  getRid: ({ request }) => {
    const { invoke_time, cost_in_ms, request_url, request_body, response_body, client_ip } = nullProtoCopy(request)
    return {
      invokeTime: date(invoke_time),
      costInMs: cost_in_ms,
      // The addon has redacted secrets in these fields.
      requestUrl: request_url ?? '',
      requestBody: request_body ?? '',
      responseBody: response_body ?? '',
      clientIp: client_ip,
    }
  },
})

/**
 * Decodes the response of an API.
 *
 * @param {string} name of the endpoint
 * @param {string} text JSON
 */
const decodeResponse = (name, text) => DECODERS[name](nullProtoCopy(JSON.parse(text)))

/** @param {any} info */
function linkInfo(info) {
  if (!info) return undefined
  const { appid, path, query, create_time, expire_time, env_version: envVersion } = nullProtoCopy(info)
  return omitUndefined({
    appid,
    path,
    query,
    createTime: date(create_time),
    // 0 means that the link never expires.
    expireTime: expire_time > 0 ? date(expire_time) : undefined,
    envVersion,
  })
}

/** @param {any} info */
const visits = (info) => info && { remainVisitQuota: safeGet(info, 'remain_visit_quota') }

/** @param {any} limit */
const rateLimit = (limit) =>
  limit && { callCount: safeGet(limit, 'call_count'), refreshSecond: safeGet(limit, 'refresh_second') }

/** @param {number} seconds */
const date = (seconds) => new Date(seconds * 1000)

/** The names of these APIs. */
const API_ENDPOINTS = Object.keys(DECODERS)

module.exports = { API_ENDPOINTS, decodeResponse }
