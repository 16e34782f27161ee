'use strict'

/** @import { EndpointGroup, EndpointName, EndpointScope } from '../index.js' */

/**
 * https://developers.weixin.qq.com/miniprogram/dev/server/API/
 * https://developers.weixin.qq.com/doc/oplatform/openApi/
 * @type {Map<string, { name: EndpointName, group: EndpointGroup, method: 'GET' | 'POST' }>}
 */
const ENDPOINTS = new Map([
  ['/cgi-bin/token', { name: 'token', group: 'tokens', method: 'GET' }],
  ['/cgi-bin/stable_token', { name: 'stable_token', group: 'tokens', method: 'POST' }],
  ['/wxa/getwxacode', { name: 'getwxacode', group: 'codes', method: 'POST' }],
  ['/wxa/getwxacodeunlimit', { name: 'getwxacodeunlimit', group: 'codes', method: 'POST' }],
  ['/cgi-bin/wxaapp/createwxaqrcode', { name: 'createwxaqrcode', group: 'codes', method: 'POST' }],
  ['/wxa/generatescheme', { name: 'generatescheme', group: 'links', method: 'POST' }],
  ['/wxa/generate_urllink', { name: 'generate_urllink', group: 'links', method: 'POST' }],
  ['/wxa/genwxashortlink', { name: 'genwxashortlink', group: 'links', method: 'POST' }],
  ['/wxa/generatenfcscheme', { name: 'generatenfcscheme', group: 'links', method: 'POST' }],
  ['/wxa/queryscheme', { name: 'queryscheme', group: 'links', method: 'POST' }],
  ['/wxa/query_urllink', { name: 'query_urllink', group: 'links', method: 'POST' }],
  ['/cgi-bin/openapi/quota/get', { name: 'quota/get', group: 'debug', method: 'POST' }],
  ['/cgi-bin/clear_quota', { name: 'clear_quota', group: 'debug', method: 'POST' }],
  ['/cgi-bin/clear_quota/v2', { name: 'clear_quota/v2', group: 'debug', method: 'POST' }],
  ['/cgi-bin/openapi/quota/clear', { name: 'quota/clear', group: 'debug', method: 'POST' }],
  ['/cgi-bin/openapi/rid/get', { name: 'rid/get', group: 'debug', method: 'POST' }],
  ['/cgi-bin/component/api_start_push_ticket', { name: 'api_start_push_ticket', group: 'platform', method: 'POST' }],
  ['/cgi-bin/component/api_component_token', { name: 'api_component_token', group: 'platform', method: 'POST' }],
  ['/cgi-bin/component/api_create_preauthcode', { name: 'api_create_preauthcode', group: 'platform', method: 'POST' }],
  ['/cgi-bin/component/api_query_auth', { name: 'api_query_auth', group: 'platform', method: 'POST' }],
  ['/cgi-bin/component/api_authorizer_token', { name: 'api_authorizer_token', group: 'platform', method: 'POST' }],
  [
    '/cgi-bin/component/api_get_authorizer_list',
    { name: 'api_get_authorizer_list', group: 'platform', method: 'POST' },
  ],
  [
    '/cgi-bin/component/api_get_authorizer_info',
    { name: 'api_get_authorizer_info', group: 'platform', method: 'POST' },
  ],
  ['/cgi-bin/component/clear_quota/v2', { name: 'component/clear_quota/v2', group: 'platform', method: 'POST' }],
])

/** @type {Map<EndpointName | undefined, EndpointGroup>} */
const GROUPS = new Map([...ENDPOINTS.values()].map(({ name, group }) => [name, group]))

/** @param {EndpointName | undefined} name */
const groupOf = (name) => GROUPS.get(name)

/** @param {EndpointGroup} group */
function namesIn(group) {
  return [...ENDPOINTS.values()].filter((one) => one.group === group).map(({ name }) => name)
}

/** @type {Set<EndpointScope>} */
const SCOPES = new Set([...ENDPOINTS.values()].flatMap(({ name, group }) => [name, group]))

/**
 * A misspelt one would never be met, and a test would wait for it for ever.
 * @param {EndpointScope | undefined} scope
 */
function checkScope(scope) {
  if (scope === undefined || SCOPES.has(scope)) return
  throw new TypeError(`endpoint: there is no '${scope}', only ${[...SCOPES].join(', ')}`)
}

/**
 * @param {EndpointName | undefined} name
 * @param {EndpointScope | undefined} scope
 */
function inScope(name, scope) {
  if (name === undefined) return false
  return scope === undefined || scope === name || scope === groupOf(name)
}

module.exports = { ENDPOINTS, groupOf, namesIn, checkScope, inScope }
