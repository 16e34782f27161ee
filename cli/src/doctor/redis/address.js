import { isIP } from 'node:net'
import { unescape as percentDecode } from 'node:querystring'

/**
 * The parsed address of a Redis, as the client parses it.
 *
 * @typedef {object} Address
 * @property {ServerAddress[]} servers the server, or the sentinels
 * @property {string} [master] its name at the sentinels
 * @property {boolean} isTls
 * @property {string} [username]
 * @property {string} [password]
 * @property {number} db
 * @property {string} name without the login
 */

/** @typedef {{ host: string, port: number } | { path: string }} ServerAddress */

const PORT = 6379
const SENTINEL_PORT = 26379

/**
 * @param {string} url accepted by the client
 * @returns {Address | undefined} undefined for an address that only the client can parse
 */
export function readAddress(url) {
  const [, scheme, rest] = /^([a-z+-]+):\/\/(.*)$/is.exec(url.trim()) ?? []
  if (/^(redis|valkey)s?-sentinel$|^rediss-sentinel$/.test(scheme)) return fromSentinelUrl(rest, scheme)
  if (/^((redis|valkey)\+)?unix$/.test(scheme)) return fromSocketUrl(url)
  return /^(rediss?|valkeys?)$/.test(scheme) ? fromServerUrl(url, scheme) : undefined
}

/**
 * @param {string} url
 * @param {string} scheme
 * @returns {Address | undefined}
 */
function fromServerUrl(url, scheme) {
  const found = parseUrl(url)
  if (!found?.hostname) return undefined
  const server = { host: found.hostname.replace(/[[\]]/g, ''), port: Number(found.port || PORT) }
  const isTls = /^(rediss|valkeys)$/.test(scheme)
  return { servers: [server], isTls, ...loginOf(found), db: dbOf(found.pathname.slice(1)), name: nameOf(server) }
}

/**
 * @param {string} url
 * @returns {Address | undefined}
 */
function fromSocketUrl(url) {
  const found = parseUrl(url)
  if (!found?.pathname) return undefined
  const [path, query] = [percentDecode(found.pathname), found.searchParams]
  const login = { username: query.get('user') ?? undefined, password: query.get('pass') ?? undefined }
  return { servers: [{ path }], isTls: false, ...login, db: dbOf(query.get('db') ?? ''), name: path }
}

/**
 * `redis-sentinel://[login@]host:port,host:port/db#master`
 *
 * @param {string} text
 * @param {string} scheme
 * @returns {Address | undefined}
 */
function fromSentinelUrl(text, scheme) {
  const [, login, hosts, db = '', master] = /^(?:(.*)@)?([^@/#]+)(?:\/([^#]*))?#(.+)$/.exec(text) ?? []
  const urls = hosts?.split(',').map((host) => parseUrl(`redis://${host}`)) ?? []
  const account = parseUrl(`redis://${login === undefined ? '' : `${login}@`}localhost`)
  if (urls.length === 0 || account === undefined || urls.includes(undefined)) return undefined
  const servers = urls.map((url) => ({
    host: /** @type {URL} */ (url).hostname.replace(/[[\]]/g, ''),
    port: Number(/** @type {URL} */ (url).port || SENTINEL_PORT),
  }))
  return { servers, master, isTls: scheme === 'rediss-sentinel', ...loginOf(account), db: dbOf(db), name: hosts }
}

/** @param {string} url */
function parseUrl(url) {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

/** @param {URL} url */
const loginOf = ({ username, password }) => ({
  username: username ? percentDecode(username) : undefined,
  password: password ? percentDecode(password) : undefined,
})

/** @param {string} text */
const dbOf = (text) => (/^\d+$/.test(text) ? Number(text) : 0)

/**
 * The address of a server as text.
 *
 * @param {ServerAddress} server
 */
export const nameOf = (server) =>
  'path' in server ? server.path : `${isIP(server.host) === 6 ? `[${server.host}]` : server.host}:${server.port}`
