import pc from 'picocolors'
import { Interrupted } from './errors.js'
import { EXIT } from './exit-codes.js'
import { exitCodeOf, failureOf } from './failure.js'
import { languageFor } from './language.js'

/** @import { WriteStream } from 'node:tty' */
/** @import { Failure } from './failure.js' */
/** @import { Language, Text } from './language.js' */

/**
 * What a command ends with: `text` for people, `json` for programs.
 *
 * @typedef {object} Result
 * @property {object} json
 * @property {string} text
 * @property {number} [exitCode]
 */

/**
 * What commands see of the world: language, colours, where to write, and whether they shall stop.
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
  const told = isPicture(argv) ? stderr : stdout
  const { signal, release } = signalOf(process)
  // Whoever reads has seen enough, as `| head` does.
  stdout.on('error', () => process.exit(EXIT.failed))
  const io = {
    lang,
    json,
    env,
    stdin,
    stdout,
    stderr,
    told,
    signal,
    /** Gives Ctrl-C back its usual effect. */
    release,
    exitCode: EXIT.ok,
    /** For what is told, and for stderr. */
    colors: pc.createColors(hasColors(told, env)),
    errColors: pc.createColors(hasColors(stderr, env)),
    /** @param {Text} text */
    say: (text) => text[lang],
    /** @param {Result} result */
    finish({ json: value, text, exitCode = EXIT.ok }) {
      told.write(json ? `${JSON.stringify(value)}\n` : text && `${text}\n`)
      io.exitCode = exitCode
    },
    /** @param {unknown} error */
    fail(error) {
      io.exitCode = exitCodeOf(error)
      const failure = failureOf(error, lang)
      if (json) told.write(`${JSON.stringify({ ok: false, error: failure })}\n`)
      else stderr.write(`${failureText(failure, io.errColors, lang)}\n`)
    },
    /** A line of a result that comes bit by bit. @param {string} text */
    line(text) {
      if (!json) told.write(`${text}\n`)
    },
    /** A word beside the result, for people only. @param {Text} text */
    note(text) {
      if (!json) stderr.write(`${text[lang]}\n`)
    },
  }
  return io
}

/**
 * @param {Failure} failure
 * @param {ReturnType<typeof pc.createColors>} colors
 * @param {Language} lang
 */
export function failureText({ endpoint, errcode, errmsg, rid, cause, fix }, colors, lang) {
  const refused = errcode !== undefined && errmsg !== undefined
  const head = refused ? `${endpoint}: ${errcode} ${errmsg}${rid ? ` (rid ${rid})` : ''}` : cause
  const lines = [`${colors.red('✗')} ${head}`]
  const [why, what] = lang === 'zh' ? ['原因', '处理'] : ['why', 'fix']
  if (refused && cause !== errmsg) lines.push(`  ${colors.dim(why)}  ${cause}`)
  if (fix) lines.push(`  ${colors.dim(what)}  ${fix}`)
  return lines.join('\n')
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
