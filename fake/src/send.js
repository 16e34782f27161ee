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
  if (typeof body === 'string' || body instanceof Uint8Array) {
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
