'use strict'

/** @import { Color } from './types.js' */

/** @typedef {readonly [x: number, y: number]} Point from the centre */

/** @typedef {ReturnType<typeof createCanvas>} Canvas */

/**
 * A square picture for smooth discs, rings and lines, whose coordinates begin at the centre.
 * @param {number} width in pixels
 * @param {number} units width in units of the coordinates
 * @param {boolean} isTransparent
 */
function createCanvas(width, units, isTransparent) {
  const pixels = Buffer.alloc(width * width * 4, Uint8Array.of(255, 255, 255, isTransparent ? 0 : 255))
  const scale = width / units
  const middle = (width - 1) / 2

  /**
   * Paints where `distanceAt` is negative. It is the distance to the edge, so that a pixel on the edge gets its share.
   * @param {readonly Point[]} around points that the shape is around
   * @param {number} reach how far from them it may go
   * @param {Color} color
   * @param {(x: number, y: number) => number} distanceAt
   */
  const paint = (around, reach, color, distanceAt) => {
    const [left, right] = rangeOf(around.map(([x]) => x))
    const [top, bottom] = rangeOf(around.map(([, y]) => y))
    for (let row = first(top - reach); row <= last(bottom + reach); row++) {
      for (let column = first(left - reach); column <= last(right + reach); column++) {
        const distance = distanceAt((column - middle) / scale, (row - middle) / scale) * scale
        if (distance < 0.5) blend((row * width + column) * 4, color, Math.min(0.5 - distance, 1))
      }
    }
  }
  const first = (/** @type {number} */ value) => Math.max(Math.floor(value * scale + middle - 1), 0)
  const last = (/** @type {number} */ value) => Math.min(Math.ceil(value * scale + middle + 1), width - 1)

  /**
   * @param {number} start of the pixel
   * @param {Color} color
   * @param {number} share
   */
  const blend = (start, color, share) => {
    const under = (pixels[start + 3] / 255) * (1 - share)
    const alpha = under + share
    for (let n = 0; n < 3; n++) pixels[start + n] = Math.round((color[n] * share + pixels[start + n] * under) / alpha)
    pixels[start + 3] = Math.round(alpha * 255)
  }

  return {
    pixels,
    /** @param {Point} centre @param {number} radius @param {Color} color */
    disc: ([x, y], radius, color) => paint([[x, y]], radius, color, (px, py) => Math.hypot(px - x, py - y) - radius),
    /** @param {Point} centre @param {number} inner @param {number} outer @param {Color} color */
    ring: ([x, y], inner, outer, color) =>
      paint([[x, y]], outer, color, (px, py) => {
        const radius = Math.hypot(px - x, py - y)
        return Math.max(radius - outer, inner - radius)
      }),
    /** @param {Point} from @param {Point} to @param {number} halfWidth @param {Color} color */
    line: (from, to, halfWidth, color) =>
      paint([from, to], halfWidth, color, (x, y) => distanceToLine([x, y], from, to) - halfWidth),
  }
}

/** @param {number[]} values */
const rangeOf = (values) => [Math.min(...values), Math.max(...values)]

/**
 * @param {Point} point
 * @param {Point} from
 * @param {Point} to
 */
function distanceToLine([x, y], [fromX, fromY], [toX, toY]) {
  const [dx, dy] = [toX - fromX, toY - fromY]
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(Math.max(((x - fromX) * dx + (y - fromY) * dy) / length, 0), 1)
  return Math.hypot(x - fromX - along * dx, y - fromY - along * dy)
}

module.exports = { createCanvas }
