'use strict'

const sharp = require('sharp')
const { ImageError, invalidOption } = require('./errors.js')
const { numberIn, oneOf, rgbaOf } = require('./options.js')
const { checkFile, reading } = require('./pictures.js')

/** @import { TextLayer } from '../index.js' */

/**
 * Of the usual systems, those with Chinese and Latin letters first: if Latin letters came from another font, lines of both would
 * have other heights than lines of one.
 */
const FONTS = 'Noto Sans CJK SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, sans-serif'
/** One point is a pixel. */
const DPI = 72
const MAX_SIZE = 1000
/** Lines are at least as wide as two Chinese characters. */
const MIN_COLUMNS = 2
/** Letters as tall as lines have them: the upper edge of the first is at `top`. */
const TALL = 'A国'
/** No font has it: Pango draws a box, as for every other letter that no font has. */
const UNKNOWN = '\uFDD0'
/** Letters of three sizes. If all are as large as a box, all are boxes. */
const PROBES = { chinese: ['一', '国', '灬'], other: ['A', 'i', '-'] }
/** What Pango refuses in a text; tab and line feed are not among them. */
const CONTROL_CHARACTERS = /[^\P{Cc}\t\n]/gu

/**
 * A text as pixels, and where in its box they are: sharp cuts off all that is empty around letters.
 * @param {TextLayer} layer
 * @param {string} param
 * @param {number} room from the left edge of the box to that of the poster
 */
async function drawText(layer, param, room) {
  const { text } = layer
  if (typeof text !== 'string') throw invalidOption(`${param}.text`, text, 'a string', '字符串')
  const size = numberIn(`${param}.size`, layer.size, 1, MAX_SIZE)
  const width = numberIn(`${param}.width`, layer.width ?? room, MIN_COLUMNS * size, Math.max(room, MIN_COLUMNS * size))
  const align = oneOf(`${param}.align`, layer.align, ['left', 'center', 'right'], 'left')
  const [red, green, blue, alpha] = await rgbaOf(`${param}.color`, layer.color ?? 'black')
  const shared = {
    font: `${fontOf(layer, param)} ${size}`,
    fontfile: await fontFileOf(layer, param),
    width: Math.floor(width),
    align,
    spacing: numberIn(`${param}.lineGap`, layer.lineGap ?? 0, 0, MAX_SIZE),
    wrap: /** @type {const} */ ('word-char'),
    dpi: DPI,
    rgba: true,
  }
  const letters = escaped(text)
  if (letters.trim() === '') return undefined
  const color = `#${Buffer.of(red, green, blue).toString('hex')}`
  const draw = (/** @type {string} */ content) =>
    reading(`${param}.text`, () =>
      sharp({ text: { ...shared, text: `<span foreground="${color}">${content}</span>` } })
        .raw()
        .toBuffer({ resolveWithObject: true }),
    )
  const heightOf = async (/** @type {string} */ content) => (await draw(content)).info.height
  await checkFont(text, param, async (probe) => (await draw(probe)).info)
  const { data, info } = await draw(letters)
  // Below a line of tall letters, what is empty above the letters of the text counts.
  const [below, lines, line] = [
    await heightOf(`${TALL}\n${letters}`),
    await heightOf(`${TALL}\n${TALL}`),
    await heightOf(TALL),
  ]
  const left = { left: 0, center: (width - info.width) / 2, right: width - info.width }[align]
  fade(data, alpha)
  return { data, info, left: Math.round(left), top: below - info.height - (lines - line) }
}

/**
 * @param {TextLayer} layer
 * @param {string} param
 */
function fontOf({ font = FONTS }, param) {
  if (typeof font !== 'string' || font.trim() === '')
    throw invalidOption(`${param}.font`, font, 'the name of a font', '字体名称')
  return font
}

/**
 * Without the file sharp would take another font and say nothing.
 * @param {TextLayer} layer
 * @param {string} param
 */
async function fontFileOf({ fontFile }, param) {
  if (fontFile === undefined) return undefined
  if (typeof fontFile !== 'string') throw invalidOption(`${param}.fontFile`, fontFile, 'the path of a file', '文件路径')
  await checkFile(`${param}.fontFile`, fontFile)
  return fontFile
}

/**
 * A poster of boxes is no success.
 * @param {string} text
 * @param {string} param
 * @param {(text: string) => Promise<{ width: number, height: number }>} sizeOf
 */
async function checkFont(text, param, sizeOf) {
  const probes = /\p{Script=Han}/u.test(text) ? PROBES.chinese : PROBES.other
  const [box, ...sizes] = await Promise.all([UNKNOWN, ...probes].map(sizeOf))
  if (sizes.some(({ width, height }) => width !== box.width || height !== box.height)) return
  throw new ImageError('ERR_IMAGE_FONT', `${param}.font`, {
    en: 'no font has these letters, and boxes would be drawn. Install one (Debian and Ubuntu: apt-get install fonts-noto-cjk, Alpine: apk add font-noto-cjk) or name its file in fontFile',
    zh: '没有包含这些文字的字体，画出来会是方框。请安装字体（Debian、Ubuntu：apt-get install fonts-noto-cjk，Alpine：apk add font-noto-cjk），或用 fontFile 指定字体文件',
  })
}

/**
 * As Pango reads a text: no user's name is markup.
 * @param {string} text
 */
const escaped = (text) =>
  text
    .toWellFormed()
    .replaceAll(CONTROL_CHARACTERS, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')

/**
 * @param {Uint8Array} pixels
 * @param {number} alpha
 */
function fade(pixels, alpha) {
  if (alpha === 255) return
  for (let at = 3; at < pixels.length; at += 4) pixels[at] = Math.round((pixels[at] * alpha) / 255)
}

module.exports = { drawText }
