import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '../errors.js'

/** What is not a result: the journal, the lock, and files that have no name yet. */
const HIDDEN = '.wxacode'

/** @typedef {ReturnType<typeof openFolder>} Folder */

/**
 * The folder that a batch writes to, and nobody else meanwhile.
 *
 * @param {string} path
 */
export function openFolder(path) {
  const hidden = join(path, HIDDEN)
  const lock = join(hidden, 'lock')
  mkdirSync(hidden, { recursive: true })
  takeLock(lock, path)
  return {
    path,
    journal: join(hidden, 'journal.jsonl'),
    /**
     * Where a file is written until it is whole.
     *
     * @param {'picture' | 'report' | 'sheet'} what
     */
    temporary: (what) => join(hidden, `${what}.tmp`),
    /**
     * Gives a whole file its name.
     *
     * @param {string} temporary
     * @param {string} file
     */
    publish(temporary, file) {
      const target = join(path, file)
      if (file.includes('/')) mkdirSync(dirname(target), { recursive: true })
      renameSync(temporary, target)
    },
    /** @param {string} file */
    remove: (file) => rmSync(join(path, file), { force: true }),
    /** Takes away what has got no name, of a process that died too. */
    close() {
      removeTemporary(hidden)
      rmSync(lock, { force: true })
    },
  }
}

/** @param {string} hidden */
function removeTemporary(hidden) {
  for (const file of readdirSync(hidden)) if (file.endsWith('.tmp')) rmSync(join(hidden, file), { force: true })
}

/**
 * Two batches in one folder would take each other's files away. The lock of a process that is gone is nobody's.
 *
 * @param {string} lock
 * @param {string} path
 */
function takeLock(lock, path) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    const owner = Number(readFileSync(lock, 'utf8'))
    if (isRunning(owner)) throw occupied(path, owner, lock)
    writeFileSync(lock, String(process.pid))
  }
}

/** @param {number} pid */
function isRunning(pid) {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/**
 * @param {string} path
 * @param {number} owner
 * @param {string} lock
 */
const occupied = (path, owner, lock) =>
  new UsageError(
    { zh: `进程 ${owner} 正在写入 ${path}`, en: `process ${owner} is writing to ${path}` },
    {
      zh: `等它结束或换一个文件夹；若它与此无关，删除 ${lock}`,
      en: `Wait for it, or use another folder; if it is something else, delete ${lock}`,
    },
  )
