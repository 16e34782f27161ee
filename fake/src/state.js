'use strict'

const { createAccount } = require('./apps.js')
const { createPlatform } = require('./platform/platforms.js')
const { createPushes } = require('./platform/pushes.js')
const { createRids } = require('./rids.js')
const { createWhitelist } = require('./whitelist.js')

/** @import { Clock, FakeOptions } from '../index.js' */
/** @import { ServerState } from './types.js' */

/** How much is remembered of the past unless `keepRequests` says otherwise. */
const KEEP_REQUESTS = 10_000

const SHAPES = ['square', 'round']

/**
 * @param {FakeOptions} options
 * @param {Clock} clock
 * @returns {ServerState}
 */
function createState(options, clock) {
  const apps = options.apps ?? [{}]
  if (apps.length === 0) throw new TypeError('apps: at least one app is needed')
  const shape = options.shape ?? 'square'
  if (!SHAPES.includes(shape)) throw new TypeError(`shape: one of ${SHAPES.join(', ')}, not ${shape}`)
  const keep = options.keepRequests ?? KEEP_REQUESTS
  const switches = { rotateRefreshTokens: false, overlapAccessTokens: true }
  const accounts = apps.map((app) => createAccount(app, clock, options))
  return {
    clock,
    shape,
    accounts,
    accountOf(appid) {
      const known = accounts.find((account) => account.appid === appid)
      if (known) return known
      const account = createAccount({ appid }, clock, options)
      accounts.push(account)
      return account
    },
    isListed: createWhitelist(options.ipWhitelist),
    rids: createRids(clock, keep),
    platforms: (options.platforms ?? []).map((platform) => createPlatform(platform, clock, options, switches)),
    switches,
    pushes: createPushes(clock, keep),
  }
}

module.exports = { KEEP_REQUESTS, createState }
