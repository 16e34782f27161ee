'use strict'

/** WeChat's other APIs: our spelling to its own, and back. The addon checks what values mean. */

const { invalid } = require('./errors')

/**
 * Parameters as the addon reads them. WeChat counts time in seconds.
 *
 * @param {Record<string, any>} given
 */
function written({ expireTime, ...rest }) {
  return JSON.stringify(expireTime === undefined ? rest : { ...rest, expireTime: expireTime.getTime() / 1000 })
}

/** @type {Record<string, (answer: any) => any>} */
const ANSWERS = {
  generateScheme: ({ openlink }) => openlink,
  generateUrlLink: ({ url_link }) => url_link,
  generateShortLink: ({ link }) => link,
  generateNFCScheme: ({ openlink }) => openlink,
  queryScheme: ({ scheme_info, quota_info }) =>
    present({ schemeInfo: linkInfo(scheme_info), quotaInfo: visits(quota_info) }),
  queryUrlLink: ({ url_link_info, quota_info }) =>
    present({ urlLinkInfo: linkInfo(url_link_info), quotaInfo: visits(quota_info) }),
  getQuota: ({ quota, rate_limit, component_rate_limit }) =>
    present({
      dailyLimit: quota.daily_limit,
      used: quota.used,
      remain: quota.remain,
      rateLimit: rateLimit(rate_limit),
      componentRateLimit: rateLimit(component_rate_limit),
    }),
  clearQuota: () => undefined,
  getRid: ({ request }) => ({
    invokeTime: date(request.invoke_time),
    costInMs: request.cost_in_ms,
    // The addon has taken secrets out of them.
    requestUrl: request.request_url ?? '',
    requestBody: request.request_body ?? '',
    responseBody: request.response_body ?? '',
    clientIp: request.client_ip,
  }),
}

/**
 * What an API answered, in our spelling.
 *
 * @param {string} name
 * @param {string} text
 */
const understood = (name, text) => ANSWERS[name](JSON.parse(text))

/** @param {any} info */
const linkInfo = (info) =>
  info &&
  present({
    appid: info.appid,
    path: info.path,
    query: info.query,
    createTime: date(info.create_time),
    // 0 is one that never ends.
    expireTime: info.expire_time > 0 ? date(info.expire_time) : undefined,
    envVersion: info.env_version,
  })

/** @param {any} info */
const visits = (info) => info && { remainVisitQuota: info.remain_visit_quota }

/** @param {any} limit */
const rateLimit = (limit) => limit && { callCount: limit.call_count, refreshSecond: limit.refresh_second }

/** @param {number} seconds */
const date = (seconds) => new Date(seconds * 1000)

/**
 * What is not known is not there.
 *
 * @param {Record<string, unknown>} fields
 */
const present = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/**
 * What errors call an API whose path has not been checked yet: it may be a whole URL, with a token in it.
 *
 * @param {string} path
 */
const nameOf = (path) => (/^\/[\w./-]{1,255}$/.test(path) ? path : 'request')

/**
 * The body of a request as WeChat reads it: it refuses escapes, and nothing else writes a lone surrogate.
 *
 * @param {object | undefined} body
 * @param {string} endpoint
 * @returns {string | undefined}
 */
function json(body, endpoint) {
  if (body === undefined) return undefined
  const text = stringified(body)
  if (text === undefined) throw unwritable(endpoint, '无法转换为 JSON', 'cannot be written as JSON')
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/.test(text)) {
    throw unwritable(
      endpoint,
      '含有不成对的代理字符，不是合法的 Unicode',
      'holds a lone surrogate and is not valid Unicode',
    )
  }
  return text
}

/** @param {object} body */
function stringified(body) {
  try {
    return /** @type {string | undefined} */ (JSON.stringify(body))
  } catch {
    return undefined
  }
}

/**
 * @param {string} endpoint
 * @param {string} zh
 * @param {string} en
 */
const unwritable = (endpoint, zh, en) =>
  invalid({
    endpoint,
    param: 'body',
    explanation: {
      cause: { zh: `body ${zh}`, en: `body ${en}` },
      fix: {
        zh: '传入普通对象，不含循环引用和 BigInt，字符串按字符截取',
        en: 'Pass a plain object without cycles and BigInt, its strings cut by characters',
      },
    },
  })

module.exports = { json, nameOf, understood, written }
