'use strict'

const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000
const DAY_MS = 86_400_000

/** Starts and ends a client or a platform with its application: Nest calls the hooks of every provider. */
class Lifecycle {
  #client
  #ready
  #shutdownTimeoutMs

  /**
   * @param {{ ready(): Promise<void>, close(options: { timeoutMs: number }): Promise<void> }} client
   * @param {{ ready?: boolean, shutdownTimeoutMs?: number }} options
   */
  constructor(client, { ready = false, shutdownTimeoutMs = DEFAULT_SHUTDOWN_TIMEOUT_MS }) {
    this.#client = client
    this.#ready = ready
    this.#shutdownTimeoutMs = shutdownTimeoutMs
  }

  async onModuleInit() {
    if (this.#ready) await this.#client.ready()
  }

  /** The last hook: the server has stopped, and no request waits for the client any more. */
  async onApplicationShutdown() {
    await this.#client.close({ timeoutMs: this.#shutdownTimeoutMs })
  }
}

/**
 * The options of the client without those of the module, which are checked here: an error at the shutdown would be too late.
 *
 * @param {Record<string, any>} options
 */
function clientOptions({ ready, shutdownTimeoutMs, ...own }) {
  if (ready !== undefined && typeof ready !== 'boolean') throw wrong('ready', 'true or false', 'true 或 false')
  const isTime = typeof shutdownTimeoutMs === 'number' && shutdownTimeoutMs > 0 && shutdownTimeoutMs <= DAY_MS
  if (shutdownTimeoutMs !== undefined && !isTime)
    throw wrong(
      'shutdownTimeoutMs',
      'a number of milliseconds, more than 0 and at most a day',
      '大于 0、至多一天的毫秒数',
    )
  return own
}

/**
 * @param {string} option
 * @param {string} en
 * @param {string} zh
 */
const wrong = (option, en, zh) =>
  new TypeError(`WxaCodeModule: ${option} is wrong. Pass ${en}, or omit it. | ${option} 的值不对。传入${zh}，或不传。`)

module.exports = { Lifecycle, clientOptions, wrong }
