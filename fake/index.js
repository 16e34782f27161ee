'use strict'

const { DEFAULT_PAGES } = require('./src/apps.js')
const { startFakeWeChat } = require('./src/server.js')

module.exports = { DEFAULT_PAGES, startFakeWeChat }
