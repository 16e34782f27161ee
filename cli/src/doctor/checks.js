import { credentials } from './credentials.js'
import { NETWORK_CHECKS } from './network.js'
import { page } from './page.js'
import { quota } from './quota.js'
import { token } from './token.js'
import { whitelist } from './whitelist.js'

/** @import { DoctorContext } from './context.js' */
/** @import { Check } from './examine.js' */

/**
 * The checks of a mini-program's account in their order, from the network up to the page.
 *
 * @type {Check<DoctorContext>[]}
 */
export const CHECKS = [
  ...NETWORK_CHECKS,
  { name: 'credentials', title: { zh: '凭据', en: 'credentials' }, run: credentials },
  { name: 'whitelist', title: { zh: 'IP 白名单', en: 'IP whitelist' }, run: whitelist },
  { name: 'quota', title: { zh: '额度', en: 'quota' }, run: quota },
  { name: 'page', title: { zh: '页面', en: 'page' }, run: page },
  { name: 'token', title: { zh: 'access_token', en: 'token' }, run: token },
]
