import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

const EXTENSIONS = { 'image/jpeg': '.jpg', 'image/png': '.png' }

/** @typedef {keyof typeof EXTENSIONS} ImageType */

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
 * Writes a file whole or not at all: under another name in the same folder first.
 *
 * @param {string} path
 * @param {Uint8Array | string} content
 */
export function writeWhole(path, content) {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`)
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(temporary, content)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}
