'use strict'

const { bare } = require('../own')
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
    const { status, headers: fields, body } = await answer([request, ...context], visit)
    // Whatever an init has not is looked up behind it.
    return new Response(method === 'HEAD' ? null : body, bare({ status, headers: fields }))
  }
}

module.exports = { codeHandler }
