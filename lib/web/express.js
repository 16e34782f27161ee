'use strict'

const { createResponder } = require('./answer')
const { internalError } = require('./answer/problem')
const { nodePush } = require('./node-push')
const { createPushResponder } = require('./push')
const { withVary } = require('./vary')
const { requestContext } = require('./request-context')

/**
 * @param {any} wxa
 * @param {(req: any) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = createResponder(wxa, toCode, options)
  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   * @param {(error?: any) => void} [next] not with node:http
   */
  return (req, res, next) => {
    const context = requestContext(req, res)
    answer([req], context)
      .then((given) => send(res, given))
      .catch(next ?? ((error) => sendInternalError(res, error, context)))
  }
}

/**
 * @param {any} platform
 * @param {(event: any) => unknown} [onEvent]
 */
function pushHandler(platform, onEvent) {
  const answer = createPushResponder(platform, onEvent)
  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   * @param {(error?: any) => void} [next] not with node:http
   */
  return (req, res, next) => {
    answer(nodePush(req, req))
      .then((given) => send(res, given))
      .catch(next ?? ((error) => console.error('wxacode: pushHandler', error)))
  }
}

/**
 * Without a framework no error handler receives an error, and an uncaught one terminates the process.
 *
 * @param {import('node:http').ServerResponse} res
 * @param {unknown} error
 * @param {import('./answer').RequestContext} context
 */
function sendInternalError(res, error, context) {
  const { instance, ...answer } = internalError(context)
  console.error(`wxacode: ${answer.status} ${instance}`, error)
  send(res, answer)
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {import('./answer').Answer} answer
 */
function send(res, { status, headers, body }) {
  // Another handler that began the response will end it.
  if (res.headersSent) return
  res.statusCode = status
  const fields = withVary(headers, res.getHeader('Vary'))
  for (const name of Object.keys(fields)) res.setHeader(name, fields[name])
  res.end(body)
}

module.exports = { codeHandler, pushHandler }
