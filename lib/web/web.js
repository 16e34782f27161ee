'use strict'

const { nullProtoCopy } = require('../safe-object')
const { createResponder } = require('./answer')
const { createPushResponder } = require('./push')
const { readRequest } = require('./push/body')

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
    return responseOf(method, await answer([request, ...rest], context))
  }
}

/**
 * @param {any} platform
 * @param {(event: any) => unknown} [onEvent]
 */
function pushHandler(platform, onEvent) {
  const answer = createPushResponder(platform, onEvent)
  /** @param {Request} request */
  return async (request) => {
    const { method, headers, url } = request
    const push = {
      method,
      header: (/** @type {string} */ name) => headers.get(name) ?? undefined,
      query: new URL(url).searchParams,
      left: [],
      read: () => (request.bodyUsed || request.body?.locked ? undefined : readRequest(request)),
      closing: { Connection: 'close' },
    }
    return responseOf(method, await answer(push))
  }
}

/**
 * @param {string} method
 * @param {import('./answer').Answer} answer
 */
const responseOf = (method, { status, headers, body }) =>
  // Whatever an init has not is looked up behind it.
  new Response(method === 'HEAD' ? null : body, nullProtoCopy({ status, headers }))

module.exports = { codeHandler, pushHandler }
