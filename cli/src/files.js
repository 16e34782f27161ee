import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

const EXTENSIONS = { 'image/jpeg': '.jpg', 'image/png': '.png' }

/** @typedef {keyof typeof EXTENSIONS} ImageType */

export const IMAGE_TYPES = /** @type {ImageType[]} */ (Object.keys(EXTENSIONS))

/** @param {ImageType} type */
export const extensionOf = (type) => EXTENSIONS[type]

/**
 * A path that ends as the picture in it does: a transparent one is a PNG, whatever it was to be called.
 *
 * @param {string} path
 * @param {ImageType} type
 */
export function withExtension(path, type) {
  const given = extname(path).toLowerCase()
  if (given === EXTENSIONS[type] || (type === 'image/jpeg' && given === '.jpeg')) return path
  const stem = ['.jpg', '.jpeg', '.png'].includes(given) ? path.slice(0, -given.length) : path
  return stem + EXTENSIONS[type]
}

/**
 * Writes a file whole or not at all: under another name in the same folder first, which cannot be guessed, so that
 * no link is there. A device or a pipe is written to, for it would be replaced.
 *
 * @param {string} path
 * @param {Uint8Array | string} content
 */
export function writeWhole(path, content) {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found && !found.isFile() && !found.isDirectory()) return writeFileSync(path, content)
  const folder = dirname(path)
  const temporary = join(folder, `.wxacode-${randomUUID()}.tmp`)
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(temporary, content, { flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
