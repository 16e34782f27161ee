'use strict'

const { performance } = require('node:perf_hooks')
const { clearTimeout, setImmediate, setTimeout } = require('node:timers')

/** The calls and batches of a client, or of a platform and its clients: `close()` waits for them. */
class Activity {
  running = 0
  /** What the batches do when they have to end. @type {Set<() => void>} */
  #batches = new Set()
  /** @type {Array<() => void>} */
  #waiting = []

  begin() {
    this.running += 1
  }

  end() {
    this.running -= 1
    if (this.running === 0) this.#wake()
  }

  /**
   * Registers a batch. `onClose` runs when the client is closed. The batch calls the returned function when it has ended.
   *
   * @param {() => void} onClose
   */
  beginBatch(onClose) {
    this.#batches.add(onClose)
    return () => {
      this.#batches.delete(onClose)
      if (this.#batches.size === 0) this.#wake()
    }
  }

  /** Tells the batches to end. */
  endBatches() {
    for (const onClose of this.#batches) onClose()
  }

  /** Resolves when no call runs, one turn later, so that every caller has what it waited for. */
  async idle() {
    if (this.running > 0) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)))
    await nextTurn()
  }

  /**
   * Whether all calls and all batches end within `ms`. A batch has ended when its consumer has taken the last result.
   *
   * @param {number} ms
   */
  async endsWithin(ms) {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      this.#wake()
    }, ms)
    const isBusy = () => this.running > 0 || this.#batches.size > 0
    while (isBusy() && !isOver) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)))
    clearTimeout(timer)
    await nextTurn()
    return !isBusy()
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/**
 * Whether within `ms` calls and batches end, and what is closed then.
 *
 * @param {Activity} activity
 * @param {Promise<unknown>} closed which never rejects
 * @param {number} ms
 */
async function endsWithin(activity, closed, ms) {
  const end = performance.now() + ms
  return (await activity.endsWithin(ms)) && (await settlesWithin(closed, end - performance.now()))
}

/**
 * Whether a promise settles within `ms`.
 *
 * @param {Promise<unknown>} promise which never rejects
 * @param {number} ms
 */
function settlesWithin(promise, ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.max(ms, 1), false)
    promise.then(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/**
 * Whether a client writes codes behind its calls (write-behind), and where to.
 *
 * @typedef {object} WriteBehind
 * @property {boolean} writesBehind whether codes are stored after their calls have ended
 * @property {import('../binding').CodeStoreHandle | undefined} handle of the caller's own store, which the client holds
 */

/** @type {WriteBehind} */
const NO_WRITE_BEHIND = Object.freeze({ writesBehind: false, handle: undefined })

/** A client that a platform has opened: `new WxaCode` takes it in place of options. */
class Opened {
  /**
   * @param {import('../binding').NativeClient} native
   * @param {string} appid
   * @param {import('./language').Language | undefined} lang
   * @param {Activity} activity of the platform
   * @param {string} componentAppid AppID of the platform
   * @param {WriteBehind} writeBehind
   */
  constructor(native, appid, lang, activity, componentAppid, writeBehind) {
    this.native = native
    this.writeBehind = writeBehind
    this.appid = appid
    this.lang = lang
    this.activity = activity
    this.componentAppid = componentAppid
  }
}

module.exports = { Activity, NO_WRITE_BEHIND, Opened, endsWithin }
