'use strict'

const sharp = require('sharp')
const { opaqueColor, wholeIn } = require('./options.js')
const { openCode, reading, sameFormat } = require('./pictures.js')

/** @import { FlattenOptions, Picture } from '../index.js' */

/** Of the code's width. */
const MARGIN = 0.05
const MAX_MARGIN = 10_000

/**
 * @param {Picture} code
 * @param {FlattenOptions} [options]
 * @returns {Promise<Buffer>}
 */
async function flatten(code, options = {}) {
  const background = await opaqueColor('background', options.background ?? 'white')
  const source = await openCode('code', code)
  const margin = wholeIn('margin', options.margin ?? Math.round(MARGIN * source.width), 0, MAX_MARGIN)
  const around = { top: margin, right: margin, bottom: margin, left: margin }
  return reading('code', async () => {
    const opaque = await sharp(source.input)
      .flatten({ background })
      .extend({ ...around, background })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    return sameFormat(sharp(opaque.data, { raw: opaque.info }), source)
  })
}

module.exports = { flatten }
