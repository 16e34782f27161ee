import { once } from 'node:events'
import { createWriteStream, realpathSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import { failureOf } from '../failure.js'
import { escapeFormula, reportColumns, textOf } from './report-cells.js'

/** @import { Language } from '../language.js' */
/** @import { Folder } from './folder.js' */
/** @import { Plan } from './row-plan.js' */

/** @typedef {ReturnType<typeof openReport>} Report */

/**
 * `report.csv`: each row that failed, as the list has it, with its error and what to do. Corrected, it is a list. Excel
 * needs the mark at its beginning to see that it is UTF-8, and would run a cell that begins like a formula.
 *
 * @param {Folder} folder
 * @param {{ list: string, columns: string[], lang: Language }} about
 */
export function openReport(folder, { list, columns, lang }) {
  const { name, isOfReport } = reportName(list, folder)
  const { all, own } = reportColumns(columns)
  const temporary = folder.temporary('report')
  const rows = stringify({
    header: true,
    columns: all.map((key) => ({ key, header: escapeFormula(key) })),
    bom: true,
    record_delimiter: 'windows',
    quoted_match: /[\r\n]/,
  })
  const file = rows.pipe(createWriteStream(temporary, { flags: 'wx' }))
  let count = 0
  return {
    /**
     * @param {Plan} plan
     * @param {unknown} error
     */
    async add(plan, error) {
      count++
      const { code, errcode, param, rid, cause, fix } = failureOf(error, lang)
      const said = { file: plan.name, code, errcode, param, rid, error: cause, fix }
      /** @type {Map<string, unknown>} */
      const record = new Map(Object.entries({ row: plan.row, kind: plan.kind, ...given(plan) }))
      for (const [key, value] of Object.entries(said)) record.set(own.get(key) ?? key, value)
      if (!rows.write(all.map((column) => escapeFormula(textOf(record.get(column)))))) await once(rows, 'drain')
    },
    /**
     * A report that was fed back and in which nothing failed has no successor, and one of an earlier run is removed.
     *
     * @returns {Promise<string | undefined>} its name in the folder
     */
    async finish() {
      rows.end()
      await finished(file)
      if (isOfReport && count === 0) {
        folder.remove(name)
        return undefined
      }
      folder.publish(temporary, name)
      return name
    },
  }
}

/**
 * The cells that say something: an empty kind is the one that was meant.
 *
 * @param {Plan} plan
 */
const given = ({ cells }) => Object.fromEntries(Object.entries(cells).filter(([, cell]) => textOf(cell) !== ''))

/**
 * A list is never overwritten, not by the report of itself: the same command goes on with it.
 *
 * @param {string} list
 * @param {Folder} folder
 */
function reportName(list, { path }) {
  const found = /^report(?:-(\d{1,6}))?\.csv$/i.exec(basename(list))
  if (found === null || realpathSync(dirname(list)) !== realpathSync(path))
    return { name: 'report.csv', isOfReport: false }
  return { name: `report-${Number(found[1] ?? 1) + 1}.csv`, isOfReport: true }
}
