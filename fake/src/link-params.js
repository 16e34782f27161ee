import { haveTypes, readJson } from './json-body.js'

/** @import { FieldType } from './json-body.js' */
/** @import { LinkEndpoint, LinkParams } from './types.js' */

/** @type {Record<string, FieldType>} */
const JUMP = { path: 'string', query: 'string', env_version: 'string' }
/** @type {Record<string, FieldType>} */
const EXPIRY = { expire_type: 'integer', expire_time: 'integer', expire_interval: 'integer' }

/** @type {Record<LinkEndpoint, Record<string, FieldType>>} */
const FIELDS = {
  generatescheme: { jump_wxa: 'object', is_expire: 'boolean', ...EXPIRY },
  generate_urllink: { ...JUMP, ...EXPIRY, is_expire: 'boolean', cloud_base: 'object' },
  generatenfcscheme: { jump_wxa: 'object', model_id: 'string', sn: 'string' },
  genwxashortlink: { page_url: 'string', page_title: 'string', is_permanent: 'boolean' },
  queryscheme: { scheme: 'string', query_type: 'integer' },
  query_urllink: { url_link: 'string', query_type: 'integer' },
}

/**
 * @param {LinkEndpoint} endpoint
 * @param {Buffer} body
 * @returns {number | LinkParams} the errcode of the refusal, or the parameters
 */
export function readLinkBody(endpoint, body) {
  const params = /** @type {number | LinkParams} */ (readJson(body, FIELDS[endpoint]))
  if (typeof params === 'number') return params
  return params.jump_wxa === undefined || haveTypes({ ...params.jump_wxa }, JUMP) ? params : 47001
}
