// What the page of the measurements says, in both languages. `{name}` stands for what differs from run to run.

import { translator } from '../scripts/translator.mjs'

/** @type {[en: string, zh: string][]} */
const TEXTS = [
  ['Performance', '性能'],
  [
    'What a code costs your server with wxacode, and with what you could use instead.',
    '用 wxacode 取一张小程序码，服务器要付出多少；换成别的写法，又是多少。',
  ],
  [
    'Measured on {date}: {cores} cores ({cpu}), {memoryGiB} GiB, Node {node}. Unless it is said, 64 calls are under way at any time, and a code has 60 KB. Figures are medians of {rounds} rounds. In each round each client runs once, in its own process, against a server in Rust on the same machine. Ratios are medians of the ratios of the rounds.',
    '{date} 测得：{cores} 核（{cpu}），{memoryGiB} GiB 内存，Node {node}。除非另外说明，始终有 64 个并发调用，每张码 60 KB。数字是 {rounds} 轮的中位数：每一轮里各客户端依次在自己的进程中运行，请求同一台机器上用 Rust 写的服务。比值是各轮比值的中位数。',
  ],
  ['Over HTTPS', 'HTTPS'],
  [
    'api.weixin.qq.com is called over HTTPS, so this is the usual case.',
    '调用 api.weixin.qq.com 用的是 HTTPS，所以这是最常见的情况。',
  ],
  [
    'Beside `undici Pool`, wxacode has {codes} times the codes per second, and needs {cpu} times the CPU and {thread} times the JavaScript thread for each. The loop delay is {delay} times as long.',
    '与 `undici Pool` 相比，wxacode 每秒的张数是它的 {codes} 倍，每张码的 CPU 是它的 {cpu} 倍，占用 JavaScript 线程的时间是它的 {thread} 倍，循环延迟是它的 {delay} 倍。',
  ],
  ['Over plain HTTP', '明文 HTTP'],
  [
    "As inside WeChat's cloud, where a proxy of WeChat adds TLS and the access token.",
    '微信云托管里就是这样：TLS 和 access_token 由微信的代理添加。',
  ],
  ['Other loads', '其他负载'],
  [
    'wxacode over plain HTTP, and in brackets how many times the figure of `undici Pool` that is. Where codes per second are below 1x, or anything else is above, `undici Pool` is better.',
    'wxacode 在明文 HTTP 下的数字，括号里是它相当于 `undici Pool` 的几倍。张/秒低于 1x，或其他各列高于 1x 时，`undici Pool` 更好。',
  ],
  ['Memory', '内存'],
  [
    'In one process, RSS is {first} MiB after 20,000 calls, and {last} MiB after 200,000.',
    '同一个进程里，调用 2 万次之后 RSS 是 {first} MiB，20 万次之后是 {last} MiB。',
  ],
  ['A cached code', '命中缓存'],
  [
    'With `cache`, the same code again takes {hit} µs, all on the JavaScript thread. `Buffer.from` of the same bytes, the copy that every caller needs, takes {copy} µs.',
    '开启 `cache` 后再次请求同一个码，一共 {hit} µs，都在 JavaScript 线程上。每个调用方都要得到自己的一份副本，单独用 `Buffer.from` 复制同样的字节要 {copy} µs。',
  ],
  [
    'A code that is not in memory takes {disk} µs from `cache.directory`, and {store} µs from a `cache.store` that responds at once; a request to a server on the same machine that responds at once takes {server} µs. WeChat takes tens of milliseconds or more.',
    '内存里没有的码，从 `cache.directory` 读取要 {disk} µs，从立即返回的 `cache.store` 读取要 {store} µs；请求同一台机器上立即响应的服务要 {server} µs。请求微信通常要几十毫秒以上。',
  ],
  ['Cold start', '冷启动'],
  [
    "From the start of the process to the first code, over a Node that loads only this benchmark's own module ({ms} ms).",
    '从进程启动到拿到第一张码，已减去只加载测量脚本的 Node 的时间（{ms} ms）。',
  ],
  ['How to read the figures', '怎样看这些数字'],
  [
    'Clients and server share the {cores} cores, so rates are lower than a client would reach with a server elsewhere.',
    '客户端与服务共用 {cores} 个核，所以速率低于服务在别的机器上时。',
  ],
  [
    'The server responds at once and sends the same picture each time. WeChat takes longer, and allows 5000 codes a minute with `getUnlimitedQRCode`: what matters there is CPU, the JavaScript thread and the loop delay, rather than codes per second.',
    '服务会立即响应，每次返回同一张图片。微信的响应更慢，`getUnlimitedQRCode` 每分钟也只允许 5000 次，所以实际使用时更该看 CPU、JS 线程和循环延迟，而不是每秒张数。',
  ],
  [
    '`undici` is its `request`; `undici Pool` has one connection for each call. All else of every client is at its defaults.',
    '`undici` 是它的 `request`；`undici Pool` 为每个并发调用各建一条连接。各客户端的其余设置都用默认值。',
  ],
  [
    'wxacode also checks the parameters, manages the access token and refuses what is no picture. co-wechat-api manages the token too; the others are given one and check nothing.',
    'wxacode 还要校验参数、管理 access_token、检查返回的是不是图片。co-wechat-api 也管理 access_token；其余客户端直接使用现成的 access_token，不做任何检查。',
  ],
  [
    'Over HTTPS all clients use the same cipher, AES-128-GCM, and keep their connections: the handshakes are over before the measurement begins.',
    'HTTPS 场景里各客户端使用同一加密套件 AES-128-GCM，并复用连接：测量开始前握手已经完成。',
  ],
  [
    'JS thread is the time in which the event loop was not idle, as Node counts it.',
    'JS 线程时间是 Node 统计的事件循环非空闲时间。',
  ],
  [
    'Loop delay p99 is how late a timer of 1 ms fires while the client works: later in one case of 100. How late it fires in an idle process is subtracted.',
    '循环延迟 p99：客户端工作时，1 ms 的定时器有百分之一比这个数字更晚触发。已减去空闲进程里的晚触发时间。',
  ],
  ['RSS is the peak of the process, with Node itself.', 'RSS 是进程的峰值，包括 Node 本身。'],
  [
    'Run it yourself, in a clone of the repository: `npm run bench`. What wxacode sets out to reach, and every scene in full, is in [bench/GOALS.md](../../bench/GOALS.md).',
    '可以在仓库里自己运行：`npm run bench`。wxacode 的性能目标和各场景的全部数据见 [bench/GOALS.md](../../bench/GOALS.md)。',
  ],
  ['Over HTTPS: {scene}', 'HTTPS：{scene}'],
  ['codes per second', '每秒张数'],
  ['CPU µs per code', '每张码的 CPU 微秒'],
  ['JS thread µs per code', '每张码的 JS 线程微秒'],
  ['load', '负载'],
  ['one call at a time', '逐个调用（并发为 1）'],
  ['1000 concurrent calls', '1000 个并发调用'],
  ['1000 concurrent calls, 50 ms to the server', '1000 个并发调用，服务延迟 50 ms 响应'],
  ['client', '客户端'],
  ['codes/s', '张/秒'],
  ['CPU µs/code', 'CPU µs/张'],
  ['JS thread µs/code', 'JS 线程 µs/张'],
  ['loop delay p99 ms', '循环延迟 p99 ms'],
  ['peak RSS MiB', '峰值 RSS MiB'],
  ['ms over HTTPS', 'HTTPS 的 ms'],
]

/** Clients and figures have the same name in every language. */
const SAME =
  /^(?:wxacode|undici|undici Pool|fetch|axios|co-wechat-api|impit|ms|5 KB|400 KB|-+|[\d.,]+(?: \([\d.,]+x\))?)$/

/** The page in Chinese, from the English one. */
export const { page: inChinese } = translator(TEXTS, SAME, 'bench/words.mjs')

/** The English text that begins so, with what it leaves open. @param {string} start @param {Record<string, unknown>} [parts] */
export function text(start, parts = {}) {
  const found = TEXTS.find(([en]) => en.startsWith(start))
  if (!found) throw new Error(`bench/words.mjs has no text that begins: ${start}`)
  return found[0].replace(/\{(\w+)\}/g, (_, name) => String(parts[name]))
}
