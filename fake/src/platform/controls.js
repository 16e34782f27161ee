'use strict'

const { authorize, pushTicket, unauthorize } = require('./events.js')
const { urlOf } = require('./pushes.js')

/** @import { AuthorizationPushOptions, FakePlatforms, PlatformChoice } from '../../index.js' */
/** @import { PlatformState, PlatformSwitches, ServerState } from '../types.js' */

/**
 * What a test can do with platforms.
 * @param {ServerState} state
 * @returns {Omit<FakePlatforms, keyof PlatformSwitches>}
 */
function createPlatformControls(state) {
  const { platforms, pushes } = state
  const chosen = (/** @type {PlatformChoice | undefined} */ options) => choose(platforms, options)
  /**
   * Without a URL it throws before anything has changed.
   * @param {AuthorizationPushOptions} options
   */
  const ready = (options) => {
    const platform = chosen(options)
    if (options.push !== false) urlOf(platform)
    return platform
  }
  return {
    platforms: platforms.map(({ appid, secret, pushToken, encodingAESKey }) => ({
      appid,
      secret,
      pushToken,
      encodingAESKey,
    })),
    pushes: pushes.records,
    async pushTicket(options) {
      return pushTicket(chosen(options), state, options)
    },
    async push(message, options) {
      const platform = chosen(options)
      return typeof message === 'string'
        ? pushes.send(platform, message, options)
        : pushes.sendElements(platform, message, options)
    },
    async authorize(merchantAppid, options = {}) {
      if (typeof merchantAppid !== 'string' || merchantAppid === '')
        throw new TypeError('authorize: the appid is missing')
      return authorize(ready(options), state.accountOf(merchantAppid), state, options)
    },
    async unauthorize(merchantAppid, options = {}) {
      return unauthorize(ready(options), merchantAppid, state, options)
    },
    stopPushes(options) {
      chosen(options).isStopped = true
    },
    liveTickets: (options) => chosen(options).tickets.valid(),
  }
}

/**
 * @param {PlatformState[]} platforms
 * @param {PlatformChoice} [options]
 */
function choose(platforms, { platform: appid } = {}) {
  if (platforms.length === 0)
    throw new TypeError('platforms: this fake has none, startFakeWeChat takes them as an option')
  const found = appid === undefined ? platforms[0] : platforms.find((one) => one.appid === appid)
  if (found) return found
  throw new TypeError(`platform: there is no '${appid}', only ${platforms.map((one) => one.appid).join(', ')}`)
}

/**
 * Makes the switches properties of the fake, which a test sets.
 * @template {object} T
 * @param {T} fake
 * @param {PlatformSwitches} switches
 * @returns {T & PlatformSwitches}
 */
function withSwitches(fake, switches) {
  for (const name of /** @type {(keyof PlatformSwitches)[]} */ (Object.keys(switches))) {
    Object.defineProperty(fake, name, {
      enumerable: true,
      get: () => switches[name],
      set: (isOn) => {
        switches[name] = isOn
      },
    })
  }
  return /** @type {T & PlatformSwitches} */ (fake)
}

module.exports = { createPlatformControls, withSwitches }
