'use strict'

const { createResponder } = require('./answer')
const { nodePush } = require('./node-push')
const { createPushResponder } = require('./push')
const { withVary } = require('./vary')
const { requestContext } = require('./request-context')

/**
 * @param {any} wxa
 * @param {(request: any) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = createResponder(wxa, toCode, options)
  /**
   * @param {import('./fastify').FastifyLikeRequest} request
   * @param {any} reply
   */
  return async (request, reply) => {
    return send(reply, await answer([request], requestContext(request.raw, reply.raw)))
  }
}

/**
 * @param {any} platform
 * @param {(event: any) => unknown} [onEvent]
 */
function pushHandler(platform, onEvent) {
  const answer = createPushResponder(platform, onEvent)
  /**
   * @param {import('./fastify').FastifyLikeRequest} request
   * @param {any} reply
   */
  return async (request, reply) => send(reply, await answer(nodePush(request.raw, request)))
}

/**
 * @param {any} reply
 * @param {import('./answer').Answer} answer
 */
function send(reply, { status, headers, body }) {
  if (reply.sent || reply.raw.headersSent) return reply
  return reply
    .code(status)
    .headers(withVary(headers, reply.getHeader('Vary')))
    .send(body)
}

module.exports = { codeHandler, pushHandler }
