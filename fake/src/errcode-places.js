'use strict'

const { groupOf, namesIn } = require('./endpoints.js')
/**
 * Where WeChat answers which errcode, as the catalogue of wxacode has it: `npm run docs:errcodes` writes it.
 * @type {Record<string, string[]>}
 */
const PLACES = require('./errcode-places.json')

/** @import { EndpointName } from '../index.js' */

const CODES = namesIn('codes')
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
  const places = PLACES[errcode] ?? ['any']
  const isAt = (/** @type {string} */ place) => places.includes(place)
  const isEverywhere = isAt('any')
  const isHere = [name, ...(ALIKE[name] ?? [])].some(isAt)
  if (groupOf(name) === 'tokens') return isHere && !isEverywhere && !CODES.some(isAt)
  // What all three code endpoints answer is about the caller, so that every other call with a token may get it.
  return isHere || isEverywhere || CODES.every(isAt)
}

module.exports = { mayAnswer }
