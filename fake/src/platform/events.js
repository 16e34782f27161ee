'use strict'

const { newValue, seconds } = require('./values.js')

/** @import { AuthorizationPushOptions, AuthorizeOptions, RecordedPush, TicketPushOptions } from '../../index.js' */
/** @import { Account, PlatformState, ServerState } from '../types.js' */

/** Sets of codes and of links. */
const PERMISSIONS = [17, 88]

/**
 * @param {PlatformState} platform
 * @param {ServerState} state
 * @param {TicketPushOptions} [options]
 */
function pushTicket(platform, { pushes }, options = {}) {
  const ticket = options.ticket ?? platform.tickets.next(options.newTicket)
  const elements = { InfoType: 'component_verify_ticket', ComponentVerifyTicket: ticket }
  return pushes.sendElements(platform, elements, options)
}

/**
 * @param {PlatformState} platform
 * @param {Account} account
 * @param {ServerState} state
 * @param {AuthorizeOptions} options
 * @returns {Promise<string>} the authorization code
 */
async function authorize(platform, account, { pushes }, options) {
  const { code, expiresAt, change } = platform.merchants.authorize(account, options.permissions ?? PERMISSIONS)
  if (change !== undefined && options.push !== false) {
    const elements = {
      InfoType: change,
      AuthorizerAppid: account.appid,
      AuthorizationCode: code,
      AuthorizationCodeExpiredTime: seconds(expiresAt),
      PreAuthCode: platform.preAuthCode ?? newValue('preauthcode'),
    }
    await pushes.sendElements(platform, elements, options)
  }
  return code
}

/**
 * @param {PlatformState} platform
 * @param {string} appid
 * @param {ServerState} state
 * @param {AuthorizationPushOptions} options
 * @returns {Promise<RecordedPush | undefined>}
 */
async function unauthorize(platform, appid, { pushes }, options) {
  const merchant = platform.merchants.find(appid)
  if (merchant === undefined) throw new TypeError(`unauthorize: '${appid}' has not authorised ${platform.appid}`)
  platform.merchants.unauthorize(merchant)
  if (options.push === false) return undefined
  return pushes.sendElements(platform, { InfoType: 'unauthorized', AuthorizerAppid: appid }, options)
}

module.exports = { pushTicket, authorize, unauthorize }
