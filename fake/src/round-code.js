'use strict'

const { createHash } = require('node:crypto')
const { createCanvas } = require('./canvas.js')

/** @import { Canvas } from './canvas.js' */
/** @import { Color, PictureSpec } from './types.js' */

// WeChat has not published the pattern, and nobody but WeChat reads it. This one looks the same and says nothing: the text is in
// the comment of the picture. Lengths are pixels of a code of 430, and were measured on one of WeChat's as far as the rays.
const WIDTH = 430
const LOGO_RADIUS = 90
/** The ring between the logo and the rays, 91 to 102, is empty. */
const RAYS = { start: 103, end: 202 }
/** The three finders and the badge lie on the diagonals. */
const FINDER = { offset: 119, outer: 33, inner: 25, dot: 14 }
const BADGE = { radius: 34 }
/** Around a finder and the badge. */
const GAP = 7

/** WeChat draws 36, 54 or 72 rays, more for longer contents; where it changes is unknown. */
const DENSITIES = [
  { upTo: 105, rays: 36, halfWidth: 3 },
  { upTo: 140, rays: 54, halfWidth: 2.4 },
  { upTo: Number.POSITIVE_INFINITY, rays: 72, halfWidth: 2 },
]
/** Bits along a ray. */
const CELLS = 12
const DARK_SHARE = 0.62

/** @type {Color} */
const WHITE = [255, 255, 255]

/**
 * A round code like WeChat's: rays, three finders, a badge, and a logo with an empty ring around it.
 * @param {PictureSpec} spec
 */
function drawRound({ text, width, color, hyaline }) {
  const canvas = createCanvas(width, WIDTH, hyaline)
  drawRays(canvas, text, color)
  drawFinders(canvas, color)
  drawBadge(canvas, color)
  drawLogo(canvas, text)
  return canvas.pixels
}

/**
 * @param {Canvas} canvas
 * @param {string} text
 * @param {Color} color
 */
function drawRays(canvas, text, color) {
  const { rays, halfWidth } = densityFor(text)
  const bits = bitsOf(text, rays * CELLS)
  for (let ray = 0; ray < rays; ray++) {
    const angle = (2 * Math.PI * ray) / rays
    for (const [from, to] of strokesOf(bits.slice(ray * CELLS, (ray + 1) * CELLS), angle, halfWidth)) {
      canvas.line(at(from + halfWidth, angle), at(to - halfWidth, angle), halfWidth, color)
    }
  }
}

/** @param {string} text */
const densityFor = (text) =>
  DENSITIES.find(({ upTo }) => Buffer.byteLength(text) <= upTo) ?? DENSITIES[DENSITIES.length - 1]

/**
 * The same for the same text, and different for another.
 * @param {string} text
 * @param {number} count
 */
function bitsOf(text, count) {
  const digest = createHash('shake256', { outputLength: count }).update(text).digest()
  return Array.from(digest, (byte) => byte / 256 < DARK_SHARE)
}

/**
 * Where a ray is drawn, from and to which radius: neighbouring bits are one stroke.
 * @param {boolean[]} bits
 * @param {number} angle
 * @param {number} halfWidth
 */
function strokesOf(bits, angle, halfWidth) {
  const length = (RAYS.end - RAYS.start) / CELLS
  /** @type {[from: number, to: number][]} */
  const strokes = []
  for (const [n, isDark] of bits.entries()) {
    const [from, to] = [RAYS.start + n * length, RAYS.start + (n + 1) * length]
    if (!isDark || isCovered(from + halfWidth, to - halfWidth, angle, halfWidth)) continue
    const last = strokes.at(-1)
    if (last && last[1] > from - 0.01) last[1] = to
    // A stroke that goes on is as long as its bits; its last bit ends early, so that the next stroke is apart.
    else strokes.push([from, to])
  }
  return strokes.map(([from, to]) => [from, to - length / 4])
}

/**
 * Whether a finder or the badge is there.
 * @param {number} from
 * @param {number} to
 * @param {number} angle
 * @param {number} halfWidth
 */
function isCovered(from, to, angle, halfWidth) {
  return [from, to].some((radius) => {
    const [x, y] = at(radius, angle)
    return Math.hypot(Math.abs(x) - FINDER.offset, Math.abs(y) - FINDER.offset) < BADGE.radius + GAP + halfWidth - 1
  })
}

/**
 * @param {Canvas} canvas
 * @param {Color} color
 */
function drawFinders(canvas, color) {
  for (const [x, y] of [
    [-1, -1],
    [1, -1],
    [-1, 1],
  ]) {
    const centre = /** @type {const} */ ([x * FINDER.offset, y * FINDER.offset])
    canvas.ring(centre, FINDER.inner, FINDER.outer, color)
    canvas.disc(centre, FINDER.dot, color)
  }
}

/**
 * The mark of a mini-program, two hooks in a circle, as one curved line.
 * @param {Canvas} canvas
 * @param {Color} color
 */
function drawBadge(canvas, color) {
  const centre = /** @type {const} */ ([FINDER.offset, FINDER.offset])
  canvas.disc(centre, BADGE.radius, color)
  for (const side of [-1, 1]) {
    const points = Array.from({ length: 25 }, (_, n) => {
      const angle = (-0.75 + (n / 24) * 1.5) * Math.PI
      return /** @type {const} */ ([
        centre[0] + side * (9 + 9 * Math.cos(angle)),
        centre[1] + side * (9 * Math.sin(angle) - 6),
      ])
    })
    for (const [n, point] of points.slice(1).entries()) canvas.line(points[n], point, 2.6, WHITE)
  }
}

/**
 * An avatar in a colour of its own for each text.
 * @param {Canvas} canvas
 * @param {string} text
 */
function drawLogo(canvas, text) {
  const hue = createHash('sha1').update(text).digest()[0] / 256
  canvas.disc([0, 0], LOGO_RADIUS, colorOf(hue, 0.62))
  canvas.disc([-18, -8], 34, colorOf(hue, 0.74))
  canvas.disc([20, 12], 34, colorOf(hue, 0.84))
}

/**
 * @param {number} hue 0 to 1
 * @param {number} lightness 0 to 1
 * @returns {Color}
 */
function colorOf(hue, lightness) {
  const [red, green, blue] = [0, 1 / 3, 2 / 3].map((shift) => {
    const wave = Math.cos(2 * Math.PI * (hue - shift))
    return Math.round(255 * (lightness + wave * 0.45 * Math.min(lightness, 1 - lightness)))
  })
  return [red, green, blue]
}

/**
 * @param {number} radius
 * @param {number} angle
 * @returns {readonly [x: number, y: number]}
 */
const at = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)]

module.exports = { drawRound }
