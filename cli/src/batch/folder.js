import { randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RowError, UsageError } from '../errors.js'
import { acquireLock } from './lock.js'

/** What is not a result: the journal, the lock, and files that have no name yet. */
const HIDDEN = '.wxacode'
/** Where a process that is alive may still be at work: on a lock that it wants. */
const LOCK_WANTED = /^lock-/
const LEFT_FOR = 60_000
/** A file that got no name. */
const LEFT = /\.tmp(\.\w+)?$/

/** @typedef {ReturnType<typeof openFolder>} Folder */

/**
 * The folder that a batch writes to, and no other process meanwhile. It may come from anywhere, an archive for example: what
 * is in it leads out of it by no link.
 *
 * @param {string} path
 */
export function openFolder(path) {
  const hidden = join(path, HIDDEN)
  if (lstatSync(hidden, { throwIfNoEntry: false })?.isDirectory() === false) throw isLink(hidden)
  mkdirSync(hidden, { recursive: true })
  const lock = acquireLock(hidden, path)
  removeLeft(hidden)
  /** @type {Set<string>} */
  const temporaries = new Set()
  /** @param {string} file */
  const refuseStrange = (file) => {
    lock.refuseLost()
    const error = linkedIn(path, file)
    if (error) throw error
  }
  return {
    path,
    journal: join(hidden, 'journal.jsonl'),
    /**
     * Where a file is written until it is whole. No other process can know its name before, so nothing is there.
     *
     * @param {'picture' | 'report' | 'sheet' | 'print' | 'pdf' | 'journal'} what
     * @param {string} [end] of its name, for a program that goes by it
     */
    temporary(what, end = '') {
      const file = join(hidden, `${what}-${randomUUID()}.tmp${end}`)
      temporaries.add(file)
      return file
    },
    /**
     * Gives a whole file its name. A link that has it is replaced and not followed.
     *
     * @param {string} temporary
     * @param {string} file
     */
    publish(temporary, file) {
      refuseStrange(file)
      const target = join(path, file)
      if (file.includes('/')) mkdirSync(dirname(target), { recursive: true })
      renameSync(temporary, target)
      temporaries.delete(temporary)
    },
    /**
     * What is wrong with a name whose folders are no folders, but links that may lead anywhere.
     *
     * @param {string} file
     */
    linked: (file) => linkedIn(path, file),
    /** @param {string} file */
    remove(file) {
      refuseStrange(file)
      rmSync(join(path, file), { force: true })
    },
    /** Takes away what has got no name. */
    close() {
      for (const file of temporaries) rmSync(file, { force: true })
      lock.release()
    },
  }
}

/**
 * What processes left that died: files that got no name, and locks that they did not get.
 *
 * @param {string} hidden
 */
function removeLeft(hidden) {
  for (const name of readdirSync(hidden)) {
    const file = join(hidden, name)
    if (LEFT.test(name) || (LOCK_WANTED.test(name) && isOld(file))) rmSync(file, { recursive: true, force: true })
  }
}

/** @param {string} file */
function isOld(file) {
  const stat = lstatSync(file, { throwIfNoEntry: false })
  return stat !== undefined && Date.now() - stat.mtimeMs > LEFT_FOR
}

/**
 * @param {string} path
 * @param {string} file
 */
function linkedIn(path, file) {
  const parts = file.split('/').slice(0, -1)
  for (const at of parts.keys()) {
    const folder = parts.slice(0, at + 1).join('/')
    const found = lstatSync(join(path, folder), { throwIfNoEntry: false })
    if (found === undefined) return undefined
    if (!found.isDirectory()) return notAFolder(folder)
  }
  return undefined
}

/** @param {string} hidden */
const isLink = (hidden) =>
  new UsageError(
    { zh: `${hidden} 是链接，会写到别处`, en: `${hidden} is a link, so files would be written elsewhere` },
    { zh: '删除这个链接，或换一个文件夹', en: 'Delete the link, or use another folder' },
  )

/** @param {string} folder */
const notAFolder = (folder) =>
  new RowError(
    {
      zh: `输出文件夹里的 ${folder} 是链接或文件，不是文件夹`,
      en: `${folder} in the output folder is a link or a file, not a folder`,
    },
    {
      zh: '删除它，或修改 --name；若要写到链接所指之处，用 --out 指定',
      en: 'Delete it, or change --name; to write to the target of a link, use it as --out',
    },
    'name',
  )
