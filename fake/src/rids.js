/** @import { Clock } from '../index.js' */
/** @import { Account, Answer, Visit } from './types.js' */

const KEPT_MS = 7 * 86_400_000

/**
 * What WeChat remembers of the requests that it refused, by the rid in the answer.
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html
 * @param {Clock} clock
 * @param {number} keep
 */
export function createRids(clock, keep) {
  /** @type {Map<string, { at: number, owner: Account | undefined, request: object }>} */
  const refused = new Map()
  return {
    /**
     * @param {Visit} visit
     * @param {Answer} answer
     * @param {Account | undefined} owner
     */
    remember({ record, req, ip }, { body }, owner) {
      const response = body.toString()
      const rid = / rid: ([0-9a-f-]+)/.exec(response)?.[1]
      if (rid === undefined) return
      const request = {
        invoke_time: Math.floor(record.at / 1000),
        cost_in_ms: Math.round(clock.now() - record.at),
        request_url: req.url?.split('?', 2)[1] ?? '',
        request_body: record.body,
        response_body: response,
        client_ip: ip,
      }
      refused.set(rid, { at: record.at, owner, request })
      const [oldest] = refused.keys()
      if (refused.size > keep) refused.delete(oldest)
    },
    /** @param {string} rid */
    find(rid) {
      const found = refused.get(rid)
      return found && clock.now() < found.at + KEPT_MS ? found : undefined
    },
  }
}
