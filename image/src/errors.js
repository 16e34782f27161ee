'use strict'

/** @import { ImageErrorCode } from '../index.js' */

class ImageError extends Error {
  /**
   * @param {ImageErrorCode} code
   * @param {string} param
   * @param {{ en: string, zh: string }} what
   * @param {unknown} [cause]
   */
  constructor(code, param, { en, zh }, cause) {
    super(`${param}: ${en} | ${zh}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.param = param
  }
}
Object.defineProperty(ImageError.prototype, 'name', { value: 'ImageError', configurable: true, writable: true })

/**
 * @param {string} param
 * @param {unknown} value
 * @param {string} en what it has to be
 * @param {string} [zh]
 */
const invalidOption = (param, value, en, zh = en) =>
  new ImageError('ERR_IMAGE_OPTION', param, {
    en: `${shown(value)} is not ${en}`,
    zh: `${shown(value)} 不是${zh === en ? ` ${zh}` : zh}`,
  })

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 99))
  return Object(value) === value ? typeof value : String(value)
}

module.exports = { ImageError, invalidOption }
