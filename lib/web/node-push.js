'use strict'

const { safeGet } = require('../safe-object')
const { readStream } = require('./push/body')

/**
 * What an adapter over node:http knows of a push.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {any} request the framework's own, on which parsers leave what they have made of the body
 * @returns {import('./push').Push}
 */
function nodePush(req, request) {
  return {
    method: req.method ?? 'GET',
    header: (name) => /** @type {string | undefined} */ (safeGet(req.headers, name)),
    query: queryOf(req.url ?? ''),
    left: [safeGet(request, 'rawBody'), safeGet(request, 'body')],
    read: () => (req.readableDidRead || req.readableEnded ? undefined : readStream(req)),
    // HTTP/2 knows no such header.
    closing: req.httpVersionMajor === 1 ? { Connection: 'close' } : {},
  }
}

/**
 * The query as it came: what a framework makes of it differs, as by its parser and its version.
 *
 * @param {string} url
 */
function queryOf(url) {
  const start = url.indexOf('?')
  return new URLSearchParams(start < 0 ? '' : url.slice(start))
}

module.exports = { nodePush }
