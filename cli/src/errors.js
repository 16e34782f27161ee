import { EXIT } from './exit-codes.js'

/** @import { Text } from './language.js' */

/** A mistake in how a command was called, or in a list. */
export class UsageError extends Error {
  code = 'ERR_CLI_USAGE'

  /**
   * @param {Text} cause
   * @param {Text} fix
   */
  constructor(cause, fix) {
    super(cause.en)
    this.name = 'UsageError'
    this.explanation = { cause, fix }
  }
}

/** The person has had enough: why every signal of a command is aborted. */
export class Interrupted extends Error {
  code = 'ERR_CLI_INTERRUPTED'

  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`stopped by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
    this.explanation = { cause: { zh: '已中断', en: 'stopped' }, fix: undefined }
  }
}
