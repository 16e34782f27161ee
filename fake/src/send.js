'use strict'

const { isUint8Array } = require('node:util/types')
const { attempt } = require('./attempt.js')
const { enqueueDraw, picture } = require('./picture.js')

/** @import { Answer, PictureSpec, Exchange } from './types.js' */

/**
 * @param {Exchange} exchange
 * @param {number} status
 * @param {Answer['headers']} headers
 */
function announce({ res, record }, status, headers) {
  record.status = status
  res.writeHead(status, headers)
}

/**
 * @param {Exchange} exchange
 * @param {Answer} answer
 */
function send(exchange, { status, headers, body, errcode }) {
  if (errcode !== undefined) exchange.record.errcode = errcode
  if (typeof body === 'string' || isUint8Array(body)) {
    announce(exchange, status, headers)
    exchange.res.end(body)
    return
  }
  enqueueDraw(body, () => attempt(exchange, () => sendPicture(exchange, { status, headers, body })))
}

/**
 * @param {Exchange} exchange
 * @param {{ status: number, headers: Answer['headers'], body: PictureSpec }} answer
 */
function sendPicture(exchange, { status, headers, body }) {
  if (exchange.res.destroyed) return
  const image = picture(body)
  announce(exchange, status, { ...headers, 'Content-Length': image.length })
  exchange.res.end(image)
}

module.exports = { announce, send }
