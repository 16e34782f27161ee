'use strict'

const { answerer } = require('./answer')

/**
 * @param {any} wxa
 * @param {(request: any, ...context: any[]) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = answerer(wxa, toCode, options)
  /**
   * @param {Request} request
   * @param {any[]} context
   */
  return async (request, ...context) => {
    const { method, headers, signal } = request
    const visit = {
      method,
      signal,
      header: (/** @type {string} */ name) => headers.get(name) ?? undefined,
      isOver: () => signal.aborted,
    }
    const given = await answer([request, ...context], visit)
    return new Response(method === 'HEAD' ? null : given.body, given)
  }
}

module.exports = { codeHandler }
