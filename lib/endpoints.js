'use strict'

const { nullProtoCopy } = require('./safe-object')

/** WeChat's endpoints and their parameters. `npm run docs:endpoints` writes endpoints.json from src/wechat/endpoints.json. */
const { endpoints } = require('./endpoints.json')

/**
 * The position of each endpoint in endpoints.json: a number crosses to the addon more quickly than a name.
 *
 * @type {Record<string, number>}
 */
const ENDPOINT_INDEX = nullProtoCopy(Object.fromEntries(endpoints.map(({ name }, index) => [name, index])))

/**
 * The path of an endpoint at WeChat.
 *
 * @param {string} name
 * @returns {string}
 */
const pathOf = (name) => endpoints[ENDPOINT_INDEX[name]].path

module.exports = { ENDPOINT_INDEX, pathOf, endpoints: endpoints.map((endpoint) => nullProtoCopy(endpoint)) }
