import { EXIT } from './exit-codes.js'

/** @import { Text } from './language.js' */

/** An error that says what happened and what to do. */
class ExplainedError extends Error {
  /**
   * @param {Text} cause
   * @param {Text} fix
   */
  constructor(cause, fix) {
    super(cause.en)
    this.explanation = { cause, fix }
  }
}

/** A mistake in how a command was called, or in a list. */
export class UsageError extends ExplainedError {
  name = 'UsageError'
  code = 'ERR_CLI_USAGE'
}

/** What is wrong with one row of a list; the others are none the worse for it. */
export class RowError extends Error {
  /**
   * @param {Text} cause
   * @param {Text} fix
   * @param {string} [param] the column at fault
   */
  constructor(cause, fix, param) {
    super(cause.en)
    this.name = 'RowError'
    this.code = param === 'name' ? 'ERR_CLI_NAME' : 'ERR_CLI_ROW'
    this.explanation = { cause, fix }
    this.param = param
  }
}

/** The folder is somebody else's by now. */
export class LockError extends ExplainedError {
  name = 'LockError'
  code = 'ERR_CLI_LOCK'
}

/** A sheet that was not written as a PDF; the codes are there. */
export class PdfError extends ExplainedError {
  name = 'PdfError'
  code = 'ERR_CLI_PDF'
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
