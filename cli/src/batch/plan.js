import { createHash } from 'node:crypto'
import { check } from 'wxacode'
import { RowError } from '../errors.js'
import { KINDS, PARAMS, readParam } from '../params.js'
import { fileName, fill, nameKey } from './names.js'

/** @import { Kind } from '../params.js' */
/** @import { Row } from './list.js' */

/**
 * What a row comes to: a question for WeChat, the name of the file that will hold the answer, and what is written under
 * it. `key` is the same for names that a file system may take for the same; `question` for the same question.
 *
 * @typedef {object} Plan
 * @property {number} row
 * @property {string} label
 * @property {Kind} kind
 * @property {Record<string, any>} params
 * @property {string} name
 * @property {string} key
 * @property {string} question
 * @property {Error} [error] why it cannot be asked
 */

/**
 * How rows are read.
 *
 * @typedef {object} Rules
 * @property {Kind} kind of rows that do not say
 * @property {string} [name] pattern
 * @property {string} [label] pattern
 * @property {string} account whose codes they are: it belongs to each question
 */

/**
 * @param {Row} row
 * @param {Rules} rules
 * @returns {Plan}
 */
export function planOf(row, rules) {
  /** @type {Plan} */
  const plan = { row: row.row, label: '', kind: rules.kind, params: {}, name: '', key: '', question: '' }
  try {
    if (row.problem) throw row.problem
    plan.label = fill(rules.label ?? defaultLabel(row), row)
    plan.kind = kindOf(row, rules.kind)
    readParams(row, plan.params)
    plan.name = fileName(rules.name ?? defaultName(row), row)
    plan.key = nameKey(plan.name)
    const refused = check(/** @type {any} */ (plan.kind), /** @type {any} */ (plan.params))
    if (refused) throw refused
    plan.question = digest(JSON.stringify([rules.account, plan.kind, plan.params]))
  } catch (error) {
    plan.error = /** @type {Error} */ (error)
  }
  return plan
}

/**
 * Short, and long enough that no two of a million are the same.
 *
 * @param {string | Uint8Array} content
 */
export const digest = (content) => createHash('sha256').update(content).digest('base64url').slice(0, 16)

/** @param {Row} row */
const defaultName = ({ cells }) => (isGiven(cells.name) ? '{name}' : isGiven(cells.scene) ? '{scene}' : '{path}')

/** @param {Row} row */
const defaultLabel = ({ cells }) => (isGiven(cells.label) ? '{label}' : isGiven(cells.scene) ? '{scene}' : '{path}')

/** @param {unknown} cell */
const isGiven = (cell) => cell !== undefined && cell !== null && cell !== ''

/**
 * @param {Row} row
 * @param {Kind} otherwise
 */
function kindOf({ cells: { kind } }, otherwise) {
  if (!isGiven(kind)) return otherwise
  if (Object.hasOwn(KINDS, /** @type {string} */ (kind))) return /** @type {Kind} */ (kind)
  const kinds = Object.keys(KINDS)
  throw new RowError(
    { zh: `没有 kind ${kind}`, en: `there is no kind ${kind}` },
    { zh: `可用 ${kinds.join('、')}`, en: `It is one of ${kinds.join(', ')}` },
    'kind',
  )
}

/**
 * Into `params`, so that a report shows those that were well.
 *
 * @param {Row} row
 * @param {Record<string, unknown>} params
 */
function readParams({ cells }, params) {
  for (const param of PARAMS) {
    if (isGiven(cells[param])) params[param] = paramOf(param, cells[param])
  }
}

/**
 * A text is read as what the parameter is; a JSON list has other values as well.
 *
 * @param {string} param
 * @param {unknown} cell
 */
function paramOf(param, cell) {
  if (typeof cell !== 'string') return cell
  const { value, wants } = readParam(param, cell)
  if (!wants) return value
  throw new RowError(
    { zh: `${param} 的值“${cell}”无效`, en: `the ${param} “${cell}” is not possible` },
    { zh: `应为${wants.zh}`, en: `It takes ${wants.en}` },
    param,
  )
}
