import { NETWORK_CHECKS } from '../network.js'
import { authorization, code, permissions } from './merchant.js'
import { authorizers, options, store, token, whitelist } from './platform.js'
import { ticket } from './ticket.js'

/** @import { Check } from '../examine.js' */
/** @import { PlatformContext } from './context.js' */

/**
 * The checks of a third-party platform in their order: the way to WeChat, then the chain of credentials, link by link.
 *
 * @type {Check<PlatformContext>[]}
 */
export const PLATFORM_CHECKS = [
  { name: 'options', title: { zh: '配置', en: 'options' }, run: options, needsNoWeChat: true },
  ...NETWORK_CHECKS,
  { name: 'store', title: { zh: '存储', en: 'store' }, run: store, needsNoWeChat: true },
  { name: 'ticket', title: { zh: 'ticket', en: 'ticket' }, run: ticket, needsNoWeChat: true },
  { name: 'token', title: { zh: '平台 token', en: 'token' }, run: token },
  { name: 'whitelist', title: { zh: 'IP 白名单', en: 'IP whitelist' }, run: whitelist },
  { name: 'authorizers', title: { zh: '商户列表', en: 'merchants' }, run: authorizers },
  { name: 'authorization', title: { zh: '商户授权', en: 'authorisation' }, run: authorization },
  { name: 'permissions', title: { zh: '权限集', en: 'permissions' }, run: permissions },
  { name: 'code', title: { zh: '小程序码', en: 'code' }, run: code },
]
