import { EXIT } from '../exit-codes.js'
import { exitCodeOf, failureOf } from '../failure.js'
import { withFlags } from '../flag-names.js'

/** @import { Text } from '../language.js' */

/**
 * What a check found. `skip` is neither good nor bad: `detail` says why the check did not run.
 *
 * @typedef {object} Finding
 * @property {true | false | 'skip'} ok
 * @property {Text} [detail]
 * @property {Text} [cause]
 * @property {Text} [fix]
 * @property {number} [errcode]
 * @property {string} [rid]
 * @property {number} [exitCode] what a script shall learn of a bad one
 */

/**
 * @param {Text} [detail]
 * @returns {Finding}
 */
export const good = (detail) => ({ ok: true, detail })

/**
 * @param {Text} detail
 * @returns {Finding}
 */
export const skipped = (detail) => ({ ok: 'skip', detail })

/**
 * @param {Text} cause
 * @param {Text} fix
 * @param {number} [exitCode]
 * @returns {Finding}
 */
export const bad = (cause, fix, exitCode = EXIT.failed) => ({ ok: false, cause, fix, exitCode })

/**
 * @param {unknown} error
 * @returns {Finding}
 */
export function badBecause(error) {
  const [zh, en] = [failureOf(error, 'zh', withFlags), failureOf(error, 'en', withFlags)]
  const head = zh.errmsg === undefined ? '' : `${zh.errcode} ${zh.errmsg}: `
  return {
    ok: false,
    cause: { zh: head + zh.cause, en: head + en.cause },
    fix: zh.fix === undefined ? undefined : { zh: zh.fix, en: en.fix ?? zh.fix },
    errcode: zh.errcode,
    rid: zh.rid,
    exitCode: exitCodeOf(error),
  }
}
