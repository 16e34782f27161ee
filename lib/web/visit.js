'use strict'

const { own } = require('../own')

/**
 * What an adapter over node:http knows of a request.
 *
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 * @returns {import('./answer').Visit}
 */
const visit = (req, res) => ({
  method: req.method ?? 'GET',
  header: (name) => /** @type {string | undefined} */ (own(req.headers, name)),
  signal: departure(res),
})

/**
 * Aborted when the visitor leaves before the answer is written out.
 *
 * @param {import('node:http').ServerResponse & { stream?: { destroyed: boolean } }} res of HTTP/2 too
 */
function departure(res) {
  const controller = new AbortController()
  const leave = () => {
    if (!res.writableFinished) controller.abort()
  }
  // Whatever ran before the handler may have taken longer than the visitor's patience.
  if (res.destroyed || res.stream?.destroyed) leave()
  else res.once('close', leave)
  return controller.signal
}

module.exports = { visit }
