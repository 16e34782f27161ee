// What wxacode sets out to reach, beside what was measured.

import { median, medians, number, ratio, table } from './figures.mjs'

/** Against a client in a scene: how many times its figure. Beside undici as its documents begin, undici at its best. */
const times = (scene, client, figure, digits = 2) => ({
  digits,
  unit: 'x',
  measured: (results) => against(results, 'wxacode', scene, client, figure),
  bare: (results) => (client === 'bare' ? undefined : against(results, 'bare', scene, client, figure)),
  atBest: (results) => (client === 'undici' ? against(results, 'wxacode', scene, 'undici Pool', figure) : undefined),
})

function against({ scenes }, who, scene, client, figure) {
  const rounds = scenes.find(({ name }) => name === scene)?.rounds
  const known = rounds?.[who]?.[0][figure] !== undefined && rounds[client] !== undefined
  return known ? ratio(rounds[who], rounds[client], figure) : undefined
}

const addedByFirst = (kind) => ({
  unit: ' ms',
  digits: 1,
  measured: ({ [kind]: cold }) => cold?.wxacode && medians(cold.wxacode).ms - medians(cold.none).ms,
})

const ofKept = (figure) => ({
  unit: ' µs',
  digits: 1,
  measured: ({ kept }) => kept && medians(kept)[figure],
})

const ofMany = (figure, unit) => ({
  unit,
  digits: 1,
  measured: ({ many }) => many && median(many.map((round) => round[figure])),
})

const GOALS = [
  { what: 'codes per second against undici', ...times('usual', 'undici', 'codesPerSecond'), least: 2.8, aim: 4 },
  { what: 'against co-wechat-api', ...times('usual', 'co-wechat-api', 'codesPerSecond'), least: 3, aim: 5 },
  { what: 'CPU per code against the bare loop', ...times('usual', 'bare', 'cpuUs'), most: 1.9, aim: 1.4 },
  { what: 'JS thread per code against undici', ...times('usual', 'undici', 'threadUs', 3), most: 1 / 7, aim: 1 / 15 },
  { what: 'event-loop delay p99 against undici', ...times('usual', 'undici', 'delayP99Ms'), most: 1 / 2, aim: 1 / 5 },
  { what: 'over TLS: CPU per code against undici', ...times('tls', 'undici', 'cpuUs'), most: 0.45, aim: 0.35 },
  { what: 'peak RSS against undici', ...times('usual', 'undici', 'rssMiB'), most: 1, aim: 0.7 },
  { what: 'cold start: first code over bare Node', ...addedByFirst('cold'), most: 20, aim: 8 },
  { what: 'the same over TLS', ...addedByFirst('coldTls'), most: 20, aim: 8 },
  {
    what: '1000 calls, 50 ms: codes per second against undici',
    ...times('distance', 'undici', 'codesPerSecond'),
    least: 2,
    aim: 4,
  },
  { what: 'a cached code of 60 KB: JS thread', ...ofKept('hitUs'), most: 5, aim: 3 },
  { what: 'addon', unit: ' MB', digits: 2, measured: ({ addonBytes }) => addonBytes / 1e6, most: 5, aim: 3.5 },
  { what: '10,000 clients: to make one', ...ofMany('makeUs', ' µs'), most: 100, aim: 20 },
  { what: '10,000 clients: to keep one', ...ofMany('keepKiB', ' KiB'), most: 16, aim: 4 },
]

export function goals(results) {
  const rows = GOALS.flatMap(({ what, measured, bare, atBest, least, most, aim, unit, digits }) => {
    const value = measured(results)
    if (value === undefined) return []
    const reached = least === undefined ? value <= most : value >= least
    const show = (of) => (of === undefined ? '' : `${number(of, digits)}${unit}`)
    const bound = least === undefined ? `at most ${show(most)}` : `at least ${show(least)}`
    const beside = [show(bare?.(results)), show(atBest?.(results))]
    return [[what, show(value), bound, show(aim), reached ? 'reached' : 'missed', ...beside]]
  })
  return table(['', 'measured', 'goal', 'aim', '', 'the bare loop', 'against undici Pool'], rows)
}
