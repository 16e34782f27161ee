// What the table of docs/en/reliability.md says, in Chinese.

import { translator } from './translator.mjs'

/** @type {[en: string, zh: string][]} */
const TEXTS = [
  ['Nothing breaks', '没有故障'],
  ['Nothing breaks, over TLS', '没有故障，Redis 使用 TLS'],
  ['Redis comes and goes', 'Redis 时断时续'],
  ['Two accounts in one Redis', '两个账号共用一个 Redis'],
  ['AppSecret is changed', '更换 AppSecret'],
  ['An AppSecret that is wrong', 'AppSecret 错误'],
  ['100 workers come and go, half of them ended amid calls', '100 个 worker 先后启停，一半在调用中途终止'],
  ['Redis refuses connections', 'Redis 拒绝连接'],
  ['Redis is a black hole', '发给 Redis 的请求全部丢失'],
  ['Redis takes 200 ms for a reply', 'Redis 每次响应需要 200 ms'],
  ['Redis resets connections', 'Redis 重置连接'],
  ['Redis half-closes connections', 'Redis 半关闭连接'],
  ['Redis answers byte by byte', 'Redis 逐字节响应'],
  ["Redis's replies get lost", 'Redis 收到请求，但响应丢失'],
  ['Redis is a replica (READONLY)', 'Redis 是只读副本（READONLY）'],
  ['Redis is a replica (READONLY), no ratePerMinute', 'Redis 是只读副本（READONLY），不设 ratePerMinute'],
  ['Redis loads its data (LOADING)', 'Redis 正在加载数据（LOADING）'],
  ['Redis wants a password (NOAUTH)', 'Redis 要求密码（NOAUTH）'],
  ['Redis dies and comes back empty', 'Redis 崩溃，重启后没有数据'],
  ['Redis is emptied (FLUSHALL)', 'Redis 被清空（FLUSHALL）'],
  ['The leader is killed (SIGKILL)', '负责刷新的进程被杀死（SIGKILL）'],
  ['The leader is stopped (SIGSTOP) and goes on later', '负责刷新的进程被挂起（SIGSTOP），之后恢复'],
  ['The leader alone is cut off from Redis', '只有负责刷新的进程与 Redis 断开'],
  ['The reply that grants the lock gets lost', '授予锁的响应丢失'],
  ['The reply that grants the lock gets lost, and the connection breaks', '授予锁的响应丢失，连接随之断开'],
  ['Redis is stopped (SIGSTOP) while it is asked for the lock', '请求锁时 Redis 被挂起（SIGSTOP）'],
  ['The reply that lets a process hand over its token is lost', '进程共享 access_token 时，Redis 的响应丢失'],
  ['WeChat refuses the token while Redis refuses connections', 'Redis 拒绝连接期间，微信拒绝 access_token'],
  ['WeChat takes 3 s for a token', '微信需要 3 秒才返回 access_token'],
  ['WeChat does not answer the first attempt', '微信不响应第一次请求'],
  ['More calls than ratePerMinute (10) allows', '调用次数超过 ratePerMinute（10）'],
  ['Redis refuses connections, ratePerMinute is set', 'Redis 拒绝连接，设置了 ratePerMinute'],
  ['WeChat says that the minute is full (45009)', '微信返回本分钟额度已用完（45009）'],
  ['WeChat says that the minute is full (45011)', '微信返回本分钟额度已用完（45011）'],
  ['The Redis user may not have the keys of one account (NOPERM)', 'Redis 用户无权访问某个账号的键（NOPERM）'],
  ["An account's token key holds a string (WRONGTYPE)", '某个账号的 token 键存的是字符串（WRONGTYPE）'],
  ["An account's fence is no number", '某个账号的 fence 键不是数字'],
  ["An account's fence is at the end of numbers", '某个账号的 fence 键已到整数上限'],
  [
    "An account's token does not open (forged, restored from elsewhere)",
    '某个账号的 access_token 无法解密（伪造，或从别处恢复）',
  ],
  ["An account's token is torn", '某个账号的 access_token 数据残缺'],
  [
    "An account's token says that it is another one (forged fingerprint)",
    '某个账号的 access_token 与指纹不符（指纹伪造）',
  ],
  ["An account's token has a generation that no lock has drawn", '某个账号的 access_token 带有从未分配过的 generation'],
  ["An account's token has no end (PERSIST)", '某个账号的 access_token 没有过期时间（PERSIST）'],
  ["An account's lock is one without an end (PERSIST)", '某个账号的锁没有过期时间（PERSIST）'],
  ["An account's lock is one that another writer has set for a day", '某个账号的锁被占用一天'],
  [
    "One process's way to WeChat is dead, and it asks for hot codes (cache.redis)",
    '一个进程连不上微信，同时请求热门的码（cache.redis）',
  ],
  [
    'WeChat refuses a hot code (41030) after 900 ms, and 14 processes ask for it (cache.redis)',
    '14 个进程请求同一个码，微信 900 ms 后拒绝（41030）（cache.redis）',
  ],
  [
    'A picture is too large for Redis (maxEntryBytes), and 14 processes ask for it (cache.redis)',
    '14 个进程请求同一个码，图片超过 maxEntryBytes，不能存入 Redis（cache.redis）',
  ],
  [
    'Redis is 100 ms away, and 600 codes are asked for at once (cache.redis)',
    'Redis 往返 100 ms，同时请求 600 个码（cache.redis）',
  ],
  [
    'A client has a dead proxy, and another of the same account has none',
    '同一账号的两个实例，一个的代理不可用，一个不用代理',
  ],
  [
    'A client has a wrong AppSecret, and another of the same appid the right one',
    '同一 appid 的两个实例，一个 AppSecret 错误，一个正确',
  ],
  ['A name server does not respond for the hosts of 700 accounts', '域名服务器对 700 个账号的主机名没有响应'],
  ['cold start', '冷启动'],
  ['steady', '稳定运行'],
  ['mid-flight', '获取中'],
  ['token revoked', 'access_token 已被吊销'],
  ['after an outage', '故障恢复后'],
  ['scenario', '场景'],
  ['moment', '时机'],
  ['mode', '方式'],
  ['calls', '调用数'],
  ['failed', '失败数'],
  ['token requests', 'access_token 请求数'],
  ['slowest call', '最慢的调用'],
  ['promises', '承诺'],
  [
    'Run on {day}: {cores} cores, {memory} GiB, Node {node}, Redis {redis}.',
    '运行于 {day}，环境为 {cores} 核，{memory} GiB 内存，Node {node}，Redis {redis}。',
  ],
  [
    '{rows} scenarios, {faults} outside their bounds: hung {hung}, crashed {crashed}, secrets {secrets}.',
    '共 {rows} 个场景，超出预期的 {faults} 个：卡死 {hung}，崩溃 {crashed}，密钥泄露 {secrets}。',
  ],
]

/** Figures, modes and error codes. */
const SAME = /^(?:stable|classic|none|provider|-+|[\d, ]+(?: ms)?|\d+(?: ERR_\w+)+)$/

/** The table and what is around it, from the English one. @param {string} text */
export const { page: inChinese } = translator(TEXTS, SAME, 'scripts/scenario-words.mjs')
