'use strict'

const { createResponder } = require('./answer')
const { safeGet } = require('../safe-object')
const { nodePush } = require('./node-push')
const { createPushResponder } = require('./push')
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
    send(ctx, await answer([ctx], requestContext(ctx.req, ctx.res)))
  }
}

/**
 * @param {any} platform
 * @param {(event: any) => unknown} [onEvent]
 */
function pushHandler(platform, onEvent) {
  const answer = createPushResponder(platform, onEvent)
  /** @param {import('./koa').KoaContext} ctx */
  return async (ctx) => {
    send(ctx, await answer(nodePush(ctx.req, safeGet(ctx, 'request'))))
  }
}

/**
 * @param {import('./koa').KoaContext} ctx
 * @param {import('./answer').Answer} answer
 */
function send(ctx, { status, headers, body }) {
  if (ctx.res.headersSent) return
  ctx.status = status
  ctx.set(withVary(headers, ctx.res.getHeader('Vary')))
  if (body) ctx.body = body
}

module.exports = { codeHandler, pushHandler }
