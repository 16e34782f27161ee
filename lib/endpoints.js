'use strict'

const { bare } = require('./own')

/** WeChat's endpoints and their parameters. `npm run docs:endpoints` writes endpoints.json from src/wechat/endpoints.json. */
const { endpoints } = require('./endpoints.json')

module.exports = { endpoints: endpoints.map((endpoint) => bare(endpoint)) }
