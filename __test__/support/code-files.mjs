import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory for codes, which is removed when the test ends. */
export function newDirectory(t) {
  const directory = mkdtempSync(join(tmpdir(), 'wxacode-codes-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The files of codes in it. */
export const codeFiles = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[0-9a-f]{32}$/.test(entry.name) && !entry.parentPath.endsWith('tmp'))
    .map(({ parentPath, name }) => join(parentPath, name))

/** The size of all files in it. */
export const bytesIn = (directory) => codeFiles(directory).reduce((sum, file) => sum + statSync(file).size, 0)
