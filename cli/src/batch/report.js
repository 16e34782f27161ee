import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { stringify } from 'csv-stringify'
import { failureOf } from '../failure.js'

/** @import { Language } from '../language.js' */
/** @import { Folder } from './folder.js' */
/** @import { Plan } from './plan.js' */

const FILE = 'report.csv'
const COLUMNS = ['row', 'name', 'label', 'kind', 'scene', 'path', 'code', 'errcode', 'param', 'rid', 'error', 'fix']

/** @typedef {ReturnType<typeof openReport>} Report */

/**
 * `report.csv`: each row that failed, with its error and what to do. Excel needs the mark at its beginning to see that
 * it is UTF-8, and would run a cell that begins like a formula.
 *
 * @param {Folder} folder
 * @param {Language} lang
 */
export function openReport(folder, lang) {
  const temporary = folder.temporary('report')
  const rows = stringify({
    header: true,
    columns: COLUMNS,
    bom: true,
    escape_formulas: true,
    record_delimiter: 'windows',
  })
  const file = rows.pipe(createWriteStream(temporary))
  return {
    /**
     * @param {Plan} plan
     * @param {unknown} error
     */
    async add({ row, name, label, kind, params: { scene, path } }, error) {
      const { code, errcode, param, rid, cause, fix } = failureOf(error, lang)
      const record = { row, name, label, kind, scene, path, code, errcode, param, rid, error: cause, fix }
      if (!rows.write(record)) await once(rows, 'drain')
    },
    /** @returns {Promise<string>} its name in the folder */
    async finish() {
      rows.end()
      await finished(file)
      folder.publish(temporary, FILE)
      return FILE
    },
  }
}
