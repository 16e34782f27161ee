import { types } from 'node:util'
import { inTurn, picture } from './picture.js'

/** @import { Answer, Visit } from './types.js' */

/**
 * @param {Visit} visit
 * @param {number} status
 * @param {Answer['headers']} headers
 */
export function announce({ res, record }, status, headers) {
  record.status = status
  res.writeHead(status, headers)
}

/**
 * @param {Visit} visit
 * @param {Answer} answer
 */
export function send(visit, { status, headers, body, errcode }) {
  if (errcode !== undefined) visit.record.errcode = errcode
  // Not by instanceof: a test environment with a document has a Uint8Array of its own.
  if (typeof body === 'string' || types.isUint8Array(body)) {
    announce(visit, status, headers)
    visit.res.end(body)
    return
  }
  inTurn(body, () => {
    if (visit.res.destroyed) return
    const image = picture(body)
    announce(visit, status, { ...headers, 'Content-Length': image.length })
    visit.res.end(image)
  })
}
