'use strict'

const { createResponder } = require('./answer')
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
    const { status, headers, body } = await answer([request], requestContext(request.raw, reply.raw))
    if (reply.sent || reply.raw.headersSent) return reply
    return reply
      .code(status)
      .headers(withVary(headers, reply.getHeader('Vary')))
      .send(body)
  }
}

module.exports = { codeHandler }
