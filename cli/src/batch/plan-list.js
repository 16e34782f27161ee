import { createColumns } from './columns.js'
import { createInspector } from './damage.js'
import { readList } from './list.js'
import { placeholdersOf, renamed } from './names.js'
import { planOf } from './row-plan.js'

/** @import { Kind } from '../params.js' */
/** @import { Format, Row } from './list.js' */
/** @import { Plan, Rules } from './row-plan.js' */

/**
 * How a list is read.
 *
 * @typedef {object} Reading
 * @property {string} list path
 * @property {Format} format
 * @property {Kind} kind
 * @property {string} [name] pattern
 * @property {string} [label] pattern
 * @property {string} account
 * @property {AbortSignal} signal
 */

/** @typedef {ReturnType<typeof createPlanList>} PlanList */

/**
 * The plans of a list, as often as they are wanted, and the columns that its patterns need.
 *
 * @param {Reading} reading
 */
export function createPlanList({ list, format, kind, name, label, account, signal }) {
  const patterns = [name, label].filter((pattern) => pattern !== undefined)
  const column = createColumns(new Set(patterns.flatMap(placeholdersOf)))
  /** @type {Rules} */
  const rules = { kind, account, name: name && renamed(name, column), label: label && renamed(label, column) }
  const needed = [rules.name, rules.label].flatMap((pattern) => placeholdersOf(pattern ?? ''))
  /** @type {Set<string>} */
  const columns = new Set()
  /** @param {string} header */
  const met = (header) => {
    const name = column(header)
    if (name !== '') columns.add(name)
    return name
  }
  return {
    list,
    needed,
    /** Those of the list, as far as it was read. */
    columns,
    /** For damage in what is used: columns of a pattern take the place of those without one. */
    inspector: () => createInspector([...needed, ...(name ? [] : ['name']), ...(label ? [] : ['label'])]),
    /** @returns {AsyncGenerator<{ row: Row, plan: Plan }>} */
    async *read() {
      for await (const row of readList(list, format, met)) {
        signal.throwIfAborted()
        yield { row, plan: planOf(row, rules) }
      }
    },
  }
}
