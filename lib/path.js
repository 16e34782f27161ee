'use strict'

/** The path and query of `request`: the label of the path in errors, and the length of the URL. */

const { invalid } = require('./errors')

/**
 * The endpoint's name in errors. An invalid path is not repeated, because it may contain a secret, such as a query with a token.
 *
 * @param {string} path
 */
const endpointLabel = (path) => (/^\/[\w./-]{1,255}$/.test(path) ? path : 'request')

/**
 * The path of a call of `request`, unless it is invalid.
 *
 * @param {unknown} path
 */
const requestPath = (path) => (typeof path === 'string' && endpointLabel(path) === path ? path : undefined)

/**
 * Servers and gateways take a request line of 8000 bytes (RFC 9110, section 4.1), nginx one of 8 KiB. The path has 256 of
 * them, the token 512 and its name.
 */
const MAX_QUERY_BYTES = 7000

/**
 * @param {string[]} pairs names and values in turn
 * @param {string} endpoint
 * @param {import('./language').Language} [lang] of the client
 */
function assertQueryFits(pairs, endpoint, lang) {
  let length = 0
  // A text over the limit is not encoded: a hundred megabytes would take long.
  for (const text of pairs) length += (text.length > MAX_QUERY_BYTES ? text : encodeURIComponent(text)).length + 1
  if (length > MAX_QUERY_BYTES) throw tooLong(length, endpoint, lang)
  return pairs
}

/**
 * @param {number} length
 * @param {string} endpoint
 * @param {import('./language').Language} [lang]
 */
const tooLong = (length, endpoint, lang) =>
  invalid(
    {
      endpoint,
      param: 'query',
      explanation: {
        cause: {
          zh: `query 编码后至少 ${length} 字节，最多 ${MAX_QUERY_BYTES} 字节（更长的 URL 服务器和网关不接受）`,
          en: `query has at least ${length} bytes when encoded; at most ${MAX_QUERY_BYTES} are allowed, because servers and gateways refuse a longer URL`,
        },
        fix: {
          zh: '把数据放进 body，接口只收 query 时分多次请求',
          en: 'Move the data into body, or split it into several requests if the API only takes a query',
        },
      },
    },
    lang,
  )

module.exports = { assertQueryFits, endpointLabel, requestPath }
