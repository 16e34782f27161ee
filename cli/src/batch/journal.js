import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digest } from './plan.js'

/** @import { Plan } from './plan.js' */

/**
 * What a file was asked with and what is in it. A line is written before the file has its name: a process that dies in
 * between leaves a line without its picture, which is asked for again, and never a picture that nobody knows the question
 * of.
 *
 * @typedef {object} Entry
 * @property {string} file inside the folder
 * @property {string} question
 * @property {string} image digest of its bytes
 */

/** @typedef {Awaited<ReturnType<typeof openJournal>>} Journal */

/**
 * @param {string} folder where the pictures are
 * @param {string} path of the journal itself
 */
export async function openJournal(folder, path) {
  const entries = await entriesOf(path)
  const fd = openSync(path, 'a')
  // A line that was cut off stays alone.
  writeSync(fd, '\n')

  /** @param {Plan} plan */
  const entryFor = ({ name, question }) => {
    const entry = entries.get(name)
    return entry?.question === question ? entry : undefined
  }

  return {
    /**
     * The file that answers a plan, if the journal knows of one.
     *
     * @param {Plan} plan
     */
    fileOf: (plan) => entryFor(plan)?.file,
    /**
     * Whether that file is there, whole, with the very bytes that came. What is not is forgotten.
     *
     * @param {Plan} plan
     */
    async holds(plan) {
      const entry = entryFor(plan)
      if (entry === undefined) return false
      const bytes = await readFile(join(folder, entry.file)).catch(() => undefined)
      if (bytes !== undefined && digest(bytes) === entry.image) return true
      entries.delete(plan.name)
      return false
    },
    /**
     * @param {Plan} plan
     * @param {string} file
     * @param {Uint8Array} image
     * @returns {string | undefined} the file that this one takes the place of, if it has another name
     */
    add({ name, question }, file, image) {
      const old = entries.get(name)
      const entry = { file, question, image: digest(image) }
      writeSync(fd, `${JSON.stringify({ name, ...entry })}\n`)
      entries.set(name, entry)
      return old === undefined || old.file === file ? undefined : old.file
    },
    close: () => closeSync(fd),
  }
}

/** @param {string} path */
async function entriesOf(path) {
  /** @type {Map<string, Entry>} */
  const entries = new Map()
  const input = createReadStream(path)
  const isThere = await new Promise((resolve) =>
    input.once('open', () => resolve(true)).once('error', () => resolve(false)),
  )
  if (!isThere) return entries
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const entry = parsed(line)
    if (entry !== undefined) entries.set(entry.name, { file: entry.file, question: entry.question, image: entry.image })
  }
  return entries
}

/**
 * A line that was being written when the process died is none.
 *
 * @param {string} line
 * @returns {(Entry & { name: string }) | undefined}
 */
function parsed(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
