import { RowError, UsageError } from '../errors.js'

/** @import { Plan } from './plan.js' */
/** @import { Row } from './list.js' */

/**
 * What is known of a list before anything is asked: how many rows there are, and which of them would write into the
 * same file.
 *
 * @typedef {object} Survey
 * @property {number} rows
 * @property {Map<string, number[]>} clashes rows by the key of their name
 */

/**
 * @param {AsyncIterable<{ cells: Row['cells'], plan: Plan }>} list
 * @param {string[]} needed columns that patterns use
 * @returns {Promise<Survey>}
 */
export async function survey(list, needed) {
  /** @type {Set<string>} */
  const columns = new Set()
  /** @type {Map<string, number>} */
  const firstRows = new Map()
  /** @type {Map<string, number[]>} */
  const clashes = new Map()
  let rows = 0
  for await (const { cells, plan } of list) {
    rows++
    for (const column of Object.keys(cells)) columns.add(column)
    if (plan.key !== '') meet(plan, firstRows, clashes)
  }
  if (rows > 0) refuseMissing(columns, needed)
  return { rows, clashes }
}

/**
 * @param {Plan} plan
 * @param {Map<string, number>} firstRows
 * @param {Survey['clashes']} clashes
 */
function meet({ key, row }, firstRows, clashes) {
  const first = firstRows.get(key)
  const met = clashes.get(key)
  if (first === undefined) firstRows.set(key, row)
  else if (met === undefined) clashes.set(key, [first, row])
  else met.push(row)
}

/**
 * @param {Set<string>} columns
 * @param {string[]} needed
 */
function refuseMissing(columns, needed) {
  const list = [...columns].join(', ')
  const missing = needed.find((column) => !columns.has(column))
  if (missing !== undefined) {
    throw new UsageError(
      { zh: `列表里没有 ${missing} 列`, en: `the list has no column ${missing}` },
      { zh: `现有的列：${list}`, en: `It has ${list}` },
    )
  }
  if (!columns.has('scene') && !columns.has('path')) {
    throw new UsageError(
      { zh: '列表里既没有 scene 列也没有 path 列', en: 'the list has neither a column scene nor a column path' },
      { zh: `第一行应是列名；现有的列：${list}`, en: `The first line holds the names of the columns; it has ${list}` },
    )
  }
}

/**
 * @param {Plan} plan
 * @param {number[]} rows
 */
export function clash({ name, row }, rows) {
  const others = rows
    .filter((other) => other !== row)
    .slice(0, 3)
    .join(', ')
  return new RowError(
    { zh: `文件名 ${name} 与第 ${others} 行相同`, en: `the file name ${name} is also that of row ${others}` },
    {
      zh: '每行的名字须不同（不分大小写）：修改单元格，或用 --name 加上另一列或 {row}',
      en: 'Each row needs a name of its own, whatever its case: change the cell, or add a column or {row} to --name',
    },
    'name',
  )
}
