import process from 'node:process'
import { CommanderError } from 'commander'
import { EXIT } from './exit-codes.js'
import { createIo } from './io.js'
import { createProgram } from './program.js'

/** @import { Io } from './io.js' */

/**
 * Runs the command line.
 *
 * @param {string[]} [argv]
 * @returns {Promise<number>} the exit code
 */
export async function main(argv = process.argv.slice(2)) {
  const io = createIo(process, argv)
  listen(io)
  try {
    await createProgram(io).parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (isHelp(error)) io.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
    else io.fail(error)
  } finally {
    io.release()
  }
  return io.exitCode
}

/**
 * What Node would print by itself: warnings, and unhandled rejections.
 *
 * @param {Io} io
 */
function listen(io) {
  const warn = (/** @type {Error} */ warning) => io.warn(warning)
  const crash = (/** @type {unknown} */ error) => {
    io.fail(error)
    process.exit(io.exitCode)
  }
  // With --no-warnings there is no listener.
  if (process.listenerCount('warning') > 0) process.removeAllListeners('warning').on('warning', warn)
  process.on('uncaughtException', crash)
}

/**
 * commander ends --help and --version by an error too, and shows its help by itself to who gives no command.
 *
 * @param {unknown} error
 * @returns {error is CommanderError}
 */
const isHelp = (error) => error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help')
