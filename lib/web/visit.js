'use strict'

const { own } = require('../own')

/** Of a call that nobody waits for any more. Made once: with a stack for each it would cost more than it tells. */
const OVER = new Error('the visitor has left, or has an answer')

/**
 * What an adapter over node:http knows of a request.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @returns {import('./answer').Visit}
 */
function visit(req, res) {
  const signal = endOf(res)
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
function endOf(res) {
  const controller = new AbortController()
  const end = () => controller.abort(OVER)
  // Whatever ran before the handler may have taken longer than the visitor's patience.
  if (res.destroyed || res.stream?.destroyed || res.writableFinished) end()
  else res.once('close', end)
  return controller.signal
}

module.exports = { visit }
