import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { printable, printableJson } from './printable.js'

/** @import { WriteStream } from 'node:tty' */

/**
 * A colour in a text is a mark that only this file turns into a terminal escape. The mark contains a random id of this run,
 * which is never printed, so that no value from outside can contain a mark.
 */
const MARK = `\ufdd0${randomUUID()} `
const MARK_END = '\ufdd1'
const MARKS = new RegExp(`${MARK}([\\d;]+)${MARK_END}`)

/** @param {number | string} codes as ECMA-48 has them for Select Graphic Rendition */
const mark = (codes) => MARK + codes + MARK_END

/** @typedef {ReturnType<typeof createColors>} Colors */

/**
 * Styles for a text that a writer prints.
 *
 * @param {boolean} isColorSupported
 */
export function createColors(isColorSupported) {
  const style = (/** @type {'red' | 'green' | 'yellow' | 'bold' | 'dim'} */ name) => {
    const [open, close] = /** @type {[number, number]} */ (inspect.colors[name])
    return (/** @type {string} */ text) => (isColorSupported ? mark(open) + text + mark(close) : text)
  }
  return {
    isColorSupported,
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    bold: style('bold'),
    dim: style('dim'),
    /**
     * True colours from here on, each as [r, g, b].
     *
     * @param {number[]} front
     * @param {number[]} back
     */
    trueColors: (front, back) => mark(`38;2;${front.join(';')}`) + mark(`48;2;${back.join(';')}`),
    /** Ends whatever colours there are. */
    reset: mark(0),
  }
}

/** @typedef {ReturnType<typeof createWriter>} Writer */

/**
 * The only writer to stdout or stderr. Text from outside (an errmsg, a cell of a list, a name in a certificate) is printed
 * with unprintable characters escaped, and a line stays one line.
 *
 * @param {Partial<WriteStream> & { write(text: string | Uint8Array): boolean }} stream
 */
export function createWriter(stream) {
  return {
    get columns() {
      return stream.columns
    },
    get rows() {
      return stream.rows
    },
    isTerminal: stream.isTTY === true,
    /** @param {string | string[]} text a line, or several */
    print: (text) => stream.write(`${[text].flat().map(render).join('\n')}\n`),
    /**
     * Prints a line that begins with a head. A line that is too long for the terminal continues below its text, so that no
     * value appears in the column of the heads.
     *
     * @param {string} head
     * @param {string} text
     */
    printIndented(head, text) {
      const width = stream.isTTY ? stream.columns : undefined
      const [begin, rest] = [render(head), render(text)]
      stream.write(`${begin}${width ? wrapIndented(rest, width, stringWidth(begin)) : rest}\n`)
    },
    /** Prints a question without a line break. @param {string} text */
    prompt: (text) => stream.write(render(text)),
    /** @param {unknown} value */
    json: (value) => stream.write(`${printableJson(value)}\n`),
    /** A picture, for a pipe. @param {Uint8Array} bytes */
    bytes: (bytes) => stream.write(bytes),
  }
}

/** @param {string} line */
function render(line) {
  const parts = line.split(MARKS)
  return parts.map((part, at) => (at % 2 === 0 ? printable(part) : `\x1b[${part}m`)).join('')
}

/** The minimum width of a wrapped column. */
const MIN_COLUMNS = 20

/**
 * @param {string} line
 * @param {number} width
 * @param {number} indent
 */
function wrapIndented(line, width, indent) {
  const lines = wrapAnsi(line, Math.max(width - indent, MIN_COLUMNS), { hard: true })
  return lines.replaceAll('\n', `\n${' '.repeat(indent)}`)
}
