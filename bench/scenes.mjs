// What is measured: a load, and who carries it.

const EVERYBODY = ['wxacode', 'undici', 'undici Pool', 'fetch', 'axios', 'co-wechat-api', 'impit', 'go', 'bare']
const FEW = ['wxacode', 'undici', 'undici Pool', 'co-wechat-api', 'bare']

export const USUAL = { concurrency: 64, size: 60 * 1024, latency: 0, tls: false }

/** The first is the one that all others are compared with. */
export const scenes = [
  { name: 'usual', title: '64 concurrent calls, 60 KB', ...USUAL, clients: EVERYBODY },
  { name: 'tls', title: 'the same over TLS', ...USUAL, tls: true, clients: EVERYBODY },
  { name: 'one', title: 'one call at a time', ...USUAL, concurrency: 1, clients: FEW },
  { name: 'thousand', title: '1000 concurrent calls', ...USUAL, concurrency: 1000, clients: FEW },
  {
    name: 'distance',
    title: '1000 concurrent calls, 50 ms to the server',
    ...USUAL,
    concurrency: 1000,
    latency: 50,
    clients: FEW,
  },
  { name: 'small', title: '5 KB', ...USUAL, size: 5 * 1024, clients: FEW },
  { name: 'large', title: '400 KB', ...USUAL, size: 400 * 1024, clients: FEW },
]
