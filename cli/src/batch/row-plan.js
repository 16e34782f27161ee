import { createHash } from 'node:crypto'
import { check } from 'wxacode'
import { isBlank, trimmed } from '../blanks.js'
import { RowError } from '../errors.js'
import { PARAMS, PARAMS_BY_KIND, readParam } from '../params.js'
import { fileName, fill, nameKey } from './names.js'

/** @import { Text } from '../language.js' */
/** @import { Kind } from '../params.js' */
/** @import { Row } from './list.js' */

/**
 * What a row comes to: a question for WeChat, the name of the file that will hold the answer, and what is written under
 * it. `key` is the same for names that a file system may take for the same; `question` for the same question. `cells`
 * are the row's as they stand in the list, for the report: of a row that is none, only its number.
 *
 * @typedef {object} Plan
 * @property {number} row
 * @property {string} label
 * @property {Kind} kind
 * @property {Record<string, any>} params
 * @property {string} name
 * @property {string} key
 * @property {string} question
 * @property {Row['cells']} cells
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
  const plan = {
    row: row.row,
    label: '',
    kind: rules.kind,
    params: {},
    name: '',
    key: '',
    question: '',
    cells: row.cells,
  }
  if (row.problem) return { ...plan, cells: { row: row.cells.row }, error: row.problem }
  plan.label = trimmed(fill(rules.label ?? defaultLabel(row), row))
  // What is wrong with the question comes first: a blank in a scene is one in the name as well.
  const unaskable = errorOf(() => readQuestion(row, rules, plan))
  const unnameable = errorOf(() => {
    plan.name = fileName(rules.name ?? defaultName(row), row)
    plan.key = nameKey(plan.name)
  })
  return { ...plan, error: unaskable ?? unnameable }
}

/**
 * @param {Row} row
 * @param {Rules} rules
 * @param {Plan} plan
 */
function readQuestion(row, rules, plan) {
  plan.kind = kindOf(row, rules.kind)
  readParams(row, plan.params)
  const refused = check(/** @type {any} */ (plan.kind), /** @type {any} */ (plan.params))
  if (refused) throw refused
  plan.question = digest(JSON.stringify([rules.account, plan.kind, plan.params]))
}

/**
 * @param {() => void} act
 * @returns {Error | undefined}
 */
function errorOf(act) {
  try {
    act()
    return undefined
  } catch (error) {
    return /** @type {Error} */ (error)
  }
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
const isGiven = (cell) => !isBlank(cell)

/**
 * @param {Row} row
 * @param {Kind} otherwise
 */
function kindOf({ cells }, otherwise) {
  if (!isGiven(cells.kind)) return otherwise
  const kind = typeof cells.kind === 'string' ? trimmed(cells.kind) : cells.kind
  if (Object.hasOwn(PARAMS_BY_KIND, /** @type {string} */ (kind))) return /** @type {Kind} */ (kind)
  const kinds = Object.keys(PARAMS_BY_KIND)
  throw new RowError(
    { zh: `没有 kind ${kind}`, en: `unknown kind ${kind}` },
    { zh: `可用 ${kinds.join('、')}`, en: `Use one of ${kinds.join(', ')}` },
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
  const { value, wants, blank } = readParam(param, cell)
  if (blank) throw blankIn(param, cell, blank)
  if (!wants) return value
  throw new RowError(
    { zh: `${param} 的值“${cell}”无效`, en: `invalid ${param} “${cell}”` },
    { zh: `应为${wants.zh}`, en: `Use ${wants.en}` },
    param,
  )
}

/**
 * @param {string} param
 * @param {string} cell
 * @param {Text} blank
 */
const blankIn = (param, cell, blank) =>
  new RowError(
    { zh: `${param} 的值“${cell}”无效：${blank.zh}`, en: `invalid ${param} “${cell}”: ${blank.en}` },
    { zh: '从单元格里删除它', en: 'Delete it from the cell' },
    param,
  )
