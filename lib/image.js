'use strict'

const { types } = require('node:util')
const native = require('./native')
const { wrongArgument } = require('./errors')

/** @param {Uint8Array} image */
function imageType(image) {
  if (!types.isUint8Array(image))
    throw wrongArgument('image', { en: 'a Buffer or Uint8Array', zh: 'Buffer 或 Uint8Array' })
  return native.imageType(image) ?? undefined
}

/** @param {Uint8Array} image */
function imageExtension(image) {
  const type = imageType(image)
  return type && (type === 'image/png' ? 'png' : 'jpg')
}

module.exports = { imageExtension, imageType }
