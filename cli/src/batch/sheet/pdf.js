import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { printToPdf } from './chromium.js'
import { cellsOf, printDocument } from './document.js'
import { writePieces } from './sheet.js'

/** @import { Io } from '../../io.js' */
/** @import { Folder } from '../folder.js' */
/** @import { Code, Sheet } from './document.js' */

/** So many codes in one document: Chromium needs 0.7 GB for a thousand, and ends itself at ten thousand. */
const CODES = 1000
/** Time for a document, in milliseconds, and for each of its codes: several times what a busy machine took. */
const [TIME, TIME_OF_CODE] = [60_000, 300]
/** A document that takes a while is announced. */
const TELL_FROM = 200

/**
 * `index.pdf`: the sheet as it is printed, and `index-2.pdf` and so on for what one document does not hold.
 *
 * @param {AsyncIterable<Code>} codes
 * @param {Sheet} sheet
 * @param {{ folder: Folder, chromium: string, io: Io }} how
 * @returns {Promise<string[]>} their names in the folder
 */
export async function writePdf(codes, sheet, { folder, chromium, io }) {
  if (sheet.count >= TELL_FROM) io.note(writing(sheet.count))
  const files = []
  const { layout, taken = 0 } = sheet.look
  const pages = Math.max(1, Math.floor(CODES / cellsOf(layout)))
  const cells = pages * cellsOf(layout)
  for await (const { part, isLast } of partsOf(codes, { cells, taken, count: sheet.count })) {
    const first = files.length * pages + 1
    const [html, pdf] = [folder.temporary('print', '.html'), folder.temporary('pdf')]
    await writePieces(html, printDocument(part, sheet, { first, isLast }))
    const timeoutMs = TIME + part.length * TIME_OF_CODE
    await printToPdf(chromium, { html, pdf }, { signal: io.signal, timeoutMs, env: io.env })
    const file = nameOf(files.length + 1)
    folder.publish(pdf, file)
    files.push(file)
  }
  removeOld(folder, files.length + 1)
  return files
}

/** @param {number} number */
const nameOf = (number) => (number === 1 ? 'index.pdf' : `index-${number}.pdf`)

/** Removes the documents that only an earlier, longer run had: they would be printed with the others. @param {Folder} folder @param {number} from */
function removeOld(folder, from) {
  for (let number = from; number > 1 && existsSync(join(folder.path, nameOf(number))); number++)
    folder.remove(nameOf(number))
}

/**
 * So many cells each, the first ones of which may be taken.
 *
 * @param {AsyncIterable<Code>} codes
 * @param {{ cells: number, taken: number, count: number }} how
 */
async function* partsOf(codes, { cells, taken, count }) {
  /** @type {Code[]} */
  let part = []
  let [seen, room] = [0, cells - taken]
  for await (const code of codes) {
    part.push(code)
    seen++
    if (part.length < room && seen < count) continue
    yield { part, isLast: seen === count }
    part = []
    room = cells
  }
}

/** @param {number} count */
const writing = (count) => ({ zh: `正在写 PDF（${count} 个码）…`, en: `writing the PDF (${count} codes)…` })
