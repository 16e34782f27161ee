import { isIP } from 'node:net'
import { unescape as decoded } from 'node:querystring'

/**
 * Where a Redis is, as the client reads its address.
 *
 * @typedef {object} Address
 * @property {Place[]} places one, or the sentinels that know it
 * @property {string} [master] the name that sentinels know it by
 * @property {boolean} isTls
 * @property {string} [username]
 * @property {string} [password]
 * @property {number} db
 * @property {string} name without the login
 */

/** @typedef {{ host: string, port: number } | { path: string }} Place */

const PORT = 6379
const SENTINEL_PORT = 26379

/**
 * @param {string} url which the client has found good
 * @returns {Address | undefined} undefined where only the client knows what is meant
 */
export function readAddress(url) {
  const [, scheme, rest] = /^([a-z+-]+):\/\/(.*)$/is.exec(url.trim()) ?? []
  if (/^(redis|valkey)s?-sentinel$|^rediss-sentinel$/.test(scheme)) return ofSentinels(rest, scheme)
  if (/^((redis|valkey)\+)?unix$/.test(scheme)) return ofSocket(url)
  return /^(rediss?|valkeys?)$/.test(scheme) ? ofServer(url, scheme) : undefined
}

/**
 * @param {string} url
 * @param {string} scheme
 * @returns {Address | undefined}
 */
function ofServer(url, scheme) {
  const found = parsed(url)
  if (!found?.hostname) return undefined
  const place = { host: found.hostname.replace(/[[\]]/g, ''), port: Number(found.port || PORT) }
  const isTls = /^(rediss|valkeys)$/.test(scheme)
  return { places: [place], isTls, ...loginOf(found), db: dbOf(found.pathname.slice(1)), name: nameOf(place) }
}

/**
 * @param {string} url
 * @returns {Address | undefined}
 */
function ofSocket(url) {
  const found = parsed(url)
  if (!found?.pathname) return undefined
  const [path, query] = [decoded(found.pathname), found.searchParams]
  const login = { username: query.get('user') ?? undefined, password: query.get('pass') ?? undefined }
  return { places: [{ path }], isTls: false, ...login, db: dbOf(query.get('db') ?? ''), name: path }
}

/**
 * `redis-sentinel://[login@]host:port,host:port/db#master`
 *
 * @param {string} text
 * @param {string} scheme
 * @returns {Address | undefined}
 */
function ofSentinels(text, scheme) {
  const [, login, hosts, db = '', master] = /^(?:(.*)@)?([^@/#]+)(?:\/([^#]*))?#(.+)$/.exec(text) ?? []
  const servers = hosts?.split(',').map((host) => parsed(`redis://${host}`)) ?? []
  const account = parsed(`redis://${login === undefined ? '' : `${login}@`}localhost`)
  if (servers.length === 0 || account === undefined || servers.includes(undefined)) return undefined
  const places = servers.map((server) => ({
    host: /** @type {URL} */ (server).hostname.replace(/[[\]]/g, ''),
    port: Number(/** @type {URL} */ (server).port || SENTINEL_PORT),
  }))
  return { places, master, isTls: scheme === 'rediss-sentinel', ...loginOf(account), db: dbOf(db), name: hosts }
}

/** @param {string} url */
function parsed(url) {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

/** @param {URL} url */
const loginOf = ({ username, password }) => ({
  username: username ? decoded(username) : undefined,
  password: password ? decoded(password) : undefined,
})

/** @param {string} text */
const dbOf = (text) => (/^\d+$/.test(text) ? Number(text) : 0)

/**
 * A place as people write it.
 *
 * @param {Place} place
 */
export const nameOf = (place) =>
  'path' in place ? place.path : `${isIP(place.host) === 6 ? `[${place.host}]` : place.host}:${place.port}`
