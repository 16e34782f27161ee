import { badBecause, skipped } from './finding.js'

/** @import { Text } from '../language.js' */
/** @import { Finding } from './finding.js' */

/**
 * @template Context
 * @typedef {object} Check
 * @property {string} name
 * @property {Text} title
 * @property {(context: Context) => Finding | Promise<Finding>} run
 * @property {boolean} [isNetworkCheck] if it fails, the checks of WeChat are skipped
 * @property {boolean} [needsNoWeChat] it does not run at WeChat
 */

/** @type {Finding} */
const NO_CONNECTION = skipped({ zh: '没有连接', en: 'there is no connection' })

/**
 * What goes wrong in a run is a finding, and the others are had all the same.
 *
 * @template {{ signal: AbortSignal }} Context
 * @param {Check<Context>['run']} run
 * @param {Context} context
 */
async function runCheck(run, context) {
  try {
    return await run(context)
  } catch (error) {
    context.signal.throwIfAborted()
    return badBecause(error)
  }
}

/**
 * Runs checks one after the other and yields their findings.
 *
 * @template {{ signal: AbortSignal }} Context
 * @param {Check<Context>[]} checks
 * @param {Context} context
 * @returns {AsyncGenerator<Finding & { name: string, title: Text }>}
 */
export async function* examine(checks, context) {
  let isOffline = false
  for (const { name, title, run, isNetworkCheck, needsNoWeChat } of checks) {
    const finding = isOffline && !needsNoWeChat ? NO_CONNECTION : await runCheck(run, context)
    context.signal.throwIfAborted()
    if (isNetworkCheck && finding.ok === false) isOffline = true
    yield { name, title, ...finding }
  }
}
