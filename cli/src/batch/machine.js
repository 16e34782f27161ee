import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'

/**
 * Who a process is, so that another one can tell whether it still runs. A PID alone says nothing: every container has a
 * PID 1, and the number of a process that is gone is given to another.
 *
 * @typedef {object} Process
 * @property {string} host for people only: two machines may have one name
 * @property {string} [machine] this start of this kernel; undefined where nothing tells it from others
 * @property {string} [namespace] whose PIDs they are: containers of one machine have their own
 * @property {number} pid
 * @property {string} [started] when, in ticks of the kernel
 */

/** @returns {Process} */
export const thisProcess = () => ({
  host: hostname(),
  machine: machine(),
  namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
  pid: process.pid,
  started: statOf(process.pid)?.started,
})

/**
 * Whether a process still runs. Undefined where that cannot be told from here.
 *
 * @param {Process} other
 * @param {Process} [self]
 * @returns {boolean | undefined}
 */
export function isRunning(other, self = thisProcess()) {
  if (self.machine === undefined || other.machine !== self.machine || other.namespace !== self.namespace) {
    return undefined
  }
  if (!exists(other.pid)) return false
  const stat = statOf(other.pid)
  if (stat === undefined || other.started === undefined) return undefined
  return stat.started === other.started && !stat.isZombie
}

/** @param {number} pid */
function exists(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH'
  }
}

/** Linux has a number for each start; elsewhere the network cards tell machines apart. */
function machine() {
  if (process.platform === 'linux') return attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const cards = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ mac }) => mac)
  if (cards.length === 0) return undefined
  return createHash('sha256')
    .update([hostname(), ...new Set(cards)].sort().join())
    .digest('hex')
}

/**
 * Fields 3 and 22 of /proc/<pid>/stat. The second one is a name in brackets that may hold anything.
 *
 * @param {number} pid
 */
function statOf(pid) {
  return attempt(() => {
    // Mounted for another namespace it would tell of other processes.
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { started: fields[19], isZombie: fields[0] === 'Z' || fields[0] === 'X' }
  })
}

/**
 * @template T
 * @param {() => T} read
 * @returns {T | undefined}
 */
function attempt(read) {
  try {
    return read()
  } catch {
    return undefined
  }
}
