import { randomUUID } from 'node:crypto'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { LockError, UsageError } from '../errors.js'
import { isRunning, thisProcess } from './machine.js'

/** @import { Process } from './machine.js' */

const NAME = 'lock'
/** A holder writes its lock anew this often, in ms. */
const HEARTBEAT = 5_000
/** A holder that cannot be looked at, on another machine or in another container, is gone when it was silent for so long. */
const STALE_AFTER = 60_000
/** Each round is lost to somebody else's step: so many in a row are not lost by bad luck. */
const ROUNDS = 1_000
const MAX_BYTES = 4096

/**
 * Who holds a lock: the file that says so, how long it has been silent, and what it says of itself, if it can be read.
 *
 * @typedef {object} Holder
 * @property {string} file
 * @property {number} silent ms
 * @property {Process} [process]
 */

/** @typedef {ReturnType<typeof acquireLock>} Lock */

/**
 * The only lock of a folder, or an error that says who has it.
 *
 * The lock is a folder with one file in it, whose name is unique. It is made elsewhere and moved here, which
 * succeeds only where there is none or an empty one: a lock is whole from its first moment on, and of any number that
 * want it one gets it. Who ends a lock, its holder or another that found the holder gone, deletes that one file by its
 * name, and so never the lock of somebody who came later.
 *
 * @param {string} folder where the lock is
 * @param {string} path what it is about, for people
 */
export function acquireLock(folder, path) {
  const id = randomUUID()
  const lock = join(folder, NAME)
  const candidate = join(folder, `${NAME}-${id}`)
  const content = JSON.stringify(thisProcess())
  try {
    for (let round = 0; round < ROUNDS; round++) {
      mkdirSync(candidate, { recursive: true })
      writeFileSync(join(candidate, id), content)
      if (install(candidate, lock)) return held(join(lock, id), content, path)
      const holder = holderOf(lock, statSync(join(candidate, id)).mtimeMs)
      if (holder === undefined) removeEmpty(lock)
      else if (isGone(holder)) rmSync(holder.file, { recursive: true, force: true })
      else throw occupied(path, holder, lock)
    }
    throw contended(path, lock)
  } catch (error) {
    rmSync(candidate, { recursive: true, force: true })
    throw error
  }
}

/**
 * @param {string} file
 * @param {string} content
 * @param {string} path
 */
function held(file, content, path) {
  let isHeld = true
  const beat = () => {
    isHeld &&= touched(file, content)
  }
  const timer = setInterval(beat, HEARTBEAT).unref()
  return {
    /** A process that was stopped for minutes may have lost it: whatever changes the folder asks first. */
    refuseLost() {
      isHeld &&= statSync(file, { throwIfNoEntry: false }) !== undefined
      if (!isHeld) throw lost(path)
    },
    release() {
      clearInterval(timer)
      rmSync(file, { force: true })
      removeEmpty(join(file, '..'))
    },
  }
}

/**
 * Moves a lock to its place. Windows moves no folder onto another, not even an empty one.
 *
 * @param {string} candidate
 * @param {string} lock
 */
function install(candidate, lock) {
  try {
    renameSync(candidate, lock)
    return true
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM' || code === 'EACCES') return false
    // Somebody tidied it away because it was old, or what is there was not made by us.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

/**
 * @param {string} lock
 * @param {number} now as the file system counts: clocks of two machines differ
 * @returns {Holder | undefined}
 */
function holderOf(lock, now) {
  const found = lstatSync(lock, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (!found.isDirectory()) throw foreign(lock)
  const [name] = readdirSync(lock)
  if (name === undefined) return undefined
  const file = join(lock, name)
  const stat = lstatSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return undefined
  const process = stat.isFile() && stat.size <= MAX_BYTES ? processOf(file) : undefined
  return { file, silent: now - stat.mtimeMs, process }
}

/**
 * What a lock says of its holder. The maker of the folder made this, too: nothing of it is shown that is not checked.
 *
 * @param {string} file
 * @returns {Process | undefined}
 */
function processOf(file) {
  try {
    const { host, machine, namespace, pid, started } = JSON.parse(readFileSync(file, 'utf8'))
    if (!/^[\w.-]{1,255}$/.test(host) || !Number.isInteger(pid) || pid <= 0) return undefined
    return { host, machine, namespace, pid, started }
  } catch {
    return undefined
  }
}

/** @param {Holder} holder */
function isGone({ process, silent }) {
  const runs = process && isRunning(process)
  // One that was written in the future is none of somebody who writes every few seconds.
  return runs === undefined ? Math.abs(silent) > STALE_AFTER : !runs
}

/**
 * @param {string} file
 * @param {string} content
 */
function touched(file, content) {
  try {
    const fd = openSync(file, 'r+')
    writeSync(fd, content, 0)
    closeSync(fd)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT'
  }
}

/** @param {string} folder */
function removeEmpty(folder) {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody else has it already.
  }
}

/**
 * @param {string} path
 * @param {Holder} holder
 * @param {string} lock
 */
function occupied(path, { process, silent }, lock) {
  const who = process
    ? { zh: `${process.host} 上的进程 ${process.pid} `, en: `process ${process.pid} on ${process.host}` }
    : { zh: '另一个进程', en: 'another process' }
  const fix =
    process && isRunning(process)
      ? { zh: '等它结束，或换一个文件夹', en: 'Wait for it, or use another folder' }
      : {
          zh: `等它结束，或换一个文件夹。它在另一台机器或容器里，从这里看不到：最近一次活动在 ${seconds(silent)} 秒前，静默 ${STALE_AFTER / 1000} 秒后锁自动失效；若确定它已不在，删除 ${lock}`,
          en: `Wait for it, or use another folder. It is on another machine or in another container and cannot be seen from here: it last updated the lock ${seconds(silent)} s ago, and the lock expires ${STALE_AFTER / 1000} s after its last update; if that process is certainly gone, delete ${lock}`,
        }
  return new UsageError({ zh: `${who.zh}正在写入 ${path}`, en: `${who.en} is writing to ${path}` }, fix)
}

/** @param {number} ms */
const seconds = (ms) => Math.max(0, Math.round(ms / 1000))

/** @param {string} lock */
const foreign = (lock) =>
  new UsageError(
    { zh: `${lock} 不是 wxacode 的锁`, en: `${lock} is not a lock of wxacode` },
    { zh: '删除它，或换一个文件夹', en: 'Delete it, or use another folder' },
  )

/**
 * @param {string} path
 * @param {string} lock
 */
const contended = (path, lock) =>
  new UsageError(
    { zh: `无法锁定 ${path}`, en: `${path} cannot be locked` },
    { zh: `检查谁可以写入 ${lock} 所在的文件夹`, en: `Check who may write where ${lock} is` },
  )

/** @param {string} path */
const lost = (path) =>
  new LockError(
    {
      zh: `另一个进程接管了 ${path}：本进程停顿太久`,
      en: `another process took over ${path}: this one was suspended for too long`,
    },
    { zh: '等它结束后再次运行同一命令', en: 'Run the same command again when it has finished' },
  )
