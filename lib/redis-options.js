'use strict'

/** Explains an option `redis` that is the options or an instance of ioredis or node-redis instead of a URL. */

const { excerpt } = require('./excerpt')
const { safeGet } = require('./safe-object')

/** @typedef {import('../index').Explanation} Explanation */

const HOST = /^[\w.:-]{1,253}$/

/**
 * Says what `given` is instead of a URL, and which URL to write. The explanation does not repeat a login.
 *
 * @param {object} given
 * @returns {Explanation | undefined}
 */
function explainRedisOptions(given) {
  const isClient = typeof safeGet(given, 'sendCommand') === 'function'
  const options = isClient ? (safeGet(given, 'options') ?? safeGet(given, '_options') ?? {}) : given
  if (!isClient && (safeGet(given, 'url') !== undefined || !isAddress(options))) return undefined
  const url = excerpt(urlOf(options))
  const what = isClient
    ? {
        zh: 'redis 是一个 Redis 客户端实例，须为地址：连接由 wxacode 的 Rust 部分建立，不能使用 JavaScript 的连接',
        en: 'redis is an instance of a Redis client; it must be a URL, because the Rust part of wxacode makes the connection and cannot use one of JavaScript',
      }
    : {
        zh: 'redis 是主机和端口等选项，须为地址',
        en: 'redis is an object with host, port or similar options; it must be a URL',
      }
  return {
    cause: what,
    fix: {
      zh: `写作 redis: '${url}'；有密码时写在 // 之后：用户名:密码@`,
      en: `Write redis: '${url}'; put a login after the //, as in user:password@`,
    },
  }
}

/** @param {any} options */
const isAddress = (options) =>
  ['host', 'port', 'path', 'socket', 'sentinels', 'rootNodes', 'nodes'].some(
    (name) => safeGet(options, name) !== undefined,
  )

/**
 * The URL that says what these options say, as far as it can be shown.
 *
 * @param {any} options of ioredis, or of node-redis with its `socket`
 */
function urlOf(options) {
  const socket = safeGet(options, 'socket') ?? options
  const tls = safeGet(socket, 'tls') ? 's' : ''
  const path = safeGet(socket, 'path')
  if (typeof path === 'string') return `unix://${path}`
  const sentinels = safeGet(options, 'sentinels')
  if (Array.isArray(sentinels) && sentinels.length > 0)
    return `redis${tls}-sentinel://${sentinels
      .slice(0, 3)
      .map((one) => hostOf(one, 26379))
      .join(',')}/${databaseOf(options)}#${nameOf(options)}`
  return `redis${tls}://${hostOf(socket, 6379)}/${databaseOf(options)}`
}

/**
 * @param {any} at
 * @param {number} usual
 */
function hostOf(at, usual) {
  const host = safeGet(at, 'host')
  const port = Number(safeGet(at, 'port') ?? usual)
  const shown = typeof host === 'string' && HOST.test(host) ? (host.includes(':') ? `[${host}]` : host) : 'localhost'
  return `${shown}:${Number.isInteger(port) ? port : usual}`
}

/** @param {any} options */
function databaseOf(options) {
  const database = Number(safeGet(options, 'db') ?? safeGet(options, 'database') ?? 0)
  return Number.isInteger(database) ? database : 0
}

/** @param {any} options */
function nameOf(options) {
  const name = safeGet(options, 'name')
  return typeof name === 'string' && /^[\w.-]{1,60}$/.test(name) ? name : 'mymaster'
}

module.exports = { explainRedisOptions }
