import { closeSync, openSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { acquireLock } from '../src/batch/lock.js'

/** A process of `lock.test.mjs` that does what its parent says. */
let lock

const DO = {
  /** One try. */
  acquire(folder) {
    try {
      lock = acquireLock(folder, 'here')
      return { won: true }
    } catch (error) {
      return { won: false, code: error.code, message: error.message }
    }
  },
  release() {
    lock?.release()
    lock = undefined
    return {}
  },
  /** Takes the lock and gives it back, `times` over, and looks whether anybody else is inside. */
  async contend({ folder, inside, times }) {
    let met = 0
    for (let taken = 0; taken < times; ) {
      if (!DO.acquire(folder).won) {
        await sleep(1)
        continue
      }
      try {
        closeSync(openSync(inside, 'wx'))
        await sleep(0)
        rmSync(inside)
      } catch {
        met++
      }
      DO.release()
      taken++
    }
    return { met }
  },
}

process.on('message', async ({ id, what, args }) => process.send({ id, ...(await DO[what](args)) }))
process.send({ ready: true })
