/** @import { Command } from 'commander' */
/** @import { Io, Result } from '../io.js' */

/**
 * An action for commander: arguments and flags, those of the program among them, in; a result out.
 *
 * @param {Io} io
 * @param {(flags: any, ...args: string[]) => Result | Promise<Result>} act
 */
export const run =
  (io, act) =>
  /** @param {any[]} given the arguments, the flags, the command */
  async (...given) => {
    const command = /** @type {Command} */ (given.at(-1))
    io.finish(await act(command.optsWithGlobals(), ...given.slice(0, -2)))
  }

/**
 * @param {string[]} lines
 * @param {Io} io
 */
export const examples = (lines, { say }) =>
  `\n${say({ zh: '示例：', en: 'Examples:' })}\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
