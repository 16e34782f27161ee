'use strict'

const { isUint8Array } = require('node:util/types')
const { attempt } = require('./attempt.js')
const { inTurn, picture } = require('./picture.js')

/** @import { Answer, PictureOrder, Visit } from './types.js' */

/**
 * @param {Visit} visit
 * @param {number} status
 * @param {Answer['headers']} headers
 */
function announce({ res, record }, status, headers) {
  record.status = status
  res.writeHead(status, headers)
}

/**
 * @param {Visit} visit
 * @param {Answer} answer
 */
function send(visit, { status, headers, body, errcode }) {
  if (errcode !== undefined) visit.record.errcode = errcode
  if (typeof body === 'string' || isUint8Array(body)) {
    announce(visit, status, headers)
    visit.res.end(body)
    return
  }
  inTurn(body, () => attempt(visit, () => sendPicture(visit, { status, headers, body })))
}

/**
 * @param {Visit} visit
 * @param {{ status: number, headers: Answer['headers'], body: PictureOrder }} answer
 */
function sendPicture(visit, { status, headers, body }) {
  if (visit.res.destroyed) return
  const image = picture(body)
  announce(visit, status, { ...headers, 'Content-Length': image.length })
  visit.res.end(image)
}

module.exports = { announce, send }
