'use strict'

const { answerer } = require('./answer')
const { withVary } = require('./vary')
const { visit } = require('./visit')

/**
 * @param {import('../../index').WxaCode} wxa
 * @param {(req: any) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = answerer(wxa, toCode, options)
  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   * @param {(error?: any) => void} next
   */
  return (req, res, next) => {
    answer([req], visit(req, res))
      .then((given) => send(res, given))
      .catch(next)
  }
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {import('./answer').Answer} answer
 */
function send(res, { status, headers, body }) {
  res.statusCode = status
  for (const [name, value] of Object.entries(withVary(headers, res.getHeader('Vary')))) res.setHeader(name, value)
  res.end(body)
}

module.exports = { codeHandler }
