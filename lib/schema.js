'use strict'

const { bare } = require('./own')

/** What each endpoint of WeChat is and takes. `npm run docs:endpoints` writes it from src/wechat/endpoints.json. */
const { endpoints } = require('./endpoints.json')

module.exports = { endpoints: endpoints.map((endpoint) => bare(endpoint)) }
