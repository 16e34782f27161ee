'use strict'

/** What the calls of a platform and of its clients have in common: `close()` waits for all of them. */
class Activity {
  running = 0
  /** @type {(() => void) | undefined} */
  onIdle

  begin() {
    this.running += 1
  }

  end() {
    this.running -= 1
    if (this.running === 0) this.onIdle?.()
  }

  /** Resolves when no call runs, one turn later, so that every caller has what it waited for. */
  async idle() {
    if (this.running > 0) {
      await new Promise((resolve) => {
        this.onIdle = () => resolve(undefined)
      })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** A client that a platform has opened: `new WxaCode` takes it in place of options. */
class Opened {
  /**
   * @param {import('../binding').NativeClient} native
   * @param {string} appid
   * @param {import('./language').Language | undefined} lang
   * @param {Activity} activity of the platform
   * @param {string} componentAppid AppID of the platform
   */
  constructor(native, appid, lang, activity, componentAppid) {
    this.native = native
    this.appid = appid
    this.lang = lang
    this.activity = activity
    this.componentAppid = componentAppid
  }
}

module.exports = { Activity, Opened }
