'use strict'

const { centerLogo } = require('./center-logo.js')
const { ImageError } = require('./errors.js')
const { flatten } = require('./flatten.js')
const { poster } = require('./poster.js')

module.exports = { ImageError, centerLogo, flatten, poster }
