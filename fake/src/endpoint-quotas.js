'use strict'

const { createQuota, DAY, MINUTE, SECOND } = require('./quota.js')

/** @import { Clock, Limits } from '../index.js' */
/** @import { EndpointQuota, EndpointQuotas } from './types.js' */

/**
 * How often each endpoint may be called: in a day, and how fast.
 * @param {Clock} clock
 * @param {Required<Limits>} limits
 * @returns {EndpointQuotas}
 */
function createEndpointQuotas(clock, limits) {
  const perDay = (/** @type {number} */ limit, errcode = 45009) => createQuota(clock, limit, DAY, errcode)
  const ample = () => ({ day: perDay(limits.callsPerDay) })
  const links = perDay(limits.linksPerDay, limits.linksErrcode)
  const link = () => ({ day: links, rate: createQuota(clock, limits.linksPerSecond, SECOND, 44990) })
  return {
    token: { day: perDay(limits.classicPerDay) },
    stable_token: {
      day: perDay(limits.stablePerDay),
      rate: createQuota(clock, limits.stablePerMinute, MINUTE, 45011),
    },
    getwxacode: { day: perDay(limits.limitedPerDay) },
    getwxacodeunlimit: {
      ...ample(),
      rate: createQuota(clock, limits.unlimitedPerMinute, MINUTE, limits.unlimitedErrcode),
    },
    createwxaqrcode: ample(),
    generatescheme: link(),
    generate_urllink: link(),
    generatenfcscheme: link(),
    genwxashortlink: { day: perDay(limits.shortLinksPerDay) },
    queryscheme: ample(),
    query_urllink: ample(),
    'quota/get': ample(),
    clear_quota: ample(),
    'clear_quota/v2': ample(),
    'quota/clear': ample(),
    'rid/get': ample(),
  }
}

/**
 * Counts a call.
 * @param {EndpointQuota} quota
 * @returns {number} the errcode of the refusal, 0 for none
 */
const spend = ({ day, rate }) => rate?.take() || day.take()

module.exports = { createEndpointQuotas, spend }
