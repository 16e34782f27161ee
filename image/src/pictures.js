'use strict'

const { access } = require('node:fs/promises')
const { isUint8Array } = require('node:util/types')
const sharp = require('sharp')
const { ImageError, invalidOption } = require('./errors.js')

/** @import { Metadata, Sharp } from 'sharp' */

/** Of the formats that WeChat sends, written so that what is not changed stays as it is; quality 100 as WeChat's. */
const JPEG = Object.freeze({ quality: 100, chromaSubsampling: '4:4:4' })

/**
 * A picture that is known to exist; `run` reads it.
 * @typedef {object} Source
 * @property {string} param
 * @property {Uint8Array | string} input
 * @property {Metadata} metadata
 * @property {number} width as people see it, turned as EXIF says
 * @property {number} height
 */

/**
 * @param {string} param
 * @param {unknown} input
 * @returns {Promise<Source>}
 */
async function openPicture(param, input) {
  if (!isUint8Array(input) && typeof input !== 'string') {
    throw invalidOption(param, input, 'a Uint8Array or the path of a file', ' Uint8Array 或文件路径')
  }
  if (typeof input === 'string') await checkFile(param, input)
  const metadata = await reading(param, () => sharp(input).metadata())
  const isTurned = (metadata.orientation ?? 1) >= 5
  const [width, height] = isTurned ? [metadata.height, metadata.width] : [metadata.width, metadata.height]
  return { param, input, metadata, width, height }
}

/**
 * @param {string} param
 * @param {string} path
 */
async function checkFile(param, path) {
  try {
    await access(path)
  } catch (error) {
    const isAddress = /^https?:/.test(path)
    const what = isAddress
      ? {
          en: 'an address, not a file: fetch it first and pass the bytes',
          zh: '这是网址，不是文件：请先下载，再传入内容',
        }
      : { en: `the file ${path} cannot be read`, zh: `无法读取文件 ${path}` }
    throw new ImageError('ERR_IMAGE_UNREADABLE', param, what, error)
  }
}

/**
 * What `run` makes of a picture. Of sharp's errors it says which picture is meant.
 * @template T
 * @param {string} param
 * @param {() => Promise<T>} run
 */
async function reading(param, run) {
  try {
    return await run()
  } catch (error) {
    if (error instanceof ImageError) throw error
    const reason = /** @type {Error} */ (error).message
    const what = { en: `not a picture that sharp can read: ${reason}`, zh: `sharp 无法读取这张图片：${reason}` }
    throw new ImageError('ERR_IMAGE_UNREADABLE', param, what, error)
  }
}

/**
 * A picture turned as EXIF says. Sharp draws an SVG at the size that it is resized to.
 * @param {Source} source
 */
const upright = ({ input }) => sharp(input).rotate()

/**
 * All pixels of a code, four channels each.
 * @param {Source} source
 */
async function pixelsOf({ param, input }) {
  return reading(param, () => sharp(input).toColourspace('srgb').ensureAlpha().raw().toBuffer())
}

/**
 * A code as WeChat sends it: a square JPEG or PNG.
 * @param {string} param
 * @param {unknown} input
 */
async function openCode(param, input) {
  const source = await openPicture(param, input)
  const { format, width, height } = source.metadata
  if (format !== 'jpeg' && format !== 'png')
    throw notCode(param, `a ${format}, not a JPEG or PNG`, `格式为 ${format}，不是 JPEG 或 PNG`)
  if (width !== height)
    throw notCode(param, `${width} x ${height} pixels, not square`, `尺寸为 ${width} x ${height}，不是正方形`)
  return source
}

/**
 * @param {string} param
 * @param {string} en
 * @param {string} zh
 */
const notCode = (param, en, zh) => new ImageError('ERR_IMAGE_CODE', param, { en, zh })

/**
 * In the format of a code, so that what was opaque stays so.
 * @param {Sharp} picture
 * @param {Source} source
 */
const sameFormat = (picture, { metadata }) =>
  metadata.format === 'png'
    ? (metadata.hasAlpha ? picture : picture.removeAlpha()).png().toBuffer()
    : picture.removeAlpha().jpeg(JPEG).toBuffer()

module.exports = { checkFile, openPicture, openCode, upright, pixelsOf, sameFormat, reading, notCode }
