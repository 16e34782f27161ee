'use strict'

const { safeGet } = require('../safe-object')

/** Reason of a call that is no longer needed. Made once, because a stack for each call would cost more than it is worth. */
const FINISHED = new Error('the visitor has left, or has an answer')

/**
 * What an adapter over node:http knows of a request.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @returns {import('./answer').RequestContext}
 */
function requestContext(req, res) {
  const signal = abortSignalOf(res)
  return {
    method: req.method ?? 'GET',
    header: (name) => /** @type {string | undefined} */ (safeGet(req.headers, name)),
    signal,
    isResponseOver: () => signal.aborted || res.headersSent,
  }
}

/**
 * Aborted when the visitor disconnects, or when any code has completed the response.
 *
 * @param {import('node:http').ServerResponse & { stream?: { destroyed: boolean } }} res of HTTP/2 too
 */
function abortSignalOf(res) {
  const controller = new AbortController()
  const end = () => controller.abort(FINISHED)
  // Whatever ran before the handler may have taken longer than the visitor's patience.
  if (res.destroyed || res.stream?.destroyed || res.writableFinished) end()
  else res.once('close', end)
  return controller.signal
}

module.exports = { requestContext }
