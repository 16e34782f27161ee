'use strict'

/// <reference path="./pngjs.d.ts" />
const { constants, crc32 } = require('node:zlib')
const jpeg = require('jpeg-js')
const { PNG } = require('pngjs')
const { encode: encodeQR } = require('uqr')
const { createLru } = require('./lru.js')
const { after } = require('./real-time.js')
const { drawRound } = require('./round-code.js')

/** @import { CodeParams, Color, PictureSpec } from './types.js' */

/** What the largest QR symbol holds at the lowest error correction, in bytes. */
const MAX_TEXT_BYTES = 2953

const QUIET_ZONE = 4
/** The last chunk of a PNG. */
const IEND_BYTES = 12
const CACHE_BYTES = 64 * 1024 * 1024
/** @type {Color} */
const BLACK = [0, 0, 0]
/** @type {Color} */
const THEME = [7, 110, 55]
// Unpublished. Users saw (255,215,0), luminance 202, and (235,187,109), 192, turn black and (0,100,0), 59, honoured.
const LIGHTEST_LUMINANCE = 160

// Looking for the best filter of each line takes pngjs 8 s where Jest and vitest's vm pools run it, and gains nothing here.
const PNG_OPTIONS = { filterType: 0, deflateStrategy: constants.Z_DEFAULT_STRATEGY }

// Of the whole process, so that a test suite with a fake per test draws each picture once.
const cache = createLru(CACHE_BYTES)

/** So much the others get between two drawings. One turn is too little: Node takes one new connection in each. */
const PAUSE_MS = 5
/** @type {(() => void)[]} */
const waiting = []

/**
 * @param {PictureSpec} spec
 * @returns {Buffer} JPEG, or PNG with a transparent background when `hyaline`
 */
function picture(spec) {
  const key = keyOf(spec)
  const known = cache.get(key)
  if (known) return known
  const image = encode(spec)
  cache.set(key, image)
  return image
}

/**
 * Calls `draw` at once for a cached picture, and otherwise after the queued pictures. A hundred new pictures take seconds, and
 * tests in this process must not wait for them.
 * @param {PictureSpec} spec
 * @param {() => void} draw
 */
function enqueueDraw(spec, draw) {
  if (cache.get(keyOf(spec))) return draw()
  if (waiting.push(draw) === 1) after(0, drawNext)
}

function drawNext() {
  waiting[0]()
  waiting.shift()
  if (waiting.length > 0) after(PAUSE_MS, drawNext)
}

/** @param {PictureSpec} spec */
const keyOf = ({ shape, width, color, hyaline, text }) => `${shape} ${width} ${color} ${hyaline} ${text}`

/**
 * The colour of the code: a light `line_color` silently turns black. Values above 255 pass the type check and mean 255.
 * @param {CodeParams} params
 * @returns {Color}
 */
function colorFor({ auto_color: auto = false, line_color: line }) {
  if (auto) return THEME
  if (line === undefined) return BLACK
  const [red, green, blue] = [line.r, line.g, line.b].map((value) => Math.min(Math.max(Number(value), 0), 255))
  return 0.299 * red + 0.587 * green + 0.114 * blue > LIGHTEST_LUMINANCE ? BLACK : [red, green, blue]
}

/** @param {PictureSpec} spec */
function encode(spec) {
  const { width, hyaline, shape, text } = spec
  const isRound = shape === 'round'
  const image = { width, height: width, data: isRound ? drawRound(spec) : drawSquare(spec) }
  if (hyaline) {
    const png = PNG.sync.write(image, PNG_OPTIONS)
    return isRound ? withText(png, text) : png
  }
  // The encoder writes the letters of a comment as bytes.
  const comments = isRound ? [Buffer.from(text).toString('latin1')] : undefined
  // Real codes have all quantisation values at 1, which is quality 100.
  return jpeg.encode({ ...image, comments }, 100).data
}

/**
 * With a comment in UTF-8 before the end of the PNG.
 * @param {Buffer} png
 * @param {string} text
 */
function withText(png, text) {
  // iTXt: the keyword, not compressed, no language, no translated keyword.
  const chunk = Buffer.from(`iTXtComment\0\0\0\0\0${text}`)
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(chunk.length - 4)
  checksum.writeUInt32BE(crc32(chunk))
  return Buffer.concat([png.subarray(0, -IEND_BYTES), length, chunk, checksum, png.subarray(-IEND_BYTES)])
}

/**
 * Modules of whole pixels, centred: what the width leaves over becomes margin.
 * @param {PictureSpec} spec
 */
function drawSquare({ text, width, color, hyaline }) {
  const { data: modules } = encodeQR(text, { ecc: 'L', border: QUIET_ZONE })
  const scale = Math.floor(width / modules.length)
  const margin = Math.floor((width - scale * modules.length) / 2)
  const pixels = Buffer.alloc(width * width * 4, Uint8Array.of(255, 255, 255, hyaline ? 0 : 255))
  const rowBytes = width * 4
  const ink = Uint8Array.of(...color, 255)
  for (const [row, isDark] of modules.entries()) {
    const top = (margin + row * scale) * rowBytes
    for (const [column, dark] of isDark.entries()) {
      const left = top + (margin + column * scale) * 4
      if (dark) pixels.fill(ink, left, left + scale * 4)
    }
    for (let copy = 1; copy < scale; copy++) pixels.copyWithin(top + copy * rowBytes, top, top + rowBytes)
  }
  return pixels
}

module.exports = { MAX_TEXT_BYTES, picture, enqueueDraw, colorFor }
