'use strict'

const sharp = require('sharp')
const { numberIn, oneOf, rgbaOf } = require('./options.js')
const { notCode, openCode, openPicture, pixelsOf, reading, sameFormat, upright } = require('./pictures.js')
const { measureRing } = require('./ring.js')

/** @import { CenterLogoOptions, Picture } from '../index.js' */
/** @import { Source } from './pictures.js' */
/** @import { Ring } from './ring.js' */

/** How round the corners of a square are, in halves of its side. */
const CORNER = 0.25
/** From the centre of such a square to the furthest point, in halves of its side. */
const REACH = Math.SQRT2 * (1 - CORNER) + CORNER

/**
 * @param {Picture} code
 * @param {Picture} logo
 * @param {CenterLogoOptions} [options]
 * @returns {Promise<Buffer>}
 */
async function centerLogo(code, logo, options = {}) {
  const shape = oneOf('shape', options.shape, ['round', 'square'], 'round')
  const fit = oneOf('fit', options.fit, ['cover', 'contain'], 'cover')
  const rimColor = await rgbaOf('rimColor', options.rimColor ?? 'white')
  const source = await openCode('code', code)
  const width = source.metadata.width
  const pixels = await pixelsOf(source)
  const ring = measureRing(pixels, width)
  if (!ring) throw withoutRing()
  const outline = outlineIn(ring, shape, options.rim)
  const picture = await drawLogo(await openPicture('logo', logo), outline, fit, width)
  paint(pixels, width, ring, rimColor, outline, picture)
  return sameFormat(sharp(pixels, { raw: { width, height: width, channels: 4 } }), source)
}

const withoutRing = () =>
  notCode(
    'code',
    'no empty ring around a logo and inside rays: a square QR code has none, and neither has a code that was cut, stretched or put on a poster. Pass the picture as getUnlimitedQRCode or getQRCode returned it',
    '找不到 logo 与放射状线条之间的空白圆环：方形二维码没有圆环，裁剪、拉伸过或已经放进海报的码也不行。请直接传入 getUnlimitedQRCode 或 getQRCode 返回的图片',
  )

/**
 * Where the new logo goes. With its rim it ends in the middle of the ring: it covers the old logo, and the rays keep a distance.
 * @typedef {object} Outline
 * @property {number} halfSide of the square around the logo and its rim, in pixels
 * @property {number} corner radius of its corners
 * @property {number} rim
 * @property {boolean} isRound
 *
 * @param {Ring} ring
 * @param {'round' | 'square'} shape
 * @param {number} [rim]
 * @returns {Outline}
 */
function outlineIn({ inner, outer }, shape, rim) {
  const radius = (inner + outer) / 2
  const isRound = shape === 'round'
  const halfSide = isRound ? radius : radius / REACH
  // The new logo is as large as the old one.
  const byDefault = (outer - inner) / 2
  return {
    halfSide,
    corner: isRound ? radius : CORNER * halfSide,
    rim: rim === undefined ? byDefault : numberIn('rim', rim, 0, Math.floor(halfSide / 2)),
    isRound,
  }
}

/**
 * The logo without its rim as a square of pixels, in the middle of which is the middle of the code.
 * @param {Source} source
 * @param {Outline} outline
 * @param {'cover' | 'contain'} fit
 * @param {number} width of the code
 */
async function drawLogo(source, { halfSide, rim, isRound }, fit, width) {
  const exact = 2 * (halfSide - rim)
  const size = sizeLike(width, exact)
  const pixels = await reading(source.param, () => {
    const fits = fit === 'cover' ? { width: size, height: size } : insideOf(source, exact, isRound)
    const picture = upright(source).resize({ ...fits, fit: fit === 'cover' ? 'cover' : 'fill' })
    const [left, top] = [Math.floor((size - fits.width) / 2), Math.floor((size - fits.height) / 2)]
    return picture
      .extend({
        left,
        top,
        right: size - fits.width - left,
        bottom: size - fits.height - top,
        background: { r: 0, g: 0, b: 0, alpha: 0 },
      })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer()
  })
  return { size, pixels }
}

/**
 * The smallest size that has its middle where the code has it.
 * @param {number} width
 * @param {number} atLeast
 */
function sizeLike(width, atLeast) {
  const size = Math.ceil(atLeast)
  return (width - size) % 2 === 0 ? size : size + 1
}

/**
 * The largest size at which all of the logo is inside the circle or the square.
 * @param {Source} source
 * @param {number} size
 * @param {boolean} isRound
 */
function insideOf({ width, height }, size, isRound) {
  const scale = size / (isRound ? Math.hypot(width, height) : Math.max(width, height))
  const side = (/** @type {number} */ length) => Math.max(Math.floor(length * scale), 1)
  return { width: side(width), height: side(height) }
}

/**
 * @param {Uint8Array} pixels of the code
 * @param {number} width
 * @param {Ring} ring
 * @param {Uint8Array} rimColor
 * @param {Outline} outline
 * @param {{ size: number, pixels: Uint8Array }} logo
 */
function paint(pixels, width, ring, rimColor, outline, logo) {
  const middle = (width - 1) / 2
  const end = (ring.inner + ring.outer) / 2 + 0.5
  const offset = (width - logo.size) / 2
  for (let y = Math.ceil(middle - end); y <= middle + end; y++) {
    for (let x = Math.ceil(middle - end); x <= middle + end; x++) {
      if (Math.hypot(x - middle, y - middle) >= end) continue
      const start = (y * width + x) * 4
      pixels.set(ring.color, start)
      const distance = distanceTo(outline, x - middle, y - middle)
      blend(pixels, start, rimColor, 0, shareOf(distance))
      const [column, row] = [x - offset, y - offset]
      if (column < 0 || row < 0 || column >= logo.size || row >= logo.size) continue
      blend(pixels, start, logo.pixels, (row * logo.size + column) * 4, shareOf(distance + outline.rim))
    }
  }
}

/**
 * The distance to the edge, negative inside.
 * @param {Outline} outline
 * @param {number} x from the middle
 * @param {number} y
 */
function distanceTo({ halfSide, corner }, x, y) {
  const [dx, dy] = [Math.abs(x) - halfSide + corner, Math.abs(y) - halfSide + corner]
  return Math.min(Math.max(dx, dy), 0) + Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) - corner
}

/** How much of a pixel is inside an edge at this distance. @param {number} distance */
const shareOf = (distance) => Math.min(Math.max(0.5 - distance, 0), 1)

/**
 * Lays a part of a pixel over another.
 * @param {Uint8Array} under
 * @param {number} at
 * @param {Uint8Array} over
 * @param {number} from
 * @param {number} share
 */
function blend(under, at, over, from, share) {
  const alpha = (over[from + 3] / 255) * share
  if (alpha === 0) return
  const rest = (under[at + 3] / 255) * (1 - alpha)
  for (let n = 0; n < 3; n++)
    under[at + n] = Math.round((over[from + n] * alpha + under[at + n] * rest) / (alpha + rest))
  under[at + 3] = Math.round((alpha + rest) * 255)
}

module.exports = { centerLogo }
