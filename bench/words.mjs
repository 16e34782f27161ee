// What the page of the measurements says, in both languages. `{name}` stands for what differs from run to run.

import { translator } from '../scripts/translator.mjs'

/** @type {[en: string, zh: string][]} */
const TEXTS = [
  ['Performance', '性能'],
  [
    'Measured on {date} by `npm run bench -- --write`: {cores} cores ({model}), {memory} GiB, Node {node}. Medians of {rounds} rounds. In each round each client runs once, in its own process, against a server in Rust on the same machine. `bare` is a reqwest loop on one thread without Node: its rate is an upper bound for any client. Ratios are medians of the ratios of the rounds. Clients and server share the cores, so rates are lower than either would reach alone.',
    '{date} 用 `npm run bench -- --write` 测得：{cores} 核（{model}），{memory} GiB 内存，Node {node}。数字是 {rounds} 轮的中位数：每一轮里各客户端依次在自己的进程中运行，请求同一台机器上用 Rust 写的服务。`bare` 是不含 Node 的单线程 reqwest 循环，它的成绩是任何客户端的上限。比值是各轮比值的中位数。客户端与服务共用 CPU，所以速率低于各自独占时。',
  ],
  [
    '`undici` is its `request`; `undici Pool` has one connection for each call.',
    '`undici` 是它的 `request`；`undici Pool` 为每个并发调用各建一条连接。',
  ],
  ['Over TLS every client uses the same cipher, AES-128-GCM.', 'TLS 场景里各客户端使用同一加密套件 AES-128-GCM。'],
  [
    'JS thread is the time in which the event loop was not idle, as Node counts it.',
    'JS 线程时间是 Node 统计的事件循环非空闲时间。',
  ],
  ['RSS is the peak of the process.', 'RSS 是进程的峰值。'],
  ['Goals', '目标'],
  [
    'The goal is what wxacode sets out to reach, and the aim is more than that. A goal is marked as missed even where wxacode is faster than the client beside it.',
    '目标是 wxacode 要达到的数值，期望比目标更高。没有达到目标就写“未达到”，即使 wxacode 比所对比的客户端快。',
  ],
  ['A cached code of 60 KB', '命中缓存的 60 KB 小程序码'],
  ['Cold start', '冷启动'],
  ['200,000 calls in one process', '一个进程调用 20 万次'],
  [
    'Measured on {date} by `npm run bench -- --only kept`, seven times: medians, and the least and the most in brackets.',
    '{date} 用 `npm run bench -- --only kept` 测了七次：中位数，括号里是最小值和最大值。',
  ],
  [
    'With `cache`, the same code again. A hit runs entirely on the JavaScript thread. Rounds alternate with a plain `Buffer.from` of the same bytes, the copy that every caller needs anyway.',
    '开启 `cache` 后再次请求同一个码：命中的全部工作都在 JavaScript 线程上。每轮与单独用 `Buffer.from` 复制同样的字节交替测量：无论怎么实现，调用方都要得到自己的一份副本。',
  ],
  [
    "From the start of the process to the first code, over a Node that loads only this benchmark's own module ({ms} ms).",
    '从进程启动到拿到第一张码，已减去只加载测量脚本的 Node 的时间（{ms} ms）。',
  ],
  ['{scene}: codes per second', '{scene}：每秒张数'],
  ['{scene}: CPU µs per code', '{scene}：每张码的 CPU 微秒'],
  ['64 concurrent calls, 60 KB', '64 个并发调用，60 KB'],
  ['the same over TLS', '同上，经 TLS'],
  ['one call at a time', '逐个调用（并发为 1）'],
  ['1000 concurrent calls', '1000 个并发调用'],
  ['1000 concurrent calls, 50 ms to the server', '1000 个并发调用，服务延迟 50 ms 响应'],
  ['client', '客户端'],
  ['codes/s', '张/秒'],
  ['CPU µs/code', 'CPU µs/张'],
  ['JS thread µs/code', 'JS 线程 µs/张'],
  ['loop delay p99 ms', '循环延迟 p99 ms'],
  ['peak RSS MiB', '峰值 RSS MiB'],
  ['wxacode: codes/s', 'wxacode 是它的几倍（张/秒）'],
  ['wxacode: CPU', 'wxacode 是它的几倍（CPU）'],
  ['ms over TLS', '经 TLS 的 ms'],
  ['after', '进度'],
  ['measured', '测得'],
  ['goal', '目标'],
  ['aim', '期望'],
  ['the bare loop', 'bare 循环'],
  ['against undici Pool', '对比 undici Pool'],
  ['reached', '达到'],
  ['missed', '未达到'],
  ['at least {figure}', '不低于 {figure}'],
  ['at most {figure}', '不高于 {figure}'],
  ['codes per second against undici', '每秒张数，对比 undici'],
  ['against co-wechat-api', '对比 co-wechat-api'],
  ['CPU per code against the bare loop', '每张码的 CPU，对比 bare 循环'],
  ['JS thread per code against undici', '每张码的 JS 线程时间，对比 undici'],
  ['event-loop delay p99 against undici', '事件循环延迟 p99，对比 undici'],
  ['over TLS: CPU per code against undici', '经 TLS：每张码的 CPU，对比 undici'],
  ['peak RSS against undici', '峰值 RSS，对比 undici'],
  ['cold start: first code over bare Node', '冷启动：第一张码，已减去空 Node'],
  ['1000 calls, 50 ms: codes per second against undici', '1000 个并发调用，延迟 50 ms：每秒张数，对比 undici'],
  ['addon ({date})', '原生模块大小（{date}）'],
  ['addon', '原生模块大小'],
  ['a cached code of 60 KB: JS thread ({date})', '命中缓存的 60 KB 码：JS 线程（{date}）'],
  ['a cached code of 60 KB: JS thread', '命中缓存的 60 KB 码：JS 线程'],
  ['10,000 clients: to make one', '1 万个实例：创建一个'],
  ['10,000 clients: to keep one', '1 万个实例：保留一个'],
  ['a hit, µs', '一次命中，µs'],
  ['`Buffer.from` of the same bytes, µs', '单独用 `Buffer.from` 复制同样的字节，µs'],
  ['the rest, µs', '其余，µs'],
  ['{least} ({from} to {to})', '{least}（{from} 到 {to}）'],
]

/** Clients and figures have the same name in every language. */
const SAME =
  /^(?:wxacode|undici|undici Pool|fetch|axios|co-wechat-api|impit|go|bare|ms|RSS MiB|5 KB|400 KB|-+|[\d.,% x]*(?:ms|µs|MB|KiB)?)$/

/** The page in Chinese, from the English one. */
export const { page: inChinese } = translator(TEXTS, SAME, 'bench/words.mjs')

/** The English text that begins so, with what it leaves open. @param {string} start @param {Record<string, unknown>} [parts] */
export function text(start, parts = {}) {
  const found = TEXTS.find(([en]) => en.startsWith(start))
  if (!found) throw new Error(`bench/words.mjs has no text that begins: ${start}`)
  return found[0].replace(/\{(\w+)\}/g, (_, name) => String(parts[name]))
}
