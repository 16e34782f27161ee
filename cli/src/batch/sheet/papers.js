/** @import { Text } from '../../language.js' */

/**
 * A sheet of paper, upright, in millimetres.
 *
 * @typedef {{ width: number, height: number }} Paper
 */

/** @type {Record<string, Paper>} */
const PAPERS = {
  a3: { width: 297, height: 420 },
  a4: { width: 210, height: 297 },
  a5: { width: 148, height: 210 },
  a6: { width: 105, height: 148 },
  letter: { width: 215.9, height: 279.4 },
  legal: { width: 215.9, height: 355.6 },
}

export const PAPER_NAMES = Object.keys(PAPERS)
const [SHORTEST, LONGEST] = [20, 1200]

/** What is wrong with another text. @type {Text} */
export const PAPER_WANTED = {
  zh: `应为 ${PAPER_NAMES.join('、')} 之一，或宽x高（毫米，${SHORTEST} 到 ${LONGEST}），如 100x150`,
  en: `Use one of ${PAPER_NAMES.join(', ')}, or width x height in millimetres (${SHORTEST} to ${LONGEST}), like 100x150`,
}

/**
 * @param {string} text a name, or width x height
 * @returns {Paper | undefined}
 */
export function paperOf(text) {
  const name = text.toLowerCase()
  if (Object.hasOwn(PAPERS, name)) return PAPERS[name]
  const [, width, height] = /^(\d{1,4}(?:\.\d+)?)[x×*](\d{1,4}(?:\.\d+)?)$/.exec(name)?.map(Number) ?? []
  return [width, height].every((side) => side >= SHORTEST && side <= LONGEST) ? { width, height } : undefined
}
