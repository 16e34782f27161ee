import { createHmac } from 'node:crypto'
import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  lstatSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { UsageError } from '../errors.js'
import { extensionOf, IMAGE_TYPES } from '../files.js'
import { digest } from './row-plan.js'

/** @import { ImageType } from '../files.js' */
/** @import { Folder } from './folder.js' */
/** @import { Plan } from './row-plan.js' */

const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW = 0 } = constants
/** Far more than any picture has. A larger file is none. */
const MAX_BYTES = 32 * 1024 * 1024

/**
 * What a file was asked with and what is in it. A line is written before the file has its name: a process that dies in
 * between leaves a line without its picture, which is asked for again, and never a picture without the question
 * of.
 *
 * The folder may come from anywhere, and then so does its journal. Of a line nothing leads to a file but the name that
 * the list gives it now; and that a picture is the answer is believed to who knows the AppSecret, by `mac`.
 *
 * @typedef {object} Entry
 * @property {ImageType} type of the picture, which makes the ending of its name
 * @property {string} question
 * @property {string} image digest of its bytes
 * @property {string} mac
 */

/** @typedef {Awaited<ReturnType<typeof openJournal>>} Journal */

/**
 * @param {Folder} folder
 * @param {string} key what only its owner knows
 */
export async function openJournal(folder, key) {
  makeOwn(folder)
  const entries = await entriesOf(folder.journal)
  const fd = openSync(folder.journal, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o666)
  // A line that was cut off stays alone.
  writeSync(fd, '\n')

  /** @param {Plan} plan */
  const entryFor = ({ name, question }) => {
    const entry = entries.get(name)
    return entry?.question === question ? entry : undefined
  }
  /**
   * @param {string} name
   * @param {Omit<Entry, 'mac'>} entry
   */
  const macOf = (name, { type, question, image }) =>
    createHmac('sha256', key)
      .update(JSON.stringify([name, type, question, image]))
      .digest('base64url')
  /**
   * @param {string} name
   * @param {Entry | undefined} entry
   */
  const isOurs = (name, entry) => entry !== undefined && entry.mac === macOf(name, entry)

  return {
    /**
     * The file that answers a plan, if the journal knows of one.
     *
     * @param {Plan} plan
     */
    fileOf(plan) {
      const entry = entryFor(plan)
      return entry && isOurs(plan.name, entry) ? pictureFile(plan.name, entry.type) : undefined
    },
    /**
     * Whether that file is there, whole, with the very bytes that came: `yes`, `no`, or `unproven` if the journal says so
     * and somebody else wrote the journal. What is not there is forgotten.
     *
     * @param {Plan} plan
     * @returns {Promise<'yes' | 'no' | 'unverified'>}
     */
    async statusOf(plan) {
      const entry = entryFor(plan)
      if (entry === undefined) return 'no'
      const bytes = await bytesOf(join(folder.path, pictureFile(plan.name, entry.type)))
      if (bytes !== undefined && digest(bytes) === entry.image) return isOurs(plan.name, entry) ? 'yes' : 'unverified'
      entries.delete(plan.name)
      return 'no'
    },
    /**
     * @param {Plan} plan
     * @param {ImageType} type
     * @param {Uint8Array} bytes
     * @returns {string | undefined} the file that this one takes the place of, if it has another name
     */
    add({ name, question }, type, bytes) {
      const old = entries.get(name)
      const unsigned = { type, question, image: digest(bytes) }
      const entry = { ...unsigned, mac: macOf(name, unsigned) }
      writeSync(fd, `${JSON.stringify({ name, ...entry })}\n`)
      entries.set(name, entry)
      return old && isOurs(name, old) && old.type !== type ? pictureFile(name, old.type) : undefined
    },
    close: () => closeSync(fd),
  }
}

/**
 * @param {string} name
 * @param {ImageType} type
 */
const pictureFile = (name, type) => name + extensionOf(type)

/**
 * A plain file: a link or a pipe is no picture of ours.
 *
 * @param {string} path
 */
async function bytesOf(path) {
  try {
    const found = await lstat(path)
    return found.isFile() && found.size <= MAX_BYTES ? await readFile(path) : undefined
  } catch {
    return undefined
  }
}

/**
 * A journal that is a link is none. One that has a second name, as in a backup, would be written under both.
 *
 * @param {Folder} folder
 */
function makeOwn({ journal, temporary }) {
  const found = lstatSync(journal, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isFile()) throw linked(journal)
  if (found.nlink === 1) return
  const copy = temporary('journal')
  copyFileSync(journal, copy, constants.COPYFILE_EXCL)
  renameSync(copy, journal)
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
    if (entry !== undefined) entries.set(entry.name, entry)
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
    const { name, type, question, image, mac } = JSON.parse(line)
    const texts = [name, type, question, image, mac]
    if (!texts.every((text) => typeof text === 'string') || !IMAGE_TYPES.includes(type)) return undefined
    return { name, type, question, image, mac }
  } catch {
    return undefined
  }
}

/** @param {string} path */
const linked = (path) =>
  new UsageError(
    {
      zh: `${path} 是链接或不是普通文件，会写到别处`,
      en: `${path} is a link or not a plain file, so data would be written elsewhere`,
    },
    { zh: '删除它，或换一个文件夹', en: 'Delete it, or use another folder' },
  )
