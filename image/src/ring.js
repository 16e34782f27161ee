'use strict'

// The empty ring between the logo and the rays of a round code. It is measured in each picture: on a code of WeChat of 430 pixels
// it goes from 91 to 102, but nothing promises that another code has it there.

/** Where it is looked for, in widths of the code: WeChat's ends at 0.237. */
const RANGE = { from: 0.1, to: 0.42 }
/** Thinner rings are gaps between marks. WeChat's has 0.028. */
const MIN_THICKNESS = 0.015
/** How much of a thick ring counts: a logo that is white at its edge looks like a part of the ring. */
const MAX_THICKNESS = 0.03
/** How far a channel may vary in an empty circle: a JPEG's noise. The lightest lines differ from white by 95. */
const NOISE = 40
/** Marks that a circle through the inner ends of the rays crosses at least. WeChat draws 36 rays or more. */
const MIN_MARKS = 10
/** How far outside the ring they are looked for. */
const MARKS_WITHIN = 0.02
const WHITE = Uint8Array.of(255, 255, 255, 255)
const CHANNELS = [0, 1, 2, 3]

/**
 * @typedef {object} Ring
 * @property {number} inner radius from the middle of the picture, in pixels
 * @property {number} outer
 * @property {Uint8Array} color of the ring: red, green, blue and opacity
 */

/**
 * @param {Uint8Array} pixels four channels each
 * @param {number} width
 * @returns {Ring | undefined} nothing if there is no ring with rays around it
 */
function measureRing(pixels, width) {
  const circles = circlesOf(pixels, width)
  const run = outermostRun(circles, width)
  if (!run) return undefined
  const color = colorOf(pixels, width, (run.first + run.last) / 2)
  // A circle within a logo of one colour is no ring.
  if (![pixels.subarray(0, 4), WHITE].some((ground) => areAlike(color, 0, ground, 0))) return undefined
  const ring = { inner: run.first - 0.5, outer: run.last + 0.5, color }
  return marksAround(pixels, width, ring) < MIN_MARKS ? undefined : ring
}

/**
 * The usual colour of a circle.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} radius
 */
function colorOf(pixels, width, radius) {
  const starts = pixelsOn(width, radius)
  return Uint8Array.from(CHANNELS, (n) => {
    const values = starts.map((start) => pixels[start + n]).sort((one, other) => one - other)
    return values[values.length >> 1]
  })
}

/**
 * Where the pixels of a circle start.
 * @param {number} width
 * @param {number} radius
 */
function pixelsOn(width, radius) {
  const middle = (width - 1) / 2
  const steps = Math.ceil(4 * Math.PI * radius)
  return Array.from({ length: steps }, (_, step) => {
    const angle = (2 * Math.PI * step) / steps
    const x = Math.round(middle + radius * Math.cos(angle))
    const y = Math.round(middle + radius * Math.sin(angle))
    return (y * width + x) * 4
  })
}

/**
 * @param {Uint8Array} pixels
 * @param {number} start
 * @param {Uint8Array} others
 * @param {number} other
 */
const areAlike = (pixels, start, others, other) =>
  CHANNELS.every((n) => Math.abs(visible(pixels, start, n) - visible(others, other, n)) <= NOISE)

/**
 * The extremes of each circle of one pixel's thickness, by its radius.
 * @param {Uint8Array} pixels
 * @param {number} width
 */
function circlesOf(pixels, width) {
  const [from, to] = [Math.floor(RANGE.from * width), Math.ceil(RANGE.to * width)]
  const lows = new Uint8Array((to + 2) * 4).fill(255)
  const highs = new Uint8Array((to + 2) * 4)
  const middle = (width - 1) / 2
  for (let y = Math.floor(middle - to); y <= Math.ceil(middle + to); y++) {
    for (let x = Math.floor(middle - to); x <= Math.ceil(middle + to); x++) {
      const radius = Math.round(Math.hypot(x - middle, y - middle))
      if (radius < from || radius > to) continue
      const [start, at] = [(y * width + x) * 4, radius * 4]
      for (let channel = 0; channel < 4; channel++) {
        const value = visible(pixels, start, channel)
        if (value < lows[at + channel]) lows[at + channel] = value
        if (value > highs[at + channel]) highs[at + channel] = value
      }
    }
  }
  return {
    from,
    to,
    /** @param {number} radius */
    isEmpty: (radius) => CHANNELS.every((n) => highs[radius * 4 + n] - lows[radius * 4 + n] <= NOISE),
    /** @param {number} one @param {number} other radius */
    haveOneColor: (one, other) => CHANNELS.every((n) => Math.abs(highs[one * 4 + n] - highs[other * 4 + n]) <= NOISE),
  }
}

/**
 * A channel as people see it: of a transparent pixel the colour does not matter.
 * @param {Uint8Array} pixels
 * @param {number} start of the pixel
 * @param {number} channel
 */
const visible = (pixels, start, channel) =>
  channel === 3 ? pixels[start + 3] : (pixels[start + channel] * pixels[start + 3]) / 255

/**
 * From the rays inwards, the first empty circles that are enough.
 * @param {ReturnType<typeof circlesOf>} circles
 * @param {number} width
 */
function outermostRun({ from, to, isEmpty, haveOneColor }, width) {
  let radius = to
  // Empty circles at the outer end have no rays around them.
  while (radius >= from && isEmpty(radius)) radius--
  while (radius >= from) {
    while (radius >= from && !isEmpty(radius)) radius--
    const last = radius
    while (radius >= from && isEmpty(radius) && haveOneColor(radius, last)) radius--
    const first = Math.max(radius + 1, Math.ceil(last - MAX_THICKNESS * width))
    if (last - first + 1 >= MIN_THICKNESS * width) return { first, last }
  }
  return undefined
}

/**
 * How many marks a circle just outside the ring crosses, where it crosses most.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {Ring} ring
 */
function marksAround(pixels, width, { outer }) {
  let most = 0
  for (let radius = outer + 1.5; radius <= outer + MARKS_WITHIN * width; radius++) {
    most = Math.max(most, marksOn(pixels, width, radius))
  }
  return most
}

/**
 * Marks, or gaps between them if the marks are wider: there are as many.
 * @param {Uint8Array} pixels
 * @param {number} width
 * @param {number} radius
 */
function marksOn(pixels, width, radius) {
  const color = colorOf(pixels, width, radius)
  const isInk = pixelsOn(width, radius).map((start) => !areAlike(pixels, start, color, 0))
  return isInk.filter((now, step) => now && !isInk.at(step - 1)).length
}

module.exports = { measureRing }
