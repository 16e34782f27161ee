import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { screenDocument } from './document.js'

/** @import { Io } from '../../io.js' */
/** @import { Folder } from '../folder.js' */
/** @import { Code, Look, Missing, Sheet } from './document.js' */

const FILE = 'index.html'

/**
 * @typedef {Omit<Missing, 'notAsked'> & {
 *   codes: () => AsyncIterable<Code>,
 *   rows: number,
 * }} Contents the codes are read twice, as how many there are stands at the beginning; `rows` are those of the list
 */

/**
 * `index.html`: a contact sheet of codes with their labels, to be looked at and printed, and the rows that failed. It
 * needs nothing but the pictures beside it.
 *
 * @param {Contents} contents
 * @param {{ folder: Folder, look: Look, title: string, io: Io }} how
 * @returns {Promise<{ file: string, sheet: Sheet }>} its name in the folder, and what is on it
 */
export async function writeSheet({ codes, rows, ...failures }, { folder, look, title, io }) {
  const count = await countOf(codes())
  const missing = { ...failures, notAsked: Math.max(0, rows - failures.failed - count) }
  const sheet = { look, title, date: dateOf(new Date()), count, missing, io }
  const temporary = folder.temporary('sheet')
  await writePieces(temporary, screenDocument(codes(), sheet))
  folder.publish(temporary, FILE)
  return { file: FILE, sheet }
}

/**
 * @param {string} path
 * @param {AsyncIterable<string>} pieces
 */
export async function writePieces(path, pieces) {
  const file = createWriteStream(path)
  for await (const piece of pieces) {
    if (!file.write(piece)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
}

/** @param {AsyncIterable<unknown>} all */
async function countOf(all) {
  let count = 0
  for await (const _ of all) count++
  return count
}

/** The day here. @param {Date} now */
const dateOf = (now) =>
  [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
