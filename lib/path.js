'use strict'

/** Where `request` sends something: what of it belongs into an error, and how much fits into a URL. */

const { invalid } = require('./errors')

/**
 * What an error calls the endpoint. A path that is none is not repeated: it may hold anything, a secret in a query too.
 *
 * @param {string} path
 */
const placeOf = (path) => (/^\/[\w./-]{1,255}$/.test(path) ? path : 'request')

/**
 * Servers and gateways take a request line of 8000 bytes (RFC 9110, section 4.1), nginx one of 8 KiB. The path has 256 of
 * them, the token 512 and its name.
 */
const LONGEST_QUERY = 7000

/**
 * @param {string[]} pairs names and values in turn
 * @param {string} endpoint
 * @param {import('./language').Language} [lang] of the client
 */
function fitting(pairs, endpoint, lang) {
  let length = 0
  // Not encoded before it is known that it may fit: a text of a hundred megabytes takes a while.
  for (const text of pairs) length += (text.length > LONGEST_QUERY ? text : encodeURIComponent(text)).length + 1
  if (length > LONGEST_QUERY) throw tooLong(length, endpoint, lang)
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
          zh: `query 编码后至少 ${length} 字节，最多 ${LONGEST_QUERY} 字节（更长的 URL 服务器和网关不接受）`,
          en: `query has at least ${length} bytes when encoded; at most ${LONGEST_QUERY} are allowed, because servers and gateways refuse a longer URL`,
        },
        fix: {
          zh: '把数据放进 body，接口只收 query 时分多次请求',
          en: 'Move the data into body, or split it into several requests if the API only takes a query',
        },
      },
    },
    lang,
  )

module.exports = { fitting, placeOf }
