import { Interrupted } from './errors.js'
import { EXIT } from './exit-codes.js'
import { exitCodeOf, failureOf } from './failure.js'
import { inFlags } from './flag-names.js'
import { languageFor } from './language.js'
import { createColors, createWriter } from './terminal.js'

/** @import { WriteStream } from 'node:tty' */
/** @import { Failure } from './failure.js' */
/** @import { Language, Text } from './language.js' */
/** @import { Colors } from './terminal.js' */

/**
 * The result of a command: `text` for people, one or several lines, and `json` for programs.
 *
 * @typedef {object} Result
 * @property {object} json
 * @property {string | string[]} text
 * @property {number} [exitCode]
 */

/**
 * The input and output of a command: language, colours, writers, and the signal of Ctrl-C.
 *
 * @typedef {ReturnType<typeof createIo>} Io
 */

/**
 * @param {NodeJS.Process} process
 * @param {string[]} argv
 */
export function createIo(process, argv) {
  const { stdin, stdout, stderr, env } = process
  const lang = languageFor(argv, env)
  const json = argv.includes('--json')
  // With `-o -` the standard output is the picture.
  const isPiped = isPicture(argv)
  const [picture, errorOutput] = [createWriter(stdout), createWriter(stderr)]
  const output = isPiped ? errorOutput : picture
  const { signal, release } = signalOf(process)
  // The reader has closed the pipe, as `| head` does.
  stdout.on('error', () => process.exit(EXIT.failed))
  stderr.on('error', () => {})
  const io = {
    lang,
    json,
    env,
    stdin,
    /** For a bar, which draws itself. */
    stderr,
    /** Results; a picture of `-o -`; what is beside a result. */
    output,
    picture,
    errorOutput,
    signal,
    /** Gives Ctrl-C back its usual effect. */
    release,
    exitCode: EXIT.ok,
    /** For what is told, and for stderr. */
    colors: createColors(hasColors(isPiped ? stderr : stdout, env)),
    errColors: createColors(hasColors(stderr, env)),
    /** @param {Text} text */
    say: (text) => text[lang],
    /** @param {Result} result */
    finish({ json: value, text, exitCode = EXIT.ok }) {
      if (json) output.json(value)
      else if (text.length > 0) output.print(text)
      io.exitCode = exitCode
    },
    /** @param {unknown} error */
    fail(error) {
      io.exitCode = exitCodeOf(error)
      const failure = failureOf(error, lang, inFlags)
      if (json) output.json({ ok: false, error: failure })
      else errorOutput.print(failureText(failure, io.errColors, lang))
    },
    /** A line of a result that comes bit by bit. @param {string} head @param {string} text */
    line(head, text) {
      if (!json) output.printIndented(head, text)
    },
    /** A word beside the result, for people only. @param {Text} text */
    note(text) {
      if (!json) errorOutput.print(text[lang])
    },
    /** What Node or a library warns of. @param {Error} warning */
    warn({ name, message }) {
      errorOutput.print(`${io.errColors.yellow('!')} ${name}: ${message}`)
    },
  }
  return io
}

/**
 * @param {Failure} failure
 * @param {Colors} colors
 * @param {Language} lang
 * @returns {string[]} lines
 */
export function failureText({ endpoint, errcode, errmsg, rid, cause, fix, stack = [] }, colors, lang) {
  const refused = errcode !== undefined && errmsg !== undefined
  const head = refused ? `${endpoint}: ${errcode} ${errmsg}${rid ? ` (rid ${rid})` : ''}` : cause
  const lines = [`${colors.red('✗')} ${head}`, ...stack]
  const [why, what] = lang === 'zh' ? ['原因', '处理'] : ['why', 'fix']
  if (refused && cause !== errmsg) lines.push(`  ${colors.dim(why)}  ${cause}`)
  if (fix) lines.push(`  ${colors.dim(what)}  ${fix}`)
  return lines
}

/** @param {string[]} argv */
const isPicture = (argv) => / (-o ?|--output[ =])- /.test(` ${argv.join(' ')} `)

/**
 * @param {Partial<WriteStream>} stream
 * @param {NodeJS.ProcessEnv} env
 */
export function hasColors(stream, env) {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true
  return stream.isTTY === true && env.TERM !== 'dumb'
}

/**
 * Aborted by the first Ctrl-C; the second one ends the process at once.
 *
 * @param {NodeJS.Process} process
 */
function signalOf(process) {
  const controller = new AbortController()
  /** @param {NodeJS.Signals} name */
  const stop = (name) => {
    release()
    controller.abort(new Interrupted(name))
  }
  const release = () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return { signal: controller.signal, release }
}
