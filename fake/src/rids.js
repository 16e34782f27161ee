'use strict'

const { createFifoCache } = require('./fifo-cache.js')
const { DAY } = require('./quota.js')

/** @import { Clock } from '../index.js' */
/** @import { Account, Answer, Exchange, PlatformState } from './types.js' */

const KEPT_SECONDS = 7 * DAY
const RID = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/

/**
 * The refused requests by the rid of their answer, as WeChat stores them.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html
 * @param {Clock} clock
 * @param {number} keep
 */
function createRids(clock, keep) {
  /** @type {ReturnType<typeof createFifoCache<{ at: number, owner: Account | PlatformState | undefined, request: object }>>} */
  const refused = createFifoCache(keep)
  return {
    /**
     * @param {Exchange} exchange
     * @param {Answer} answer
     * @param {Account | PlatformState | undefined} owner whose request it was
     */
    remember({ record, req, ip }, { body }, owner) {
      const response = body.toString()
      const rid = / rid: ([0-9a-f-]+)/.exec(response)?.[1]
      if (rid === undefined) return
      const request = {
        invoke_time: Math.floor(record.at / 1000),
        cost_in_ms: Math.max(0, Math.round(clock.now() - record.at)),
        request_url: req.url?.split('?', 2)[1] ?? '',
        request_body: record.body,
        response_body: response,
        client_ip: ip,
      }
      refused.set(rid, { at: record.at, owner, request })
    },
    /**
     * @param {string} rid
     * @param {Account} account who asks
     * @returns {number | { request: object }} the errcode of the refusal, or the answer
     */
    lookUp(rid, account) {
      if (!RID.test(rid)) return 76002
      const found = refused.get(rid)
      if (found === undefined || clock.now() >= found.at + KEPT_SECONDS * 1000) return 76001
      return found.owner === undefined || found.owner === account ? { request: found.request } : 76003
    },
  }
}

module.exports = { createRids }
