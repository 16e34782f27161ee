'use strict'

const { isUint8Array } = require('node:util/types')
const sharp = require('sharp')
const { ImageError, invalidOption } = require('./errors.js')
const { numberIn, oneOf, rgbaOf, wholeIn } = require('./options.js')
const { openCode, openPicture, reading, upright } = require('./pictures.js')
const { drawText } = require('./text.js')

/** @import { CodeLayer, Layer, PictureLayer, PosterOptions, TextLayer } from '../index.js' */
/** @import { OutputInfo, Sharp } from 'sharp' */

const MAX_SIDE = 10_000
const KINDS = /** @type {const} */ (['picture', 'code', 'text'])

/**
 * A layer as pixels with its place.
 * @typedef {{ data: Buffer, info: OutputInfo, left: number, top: number }} Placed
 */

/**
 * @param {PosterOptions} options
 * @returns {Promise<Buffer>}
 */
async function poster(options) {
  const { layers = [], quality = 90 } = options
  const format = oneOf('format', options.format, ['png', 'jpeg'], 'png')
  numberIn('quality', quality, 1, 100)
  if (!Array.isArray(layers)) throw invalidOption('layers', layers, 'an array', '数组')
  const { ground, width, height } = await groundOf(options)
  const composed = []
  for (const [n, layer] of layers.entries()) {
    const placed = await place(layer, `layers[${n}]`, width, height)
    if (placed) composed.push(placed)
  }
  const picture = ground.composite(
    composed.map(({ data, info, left, top }) => ({
      input: data,
      raw: { width: info.width, height: info.height, channels: 4 },
      left,
      top,
    })),
  )
  return reading('background', () =>
    format === 'png'
      ? picture.png().toBuffer()
      : picture.flatten({ background: 'white' }).jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer(),
  )
}

/**
 * The lowest layer, and the size of the poster.
 * @param {PosterOptions} options
 * @returns {Promise<{ ground: Sharp, width: number, height: number }>}
 */
async function groundOf({ background, width, height }) {
  const side = (/** @type {string} */ param, /** @type {unknown} */ value) => wholeIn(param, value, 1, MAX_SIDE)
  if (!isUint8Array(background) && typeof background === 'object' && background !== null) {
    const size = { width: side('width', width), height: side('height', height) }
    const [r, g, b, alpha] = await rgbaOf('background.color', background.color)
    return { ground: sharp({ create: { ...size, channels: 4, background: { r, g, b, alpha: alpha / 255 } } }), ...size }
  }
  const source = await openPicture('background', background)
  const size = { width: side('width', width ?? source.width), height: side('height', height ?? source.height) }
  const { data, info } = await rendered('background', upright(source).resize(size.width, size.height))
  return { ground: sharp(data, { raw: info }), ...size }
}

/**
 * @param {Layer} layer
 * @param {string} param
 * @param {number} width of the poster
 * @param {number} height
 * @returns {Promise<Placed | undefined>} nothing for an empty text
 */
async function place(layer, param, width, height) {
  const kinds = KINDS.filter((kind) => Object(layer)[kind] !== undefined)
  if (kinds.length !== 1)
    throw invalidOption(param, kinds.join(' and ') || layer, 'a picture, a code or a text', '图片、码或文字图层')
  const left = wholeIn(`${param}.left`, layer.left, 0, width)
  const top = wholeIn(`${param}.top`, layer.top, 0, height)
  const drawn = await draw(layer, param, width - left)
  if (!drawn) return undefined
  const placed = { ...drawn, left: left + drawn.left, top: Math.max(top + drawn.top, 0) }
  const [right, bottom] = [placed.left + drawn.info.width, placed.top + drawn.info.height]
  if (placed.left < 0 || right > width || bottom > height) throw outside(param, right, bottom, width, height)
  return placed
}

/**
 * @param {Layer} layer
 * @param {string} param
 * @param {number} room
 */
async function draw(layer, param, room) {
  if (layer.text !== undefined) return drawText(layer, param, room)
  const drawn = layer.code === undefined ? drawPicture(layer, param) : drawCode(layer, param)
  return { ...(await drawn), left: 0, top: 0 }
}

/**
 * @param {PictureLayer} layer
 * @param {string} param
 */
async function drawPicture(layer, param) {
  const source = await openPicture(`${param}.picture`, layer.picture)
  const fit = oneOf(`${param}.fit`, layer.fit, ['cover', 'contain'], 'cover')
  const { width, height } = sizeOf(layer, param, source)
  const radius = numberIn(`${param}.radius`, layer.radius ?? 0, 0, MAX_SIDE)
  const resized = upright(source).resize(width, height, {
    fit,
    background: { r: 0, g: 0, b: 0, alpha: 0 },
  })
  const { data, info } = await rendered(source.param, resized)
  if (radius === 0) return { data, info }
  const mask = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="${width}" height="${height}" rx="${radius}"/></svg>`
  return rendered(source.param, sharp(data, { raw: info }).composite([{ input: Buffer.from(mask), blend: 'dest-in' }]))
}

/**
 * What is left out follows from the proportions of the picture.
 * @param {PictureLayer} layer
 * @param {string} param
 * @param {{ width: number, height: number }} picture
 */
function sizeOf({ width, height }, param, picture) {
  const side = (
    /** @type {'width' | 'height'} */ name,
    /** @type {number | undefined} */ value,
    /** @type {number} */ other,
  ) => (value === undefined ? Math.max(Math.round(other), 1) : wholeIn(`${param}.${name}`, value, 1, MAX_SIDE))
  return {
    width: side('width', width, height === undefined ? picture.width : (picture.width * height) / picture.height),
    height: side('height', height, width === undefined ? picture.height : (picture.height * width) / picture.width),
  }
}

/**
 * @param {CodeLayer} layer
 * @param {string} param
 */
async function drawCode({ code, width }, param) {
  const source = await openCode(`${param}.code`, code)
  const side = wholeIn(`${param}.width`, width ?? source.width, 1, MAX_SIDE)
  return rendered(source.param, sharp(source.input).resize(side, side))
}

/**
 * @param {string} param
 * @param {Sharp} picture
 */
const rendered = (param, picture) =>
  reading(param, () => picture.toColourspace('srgb').ensureAlpha().raw().toBuffer({ resolveWithObject: true }))

/**
 * @param {string} param
 * @param {number} right
 * @param {number} bottom
 * @param {number} width
 * @param {number} height
 */
const outside = (param, right, bottom, width, height) =>
  new ImageError('ERR_IMAGE_OPTION', param, {
    en: `it ends at ${right}, ${bottom}, outside the poster of ${width} x ${height}. Move it, make it smaller, or shorten the text`,
    zh: `右下角在 (${right}, ${bottom})，超出了 ${width} x ${height} 的海报。请移动位置、缩小尺寸或缩短文字`,
  })

module.exports = { poster }
