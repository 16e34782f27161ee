import jpeg from 'jpeg-js'
import pngjs from 'pngjs'
import { imageType } from 'wxacode'

/** @import { Io } from './io.js' */
/** @import { Colors } from './terminal.js' */

/** @typedef {{ width: number, height: number, data: Uint8Array }} Pixels RGBA */

const COLUMNS = 80
const UPPER_HALF = '▀'
/** By whether the upper and the lower pixel are light, on a dark terminal. */
const MONOCHROME = [' ', '▄', '▀', '█']

/**
 * A picture as lines of text, two pixels to a character, as large as the terminal is.
 *
 * @param {Uint8Array} image
 * @param {Io} io
 * @returns {string[]}
 */
export function previewOf(image, { output, colors }) {
  const { columns = COLUMNS, rows = COLUMNS / 2 } = output
  const side = Math.min(columns || COLUMNS, ((rows || COLUMNS / 2) - 2) * 2)
  const grays = shrink(pixelsOf(image), side)
  const lines = []
  for (let y = 0; y + 1 < side; y += 2) {
    const [upper, lower] = [grays[y], grays[y + 1]]
    lines.push(colors.isColorSupported ? colored(upper, lower, colors) : monochrome(upper, lower))
  }
  return lines
}

/**
 * @param {Uint8Array} image
 * @returns {Pixels}
 */
export function pixelsOf(image) {
  if (imageType(image) === 'image/jpeg') return jpeg.decode(image, { useTArray: true })
  // What the types of the fake leave out, pngjs has.
  return /** @type {any} */ (pngjs.PNG.sync).read(Buffer.from(image))
}

/**
 * Each pixel of the result is the mean of those under it, on white paper.
 *
 * @param {Pixels} pixels
 * @param {number} side
 * @returns {number[][][]} rows of [r, g, b]
 */
function shrink({ width, height, data }, side) {
  const edge = (/** @type {number} */ at, /** @type {number} */ size) => Math.floor((at * size) / side)
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (_, x) => {
      const sum = [0, 0, 0]
      let count = 0
      for (let row = edge(y, height); row < Math.max(edge(y + 1, height), edge(y, height) + 1); row++) {
        for (let column = edge(x, width); column < Math.max(edge(x + 1, width), edge(x, width) + 1); column++) {
          const at = (row * width + column) * 4
          const alpha = data[at + 3] / 255
          for (const part of [0, 1, 2]) sum[part] += data[at + part] * alpha + 255 * (1 - alpha)
          count++
        }
      }
      return sum.map((part) => Math.round(part / count))
    }),
  )
}

/**
 * @param {number[][]} upper
 * @param {number[][]} lower
 * @param {Colors} colors
 */
function colored(upper, lower, { trueColors, reset }) {
  return upper.map((top, at) => trueColors(top, lower[at]) + UPPER_HALF).join('') + reset
}

/**
 * @param {number[][]} upper
 * @param {number[][]} lower
 */
function monochrome(upper, lower) {
  const isLight = (/** @type {number[]} */ [r, g, b]) => r + g + b > 382
  return upper.map((top, at) => MONOCHROME[(isLight(top) ? 2 : 0) + (isLight(lower[at]) ? 1 : 0)]).join('')
}
