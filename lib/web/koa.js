'use strict'

const { createResponder } = require('./answer')
const { withVary } = require('./vary')
const { requestContext } = require('./request-context')

/**
 * @param {any} wxa
 * @param {(ctx: any) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = createResponder(wxa, toCode, options)
  /** @param {import('./koa').KoaContext} ctx */
  return async (ctx) => {
    const { status, headers, body } = await answer([ctx], requestContext(ctx.req, ctx.res))
    if (ctx.res.headersSent) return
    ctx.status = status
    ctx.set(withVary(headers, ctx.res.getHeader('Vary')))
    if (body) ctx.body = body
  }
}

module.exports = { codeHandler }
