import { RowError, UsageError } from '../errors.js'

/** @import { Plan } from './row-plan.js' */
/** @import { PlanList } from './plan-list.js' */

/**
 * What is known of a list before anything is asked: how many rows there are, and which of them would write into the
 * same file.
 *
 * @typedef {object} Preflight
 * @property {number} rows
 * @property {Map<string, number[]>} clashes rows by the key of their name
 */

/**
 * @param {PlanList} plans
 * @param {{ force?: boolean }} flags whether what looks damaged is meant
 * @returns {Promise<Preflight>}
 */
export async function preflight(plans, { force }) {
  /** @type {Map<string, number>} */
  const firstRows = new Map()
  /** @type {Map<string, number[]>} */
  const clashes = new Map()
  const inspector = plans.inspector()
  let rows = 0
  for await (const { row, plan } of plans.read()) {
    rows++
    inspector.look(row)
    if (plan.key !== '') meet(plan, firstRows, clashes)
  }
  refuseMissing(plans, rows)
  if (!force) inspector.refuse()
  return { rows, clashes }
}

/**
 * @param {Plan} plan
 * @param {Map<string, number>} firstRows
 * @param {Preflight['clashes']} clashes
 */
function meet({ key, row }, firstRows, clashes) {
  const first = firstRows.get(key)
  const met = clashes.get(key)
  if (first === undefined) firstRows.set(key, row)
  else if (met === undefined) clashes.set(key, [first, row])
  else met.push(row)
}

/**
 * Nothing is done well that asked for nothing: a list without rows or without a question in them is another file, or was
 * read as one.
 *
 * @param {PlanList} plans
 * @param {number} rows
 */
function refuseMissing({ list, columns, needed }, rows) {
  const there = [...columns].map(shortened).join(', ')
  const missing = needed.find((column) => !columns.has(column))
  if (!columns.has('scene') && !columns.has('path')) {
    throw new UsageError(
      { zh: '列表里既没有 scene 列也没有 path 列', en: 'the list has neither a column scene nor a column path' },
      {
        zh: `第一行应是列名；现有的列：${there}。若本应有多列，用 --delimiter 说明分隔符`,
        en: `The first line must contain the column names; it has ${there}. If several columns were read as one, use --delimiter`,
      },
    )
  }
  if (missing !== undefined) {
    throw new UsageError(
      { zh: `列表里没有 ${missing} 列`, en: `the list has no column ${missing}` },
      { zh: `现有的列：${there}`, en: `It has ${there}` },
    )
  }
  if (rows > 0) return
  throw new UsageError(
    { zh: `${list} 只有列名，没有数据行`, en: `${list} has column names but no rows` },
    {
      zh: '检查导出它的程序，或是否选错了文件',
      en: 'Check the program that wrote it, or whether this is the right file',
    },
  )
}

/** @param {string} column */
const shortened = (column) => (column.length > 40 ? `${column.slice(0, 40)}…` : column)

/**
 * @param {Plan} plan
 * @param {number[]} rows
 */
export function duplicateName({ name, row }, rows) {
  const others = rows
    .filter((other) => other !== row)
    .slice(0, 3)
    .join(', ')
  return new RowError(
    { zh: `文件名 ${name} 与第 ${others} 行相同`, en: `the file name ${name} is the same as in row ${others}` },
    {
      zh: '每行的名字须不同（不分大小写）：修改单元格，或用 --name 加上另一列或 {row}',
      en: 'Names must differ in more than upper and lower case: change the cell, or add a column or {row} to --name',
    },
    'name',
  )
}
