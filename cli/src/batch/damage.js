import { isBlank, trimmed } from '../blanks.js'
import { UsageError } from '../errors.js'
import { PARAMS } from '../params.js'
import { isGarbled } from './garbled.js'

/** @import { Text } from '../language.js' */
/** @import { Row } from './list.js' */

/** So many are listed; the others are counted. */
const LISTED = 10
const EXCERPT = 40
/** Digits that a spreadsheet keeps of a number. */
const KEPT_DIGITS = 15
/** Zeros in a row, in all values of a column together, that are no accident: one in a thousand. */
const ZEROS = 3

/** @type {Record<string, Text>} */
const DAMAGE_TEXTS = {
  formula: { zh: '表格软件的错误值', en: 'an error value of a spreadsheet' },
  shortened: { zh: '被表格软件缩写的长数字', en: 'a long number that a spreadsheet shortened' },
  rounded: {
    zh: '末位被表格软件改成 0 的长数字',
    en: 'a long number whose last digits a spreadsheet replaced by zeros',
  },
  absent: { zh: '程序导出时没有值', en: 'what a program writes for a missing value' },
  template: { zh: '没有填上的模板', en: 'a template that was not filled in' },
  garbled: { zh: '乱码', en: 'text that was decoded with the wrong encoding' },
  imprecise: { zh: 'JSON 数字存不下的长数字', en: 'a number that is too long for JSON: write it in quotes' },
}

/** @type {[keyof typeof DAMAGE_TEXTS, RegExp][]} */
const PATTERNS = [
  [
    'formula',
    /#(N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|BUSY!|GETTING_DATA)/i,
  ],
  ['formula', /^#{3,}$/],
  ['shortened', /(^|[=&?/,;:|_\s])[-+]?\d([.,]\d+)?e[+-]\d+($|[&?/,;:|_\s])/i],
  ['shortened', /(^|[=&?/,;:|_\s])[-+]?\d[.,]\d+e\d+($|[&?/,;:|_\s])/i],
  ['absent', /\[object \w+\]/],
  ['absent', /(^|[=&?/,;:|_\s-])(undefined|NaN|null)($|[&?/,;:|_\s-])/],
  ['absent', /^(NULL|\(null\)|<null>|None|nil|\\N|NaT|nan)$/],
  ['template', /\$\{[^}]*\}|\{\{[^}]*\}\}/],
  ['garbled', /\ufffd|锟斤拷/],
]

/**
 * What looks damaged: in which row and column, what is there, and how it looks.
 *
 * @typedef {object} Damage
 * @property {number} row
 * @property {string} column
 * @property {unknown} cell
 * @property {keyof typeof DAMAGE_TEXTS} kind
 */

/** @typedef {ReturnType<typeof createInspector>} Inspector */

/**
 * Looks for values that were damaged on their way into the list, in the columns that become a code, a name or a label: a
 * printed code of one is thrown away.
 *
 * @param {string[]} used columns beside the parameters
 */
export function createInspector(used) {
  const columns = [...new Set([...PARAMS, ...used])]
  const numbers = createNumbers()
  /** @type {Damage[]} */
  const listed = []
  let count = 0
  return {
    /** @param {Row} row */
    look({ row, cells }) {
      for (const column of columns) {
        const cell = cells[column]
        if (isBlank(cell)) continue
        const kind = typeof cell === 'string' ? kindOf(cell) : isImprecise(cell) ? 'imprecise' : undefined
        if (kind === undefined) numbers.look(row, column, cell)
        else if (++count <= LISTED) listed.push({ row, column, cell, kind })
      }
    },
    /** Whatever was found, as an error. */
    refuse() {
      const rounded = numbers.rounded()
      const total = count + rounded.length
      if (total > 0) throw damaged([...listed, ...rounded].slice(0, LISTED), total)
    },
  }
}

/**
 * Long numbers by column: one that ends in zeros may be right, and a column in which all do was a spreadsheet's.
 */
function createNumbers() {
  /** @type {Map<string, { zeros: number, isRounded: boolean, cells: Damage[] }>} */
  const columns = new Map()
  return {
    /**
     * @param {number} row
     * @param {string} column
     * @param {unknown} cell
     */
    look(row, column, cell) {
      const digits = /(?<![\da-z])\d{16,}(?![\da-z])/i.exec(String(cell))?.[0]
      if (digits === undefined) return
      const known = columns.get(column) ?? { zeros: 0, isRounded: true, cells: [] }
      columns.set(column, known)
      known.isRounded &&= /^0+$/.test(digits.slice(KEPT_DIGITS))
      if (!known.isRounded) known.cells = []
      else known.cells.push({ row, column, cell, kind: 'rounded' })
      known.zeros += digits.length - KEPT_DIGITS
    },
    rounded: () =>
      [...columns.values()].flatMap(({ zeros, isRounded, cells }) => (isRounded && zeros >= ZEROS ? cells : [])),
  }
}

/**
 * @param {string} text
 * @returns {keyof typeof DAMAGE_TEXTS | undefined}
 */
function kindOf(text) {
  const value = trimmed(text)
  const known = PATTERNS.find(([, pattern]) => pattern.test(value))
  return known ? known[0] : isGarbled(value) ? 'garbled' : undefined
}

/** @param {unknown} cell */
const isImprecise = (cell) => typeof cell === 'number' && Number.isInteger(cell) && !Number.isSafeInteger(cell)

/**
 * @param {Damage[]} listed
 * @param {number} total
 */
function damaged(listed, total) {
  /** @param {'zh' | 'en'} lang */
  const list = (lang) =>
    listed
      .map(({ row, column, cell, kind }) =>
        lang === 'zh'
          ? `第 ${row} 行 ${column} “${excerpt(cell)}”（${DAMAGE_TEXTS[kind].zh}）`
          : `row ${row} ${column} “${excerpt(cell)}” (${DAMAGE_TEXTS[kind].en})`,
      )
      .join(lang === 'zh' ? '；' : '; ')
  const more = total - listed.length
  return new UsageError(
    {
      zh: `列表里有 ${total} 个单元格像是损坏的：${list('zh')}${more > 0 ? `；另有 ${more} 个` : ''}`,
      en: `${total} ${total === 1 ? 'cell of the list looks' : 'cells of the list look'} damaged: ${list('en')}${more > 0 ? `; and ${more} more` : ''}`,
    },
    {
      zh: '修正列表（在 Excel 里先把编号列设为“文本”再粘贴或导入）；若确实就是这些值，加 --force',
      en: 'Correct the list (in Excel make columns of ids Text before you paste or import them); if these values are meant, add --force',
    },
  )
}

/** @param {unknown} cell */
function excerpt(cell) {
  const text = String(cell).replace(/[\p{Cc}\p{Cf}]/gu, '·')
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text
}
