import { createColumns } from './columns.js'
import { readList } from './list.js'
import { holesOf, renamed } from './names.js'
import { planOf } from './plan.js'

/** @import { Kind } from '../params.js' */
/** @import { Row } from './list.js' */
/** @import { Plan, Rules } from './plan.js' */

/**
 * How a list is read.
 *
 * @typedef {object} Reading
 * @property {string} list path
 * @property {string} encoding
 * @property {Kind} kind
 * @property {string} [name] pattern
 * @property {string} [label] pattern
 * @property {string} account
 * @property {AbortSignal} signal
 */

/** @typedef {ReturnType<typeof createPlans>} Plans */

/**
 * The plans of a list, as often as they are wanted, and the columns that its patterns need.
 *
 * @param {Reading} reading
 */
export function createPlans({ list, encoding, kind, name, label, account, signal }) {
  const patterns = [name, label].filter((pattern) => pattern !== undefined)
  const column = createColumns(new Set(patterns.flatMap(holesOf)))
  /** @type {Rules} */
  const rules = { kind, account, name: name && renamed(name, column), label: label && renamed(label, column) }
  return {
    needed: [rules.name, rules.label].flatMap((pattern) => holesOf(pattern ?? '')),
    /** @returns {AsyncGenerator<{ cells: Row['cells'], plan: Plan }>} */
    async *read() {
      for await (const row of readList(list, encoding, column)) {
        signal.throwIfAborted()
        yield { cells: row.cells, plan: planOf(row, rules) }
      }
    },
  }
}
