'use strict'

const { answerer } = require('./answer')
const { broken } = require('./answer/problem')
const { withVary } = require('./vary')
const { visit } = require('./visit')

/**
 * @param {any} wxa
 * @param {(req: any) => any} toCode
 * @param {import('./types').CodeHandlerOptions<any>} [options]
 */
function codeHandler(wxa, toCode, options) {
  const answer = answerer(wxa, toCode, options)
  /**
   * @param {import('node:http').IncomingMessage} req
   * @param {import('node:http').ServerResponse} res
   * @param {(error?: any) => void} [next] not with node:http
   */
  return (req, res, next) => {
    const here = visit(req, res)
    answer([req], here)
      .then((given) => send(res, given))
      .catch(next ?? ((error) => sendBroken(res, error, here)))
  }
}

/**
 * Without a framework nobody else hears of an error, and one that nobody catches ends the process.
 *
 * @param {import('node:http').ServerResponse} res
 * @param {unknown} error
 * @param {import('./answer').Visit} visit
 */
function sendBroken(res, error, visit) {
  const { instance, ...answer } = broken(visit)
  console.error(`wxacode: ${answer.status} ${instance}`, error)
  send(res, answer)
}

/**
 * @param {import('node:http').ServerResponse} res
 * @param {import('./answer').Answer} answer
 */
function send(res, { status, headers, body }) {
  // Whoever has begun to answer will end it too.
  if (res.headersSent) return
  res.statusCode = status
  const fields = withVary(headers, res.getHeader('Vary'))
  for (const name of Object.keys(fields)) res.setHeader(name, fields[name])
  res.end(body)
}

module.exports = { codeHandler }
