'use strict'

const { checkScope, inScope } = require('./endpoints.js')

/** @import { EndpointScope, Hold } from '../index.js' */
/** @import { Exchange } from './types.js' */

/** Gates that hold requests until a test releases them, so that tests wait on conditions and not on time. */
function createHolds() {
  /** @type {{ scope: EndpointScope | undefined, waiting: Map<Exchange, () => void> }[]} */
  let holds = []
  return {
    /**
     * @param {EndpointScope} [scope]
     * @returns {Hold}
     */
    add(scope) {
      checkScope(scope)
      /** @type {Map<Exchange, () => void>} */
      const waiting = new Map()
      const hold = { scope, waiting }
      holds.push(hold)
      return {
        get waiting() {
          return waiting.size
        },
        release() {
          holds = holds.filter((other) => other !== hold)
          const resumes = [...waiting.values()]
          waiting.clear()
          for (const resume of resumes) resume()
        },
      }
    },
    /**
     * @param {Exchange} exchange
     * @param {() => void} resume called at the release, unless the client has left by then
     * @returns {boolean} whether the exchange has to wait
     */
    stops(exchange, resume) {
      const hold = holds.find(({ scope }) => inScope(exchange.record.endpoint, scope))
      if (hold === undefined) return false
      hold.waiting.set(exchange, resume)
      exchange.res.once('close', () => hold.waiting.delete(exchange))
      return true
    },
  }
}

module.exports = { createHolds }
