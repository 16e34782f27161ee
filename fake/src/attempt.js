'use strict'

/** @import { Exchange } from './types.js' */

/**
 * Does something for a request. What throws is a mistake of the fake's or of a function that the test gave: the client
 * gets a 500 that says so and the process a warning, for a request without a response does not say why.
 * @param {Exchange} exchange
 * @param {() => void} act
 */
function attempt(exchange, act) {
  try {
    act()
  } catch (error) {
    const { record, res } = exchange
    record.error = error
    warn(error, record.path)
    exchange.cutByFake = res.headersSent
    if (res.headersSent) return void res.destroy()
    record.status = 500
    res.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' })
    res.end(`wxacode-fake failed: ${error}\n`)
  }
}

/**
 * @param {unknown} error
 * @param {string} path
 */
function warn(error, path) {
  // By what it has: an error of a test may come from another realm.
  const { stack = String(error) } = /** @type {Partial<Error>} */ (error ?? {})
  process.emitWarning(`wxacode-fake could not answer a request to ${path} and sent a 500: ${error}`, {
    type: 'WxaCodeFakeWarning',
    code: 'WXACODE_FAKE_FAILED',
    detail: stack,
  })
}

module.exports = { attempt }
