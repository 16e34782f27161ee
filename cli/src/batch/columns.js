import { trimmed } from '../blanks.js'
import { UsageError } from '../errors.js'
import { PARAMS } from '../params.js'

/** What a column may be beside a parameter. */
const OURS = ['kind', 'name', 'label']

const KNOWN = new Map([...PARAMS, ...OURS].map((name) => [normalizeName(name), name]))

/**
 * What a column is to us: a parameter under any of its spellings (`checkPath`, `check_path`, `Check path`), or one that
 * is kept for names and labels under its own. One that is misspelt would be left out in silence, and the codes would open
 * the wrong page: it is refused, unless a pattern uses it.
 *
 * @param {Set<string>} used the columns that patterns use
 * @returns {(header: string) => string}
 */
export function createColumns(used) {
  /** @type {Map<string, string>} */
  const seen = new Map()
  return (header) => {
    const known = seen.get(header)
    if (known !== undefined) return known
    const name = nameOf(header, used)
    seen.set(header, name)
    return name
  }
}

/**
 * @param {string} header
 * @param {Set<string>} used
 */
function nameOf(header, used) {
  const given = normalizeName(header)
  const known = KNOWN.get(given)
  if (known !== undefined || used.has(header)) return known ?? header
  for (const [spelling, name] of KNOWN) {
    if (isOneSlipFrom(spelling, given)) throw misspelt(header, name)
  }
  return header
}

/**
 * Whether a header is one that has a meaning here.
 *
 * @param {string} header
 */
export const isColumn = (header) => KNOWN.has(normalizeName(header))

/** @param {string} header */
function normalizeName(header) {
  return trimmed(header)
    .replace(/[_\-\s]/g, '')
    .toLowerCase()
}

/**
 * Whether one letter is missing, too many, wrong, or has changed places with its neighbour.
 *
 * @param {string} right
 * @param {string} given
 */
function isOneSlipFrom(right, given) {
  let at = 0
  while (at < right.length && right[at] === given[at]) at++
  const [wanted, got] = [right.slice(at), given.slice(at)]
  const swapped = got.length > 1 && wanted === got[1] + got[0] + got.slice(2)
  return swapped || wanted.slice(1) === got || wanted === got.slice(1) || wanted.slice(1) === got.slice(1)
}

/**
 * @param {string} header
 * @param {string} name
 */
const misspelt = (header, name) =>
  new UsageError(
    { zh: `列 ${header} 像是 ${name} 写错了`, en: `the column ${header} looks like ${name} misspelt` },
    {
      zh: `改为 ${name}；若确是另一列，请改名，或在 --name、--label 里用到它`,
      en: `Write ${name}; if it is another column, rename it, or use it in --name or --label`,
    },
  )
