'use strict'

const { own } = require('../own')

/** Of a call that nobody waits for any more. Made once: with a stack for each it would cost more than it tells. */
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
    header: (name) => /** @type {string | undefined} */ (own(req.headers, name)),
    signal,
    isOver: () => signal.aborted || res.headersSent,
  }
}

/**
 * Aborted when the visitor leaves, or has been answered in full by whoever it was.
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
