import { quoted } from '../../printable.js'
import { ScriptDeniedError } from './probe.js'
import { NotRedisError, RedisReplyError } from './resp-connection.js'

/** @import { Text } from '../../language.js' */
/** @import { Address } from './address.js' */

/** @typedef {(name: string) => [cause: Text, fix: Text]} Diagnosis the cause and the fix */

export const TIMED_OUT = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })

/** @type {Text} */
const LOOK_THERE = {
  zh: '检查地址与端口；容器里的 127.0.0.1 是容器自己，要写 Redis 的服务名',
  en: 'Look at host and port; inside a container 127.0.0.1 is the container itself: write the name of the Redis service',
}

/** @type {Text} */
const GIVE_LOGIN = {
  zh: '把登录信息写进 WXACODE_REDIS=redis://[用户:]密码@主机:6379（没有用户名时写 redis://:密码@主机）；特殊字符用百分号编码',
  en: 'Put the login into WXACODE_REDIS=redis://user:password@host:6379 (redis://:password@host without a user), special characters percent-encoded',
}

/** By the error code of the system. @type {Record<string, Diagnosis>} */
const BY_SYSTEM_CODE = {
  ENOTFOUND: (name) => [
    { zh: `无法解析 ${name}`, en: `${name} has no address` },
    { zh: '检查主机名的拼写与 DNS', en: 'Look at the spelling of the host, and at DNS' },
  ],
  ECONNREFUSED: (name) => [{ zh: `${name} 没有服务在监听`, en: `no service listens at ${name}` }, LOOK_THERE],
  ETIMEDOUT: (name) => [
    { zh: `${name} 没有响应`, en: `${name} does not answer` },
    {
      zh: '检查防火墙与安全组；云 Redis 还要把这台机器加入它的白名单',
      en: 'Look at firewalls and security groups; a Redis of a cloud has a whitelist too, for this machine',
    },
  ],
  ENOENT: (name) => [
    { zh: `没有 ${name} 这个套接字`, en: `there is no socket ${name}` },
    { zh: '核对 redis.conf 的 unixsocket', en: 'See unixsocket in redis.conf' },
  ],
  EACCES: (name) => [
    { zh: `无权打开 ${name}`, en: `no permission to open ${name}` },
    { zh: '检查该套接字的权限（unixsocketperm）', en: 'Look at the permissions of the socket (unixsocketperm)' },
  ],
  ECONNRESET: (name) => [
    { zh: `${name} 随即断开了连接`, en: `${name} closed the connection at once` },
    {
      zh: '端口要求 TLS 时写 rediss://；也看看是否达到了 maxclients',
      en: 'Write rediss:// if that port speaks TLS; look at maxclients too',
    },
  ],
  EPROTO: (name) => [
    { zh: `${name} 没有用 TLS 响应`, en: `${name} does not answer in TLS` },
    { zh: '写 redis://，或换成支持 TLS 的端口', en: 'Write redis://, or use the port that supports TLS' },
  ],
}

/** By the first word of Redis's error reply. @type {Record<string, Diagnosis>} */
const BY_REDIS_CODE = {
  NOAUTH: (name) => [{ zh: `${name} 要求密码`, en: `${name} requires a password` }, GIVE_LOGIN],
  WRONGPASS: (name) => [
    { zh: `${name} 不接受这个用户名或密码`, en: `${name} does not accept this user or password` },
    GIVE_LOGIN,
  ],
  DENIED: (name) => [
    {
      zh: `${name} 处于保护模式，只接受本机连接`,
      en: `${name} is in protected mode and talks to its own machine only`,
    },
    {
      zh: '为它设置密码（requirepass）并写进地址',
      en: 'Set a password (requirepass), and add it to the address',
    },
  ],
  READONLY: (name) => [
    { zh: `${name} 是只读副本，不能写`, en: `${name} is a replica, which takes no writes` },
    {
      zh: '写主库的地址，或用哨兵：redis-sentinel://主机:26379/0#主库名',
      en: "Use the master's address, or sentinels: redis-sentinel://host:26379/0#master",
    },
  ],
  OOM: (name) => [
    { zh: `${name} 内存已满，不能写`, en: `the memory of ${name} is full, and it takes no writes` },
    {
      zh: '调大 maxmemory，或设置会淘汰旧键的 maxmemory-policy',
      en: 'Raise maxmemory, or set a maxmemory-policy that lets old keys go',
    },
  ],
  MISCONF: (name) => [
    { zh: `${name} 无法写磁盘，因此拒绝写入`, en: `${name} cannot write to its disk, and so takes no writes` },
    { zh: '检查它的磁盘空间与日志', en: 'Look at its disk and its log' },
  ],
  LOADING: (name) => [
    { zh: `${name} 正在加载数据`, en: `${name} is loading its data` },
    { zh: '稍等再运行', en: 'Run it again in a while' },
  ],
  MASTERDOWN: (name) => [
    { zh: `${name} 是副本，且连不上主库`, en: `${name} is a replica that has lost its master` },
    { zh: '检查主库', en: 'Look at the master' },
  ],
  CLUSTERDOWN: (name) => [
    { zh: `${name} 所在的集群不可用`, en: `the cluster of ${name} is down` },
    { zh: '检查集群：redis-cli --cluster check', en: 'Look at it: redis-cli --cluster check' },
  ],
  NOMASTER: (name) => [
    { zh: `哨兵 ${name} 没有这个主库名`, en: `the sentinels ${name} do not know that master` },
    { zh: '核对地址里 # 后面的主库名', en: 'See the name behind # in the address' },
  ],
}

/**
 * @param {any} error
 * @param {Address} address
 * @returns {[cause: Text, fix: Text]}
 */
export function diagnose(error, { name, username, password }) {
  if (error instanceof ScriptDeniedError) return fromScript(error, name, username)
  if (error instanceof NotRedisError) return fromOtherService(error.said, name)
  if (error instanceof RedisReplyError) return fromReply(error, name, { username, password })
  const diagnosis = BY_SYSTEM_CODE[error.code] ?? BY_SYSTEM_CODE[SAME_AS[error.code]]
  return diagnosis ? diagnosis(name) : fromSystem(String(error.code ?? error.message), name)
}

/** @type {Record<string, string>} */
const SAME_AS = {
  EAI_AGAIN: 'ENOTFOUND',
  EHOSTUNREACH: 'ETIMEDOUT',
  ENETUNREACH: 'ETIMEDOUT',
  EPIPE: 'ECONNRESET',
  ERR_SSL_WRONG_VERSION_NUMBER: 'EPROTO',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'EPROTO',
}

/**
 * @param {string} why
 * @param {string} name
 * @returns {[Text, Text]}
 */
function fromSystem(why, name) {
  if (/CERT|SIGNATURE|ISSUER/.test(why)) {
    return [
      { zh: `${name} 的证书不可信：${why}`, en: `the certificate of ${name} is not trusted: ${why}` },
      {
        zh: '用 NODE_EXTRA_CA_CERTS 指定签发它的根证书（程序里也可以用 redis.ca），并核对主机名',
        en: 'Name the root that signed it in NODE_EXTRA_CA_CERTS (in a program, redis.ca), and look at the name of the host',
      },
    ]
  }
  return [{ zh: `无法连接 ${name}：${why}`, en: `no connection to ${name}: ${why}` }, LOOK_THERE]
}

/**
 * @param {string} said
 * @param {string} name
 * @returns {[Text, Text]}
 */
function fromOtherService(said, name) {
  // A TLS alert.
  if (said.startsWith('\x15')) {
    return [
      { zh: `${name} 要求 TLS`, en: `${name} speaks TLS` },
      { zh: '写 rediss://', en: 'Write rediss://' },
    ]
  }
  const answer = quoted(said.split('\n')[0])
  return [
    { zh: `${name} 不是 Redis：返回的是${answer}`, en: `${name} is not Redis: it responds with ${answer}` },
    LOOK_THERE,
  ]
}

/**
 * @param {RedisReplyError} reply
 * @param {string} name
 * @param {{ username?: string, password?: string }} login
 * @returns {[Text, Text]}
 */
function fromReply({ code, message }, name, { username, password }) {
  if (BY_REDIS_CODE[code]) return BY_REDIS_CODE[code](name)
  if (password !== undefined && /AUTH|password/i.test(message)) return needless(name)
  if (code === 'NOPERM') return forbidden(name, username, ['EVAL'], message)
  if (/unknown command|DB index/i.test(message)) return unable(name, message)
  return [
    { zh: `${name} 拒绝了：${quoted(message)}`, en: `${name} refuses: ${quoted(message)}` },
    { zh: '按它所说的检查 Redis 的设置', en: 'Look at its settings, as it says' },
  ]
}

/**
 * @param {string} name
 * @returns {[Text, Text]}
 */
const needless = (name) => [
  { zh: `${name} 没有设置密码，而地址里有`, en: `${name} has no password, and the address has one` },
  { zh: '从地址里去掉密码，或为 Redis 设置它', en: 'Remove it from the address, or set it in Redis' },
]

/**
 * @param {string} name
 * @param {string} message
 * @returns {[Text, Text]}
 */
const unable = (name, message) =>
  /DB index/i.test(message)
    ? [
        { zh: `${name} 没有地址里的那个数据库`, en: `${name} has no database of that number` },
        { zh: '改小地址末尾的数据库编号；集群只有 0', en: 'Choose a smaller number at the end; a cluster has 0 only' },
      ]
    : [
        { zh: `${name} 不支持脚本：${quoted(message)}`, en: `${name} runs no scripts: ${quoted(message)}` },
        { zh: '换成支持 EVAL 的 Redis', en: 'Use a Redis that has EVAL' },
      ]

/**
 * @param {ScriptDeniedError} error
 * @param {string} name
 * @param {string | undefined} username
 * @returns {[Text, Text]}
 */
function fromScript({ commands, reply }, name, username) {
  if (BY_REDIS_CODE[reply.code]) return BY_REDIS_CODE[reply.code](name)
  return forbidden(name, username, commands, reply.message)
}

/**
 * @param {string} name
 * @param {string | undefined} username
 * @param {string[]} commands
 * @param {string} message
 * @returns {[Text, Text]}
 */
function forbidden(name, username = 'default', commands, message) {
  const isOfKeys = /\bkeys?\b/i.test(message)
  const missing = isOfKeys ? '~wxacode:*' : commands.map((command) => `+${command.toLowerCase()}`).join(' ')
  return [
    isOfKeys
      ? {
          zh: `${name} 不许用户 ${username} 使用 wxacode: 开头的键`,
          en: `${name} does not let ${username} use keys that begin with wxacode:`,
        }
      : {
          zh: `${name} 不许用户 ${username} 执行 ${commands.join('、')}`,
          en: `${name} does not let ${username} run ${commands.join(', ')}`,
        },
    { zh: `ACL SETUSER ${username} ${missing}`, en: `ACL SETUSER ${username} ${missing}` },
  ]
}
