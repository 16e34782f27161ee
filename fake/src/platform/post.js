'use strict'

const { request: requestHttp } = require('node:http')
const { request: requestHttps } = require('node:https')
const { after } = require('../real-time.js')

/** @import { ClientRequest, IncomingMessage } from 'node:http' */

// https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/message_push.html
const ANSWER_MS = 5000

/** Sends bodies to receivers until it is closed. */
function createPost() {
  /** @type {Set<ClientRequest>} */
  const open = new Set()
  let isClosed = false
  return {
    /**
     * @param {string} url
     * @param {string} body
     * @returns {Promise<{ status: number, answer: string }>} rejects without a complete answer in time
     */
    send(url, body) {
      return new Promise((resolve, reject) => {
        if (isClosed) return reject(closedError())
        const headers = { 'Content-Type': 'text/xml', 'Content-Length': Buffer.byteLength(body) }
        const request = url.startsWith('https:') ? requestHttps : requestHttp
        const req = request(url, { method: 'POST', headers, agent: false }, (res) => read(res, resolve, reject))
        const stop = after(ANSWER_MS, () => req.destroy(new Error(`no answer within ${ANSWER_MS} ms`)))
        open.add(req)
        req.once('close', () => {
          stop()
          open.delete(req)
        })
        req.once('error', reject)
        req.end(body)
      })
    },
    close() {
      isClosed = true
      for (const req of open) req.destroy(closedError())
    },
  }
}

const closedError = () => new Error('the fake WeChat was closed')

/**
 * @param {IncomingMessage} res
 * @param {(answer: { status: number, answer: string }) => void} resolve
 * @param {(reason: Error) => void} reject
 */
function read(res, resolve, reject) {
  /** @type {Buffer[]} */
  const chunks = []
  res.on('data', (chunk) => chunks.push(chunk))
  res.once('error', reject)
  res.once('end', () => resolve({ status: res.statusCode ?? 0, answer: Buffer.concat(chunks).toString() }))
}

module.exports = { createPost }
