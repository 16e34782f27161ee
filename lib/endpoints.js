'use strict'

const { nullProtoCopy } = require('./safe-object')

/** WeChat's endpoints and their parameters. `npm run docs:endpoints` writes endpoints.json from src/wechat/endpoints.json. */
const { endpoints } = require('./endpoints.json')

module.exports = { endpoints: endpoints.map((endpoint) => nullProtoCopy(endpoint)) }
