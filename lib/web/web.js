'use strict'

const { nullProtoCopy } = require('../safe-object')
const { createResponder } = require('./answer')

/**
 * @param {any} wxa
 * @param {(request: any, ...context: any[]) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = createResponder(wxa, toCode, options)
  /**
   * @param {Request} request
   * @param {any[]} rest
   */
  return async (request, ...rest) => {
    const { method, headers, signal } = request
    const context = {
      method,
      signal,
      header: (/** @type {string} */ name) => headers.get(name) ?? undefined,
      isResponseOver: () => signal.aborted,
    }
    const { status, headers: fields, body } = await answer([request, ...rest], context)
    // Whatever an init has not is looked up behind it.
    return new Response(method === 'HEAD' ? null : body, nullProtoCopy({ status, headers: fields }))
  }
}

module.exports = { codeHandler }
