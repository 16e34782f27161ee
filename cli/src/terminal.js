import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'
import { printable, printableJson } from './printable.js'

/** @import { WriteStream } from 'node:tty' */

/**
 * A colour of ours stands in a text as a mark that only this file turns into the escape of a terminal. It holds a word
 * that is drawn anew in each run and never shown, so that no value from outside can hold one.
 */
const MARK = `\ufdd0${randomUUID()} `
const MARK_END = '\ufdd1'
const MARKS = new RegExp(`${MARK}([\\d;]+)${MARK_END}`)

/** @param {number | string} codes as ECMA-48 has them for Select Graphic Rendition */
const mark = (codes) => MARK + codes + MARK_END

/** @typedef {ReturnType<typeof createColors>} Colors */

/**
 * Styles for a text that goes through a door.
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

/** @typedef {ReturnType<typeof openDoor>} Door */

/**
 * The way to stdout or stderr, and the only one: whatever came from outside, an errmsg, a cell of a list, a name in a
 * certificate, is printed here, and what cannot be printed is shown as an escape. A line stays one line.
 *
 * @param {Partial<WriteStream> & { write(text: string | Uint8Array): boolean }} stream
 */
export function openDoor(stream) {
  return {
    get columns() {
      return stream.columns
    },
    get rows() {
      return stream.rows
    },
    isTerminal: stream.isTTY === true,
    /** @param {string | string[]} text a line, or several */
    print: (text) => stream.write(`${[text].flat().map(rendered).join('\n')}\n`),
    /**
     * A line that begins with a head. Where it is too long for the terminal it goes on below its text, and nothing that
     * a value says stands where a head does.
     *
     * @param {string} head
     * @param {string} text
     */
    printUnder(head, text) {
      const width = stream.isTTY ? stream.columns : undefined
      const [begin, rest] = [rendered(head), rendered(text)]
      stream.write(`${begin}${width ? hung(rest, width, stringWidth(begin)) : rest}\n`)
    },
    /** A question, after which the answer is typed. @param {string} text */
    ask: (text) => stream.write(rendered(text)),
    /** @param {unknown} value */
    json: (value) => stream.write(`${printableJson(value)}\n`),
    /** A picture, for a pipe. @param {Uint8Array} bytes */
    bytes: (bytes) => stream.write(bytes),
  }
}

/** @param {string} line */
function rendered(line) {
  const parts = line.split(MARKS)
  return parts.map((part, at) => (at % 2 === 0 ? printable(part) : `\x1b[${part}m`)).join('')
}

/** A narrower column is not worth the trouble. */
const MIN_COLUMNS = 20

/**
 * @param {string} line
 * @param {number} width
 * @param {number} indent
 */
function hung(line, width, indent) {
  const lines = wrapAnsi(line, Math.max(width - indent, MIN_COLUMNS), { hard: true })
  return lines.replaceAll('\n', `\n${' '.repeat(indent)}`)
}
