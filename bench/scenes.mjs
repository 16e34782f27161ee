// What is measured: a load, and who carries it.

import { BARE, BEFORE, MINIMAL, OURS, REFERENCE, TRACED } from './names.mjs'

// Another build is only there with `--addon`, the traced one if `--clients` names it, and Go only where it is installed.
const OTHERS = [REFERENCE, 'undici', 'co-wechat-api', 'impit', 'axios', 'fetch', 'go', MINIMAL, BARE]
const EVERYBODY = [OURS, BEFORE, TRACED, ...OTHERS]
const FEW = [OURS, BEFORE, REFERENCE, 'undici', 'co-wechat-api', MINIMAL, BARE]
export const COLD = [OURS, BEFORE, 'undici', 'axios', 'co-wechat-api', 'impit']

/** Enough to judge a change in less than ten minutes. */
export const QUICK = {
  rounds: 20,
  time: 1000,
  warmup: 700,
  only: ['usual', 'tls', 'kept'],
  clients: [OURS, BEFORE, REFERENCE, MINIMAL, BARE],
}

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
