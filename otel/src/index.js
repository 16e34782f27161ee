'use strict'

const { WxaCodeInstrumentation } = require('./instrumentation')

module.exports = { WxaCodeInstrumentation }
