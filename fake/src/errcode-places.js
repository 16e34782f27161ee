'use strict'

const { groupOf, namesIn } = require('./endpoints.js')
/**
 * Where WeChat answers which errcode, as the catalogue of wxacode has it: `npm run docs:errcodes` writes it.
 * @type {Record<string, string[]>}
 */
const PLACES = require('./errcode-places.json')

/** @import { EndpointGroup, EndpointName } from '../index.js' */

const WITH_COMPONENT_TOKEN = [
  'api_create_preauthcode',
  'api_query_auth',
  'api_authorizer_token',
  'api_get_authorizer_list',
  'api_get_authorizer_info',
]
/**
 * The same for third-party platforms, by their pages.
 * https://developers.weixin.qq.com/doc/oplatform/openApi/
 * @type {Record<string, string[]>}
 */
const PLATFORM_PLACES = {
  40013: ['api_start_push_ticket', 'api_component_token', 'api_authorizer_token'],
  40125: ['api_component_token'],
  40170: ['api_get_authorizer_list'],
  41004: ['api_component_token'],
  42007: ['api_authorizer_token'],
  48006: ['component/clear_quota/v2'],
  61005: ['api_component_token', 'api_create_preauthcode'],
  61006: ['api_component_token', 'api_create_preauthcode'],
  61009: ['api_query_auth'],
  61010: ['api_query_auth'],
  61011: ['api_component_token', ...WITH_COMPONENT_TOKEN],
  61014: WITH_COMPONENT_TOKEN,
  61023: ['api_authorizer_token'],
}

const CODES = namesIn('codes')
/**
 * What a client calls for the sake of another call.
 * @type {Set<EndpointGroup | undefined>}
 */
const TOKEN_GROUPS = new Set(['tokens', 'platform'])
/**
 * Endpoints that the catalogue does not have answer as these do.
 * @type {Partial<Record<EndpointName, EndpointName[]>>}
 */
const ALIKE = { 'clear_quota/v2': ['clear_quota', 'stable_token'], 'quota/clear': ['clear_quota', 'quota/get'] }

/**
 * Whether WeChat may answer an errcode at an endpoint. An errcode that both a code and the request for its token may get is
 * taken for the code's: the same must come of it whether the client under test has its token already or not.
 * @param {number | string} errcode
 * @param {EndpointName | undefined} name
 */
function mayAnswer(errcode, name) {
  if (name === undefined) return false
  const known = [...(PLACES[errcode] ?? []), ...(PLATFORM_PLACES[errcode] ?? [])]
  const places = known.length > 0 ? known : ['any']
  const isAt = (/** @type {string} */ place) => places.includes(place)
  const isEverywhere = isAt('any')
  const isHere = [name, ...(ALIKE[name] ?? [])].some(isAt)
  if (TOKEN_GROUPS.has(groupOf(name))) return isHere && !isEverywhere && !CODES.some(isAt)
  // What all three code endpoints answer is about the caller, so that every other call with a token may get it.
  return isHere || isEverywhere || CODES.every(isAt)
}

module.exports = { mayAnswer }
