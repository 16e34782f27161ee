// What wxacode sets out to reach, beside what was measured. All with 64 concurrent calls and 60 KB unless it is said.

import { median, medians, number, ratio, table } from './figures.mjs'
import { BARE, OURS, REFERENCE } from './names.mjs'

/** How many times the figure of another client in a scene. */
const times = (scene, client, figure) => ({
  digits: 2,
  unit: 'x',
  measured: ({ scenes }) => {
    const rounds = scenes.find(({ name }) => name === scene)?.rounds
    const known = rounds?.[OURS]?.[0][figure] !== undefined && rounds[client] !== undefined
    return known ? ratio(rounds[OURS], rounds[client], figure) : undefined
  },
})

const addedByFirst = (kind) => ({
  unit: ' ms',
  digits: 1,
  measured: ({ [kind]: cold }) => cold?.[OURS] && medians(cold[OURS]).ms - medians(cold.none).ms,
})

const ofOurs = (part, figure, unit) => ({
  unit,
  digits: 2,
  measured: ({ [part]: rounds }) => rounds?.[OURS] && median(rounds[OURS].map((round) => round[figure])),
})

const addonSize = { unit: ' MB', digits: 2, measured: ({ addonBytes }) => addonBytes && addonBytes / 1e6 }

const against = `against ${REFERENCE}`

/** `least` or `most` is the goal, `aim` more than that. */
export const GOALS = [
  { what: `codes per second ${against}`, ...times('usual', REFERENCE, 'codesPerSecond'), least: 1.9, aim: 2.3 },
  { what: `CPU per code ${against}`, ...times('usual', REFERENCE, 'cpuUs'), most: 0.6, aim: 0.5 },
  { what: 'CPU per code against the bare loop', ...times('usual', BARE, 'cpuUs'), most: 1.55, aim: 1.3 },
  { what: `JavaScript thread per code ${against}`, ...times('usual', REFERENCE, 'threadUs'), most: 0.2, aim: 0.14 },
  { what: `over TLS: CPU per code ${against}`, ...times('tls', REFERENCE, 'cpuUs'), most: 0.6, aim: 0.55 },
  { what: 'over TLS: CPU per code against the bare loop', ...times('tls', BARE, 'cpuUs'), most: 1.2, aim: 1.1 },
  { what: `event-loop delay p99 ${against}`, ...times('usual', REFERENCE, 'delayP99Ms'), most: 0.6, aim: 0.4 },
  {
    what: `1000 concurrent calls: peak RSS ${against}`,
    ...times('thousand', REFERENCE, 'rssMiB'),
    most: 0.9,
    aim: 0.7,
  },
  {
    what: 'a cached code, over `Buffer.from` of the same bytes',
    ...ofOurs('kept', 'overUs', ' µs'),
    most: 1.5,
    aim: 1,
  },
  { what: 'cold start: first code over bare Node', ...addedByFirst('cold'), most: 20, aim: 8 },
  { what: 'the same over TLS', ...addedByFirst('coldTls'), most: 20, aim: 8 },
  { what: 'addon', ...addonSize, most: 4.5, aim: 3.9 },
  { what: '10,000 clients: to make one', ...ofOurs('many', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: '10,000 clients: to keep one', ...ofOurs('many', 'keepKiB', ' KiB'), most: 16, aim: 4 },
  { what: '10,000 merchants: to make a client', ...ofOurs('merchants', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: '10,000 merchants: to keep a client', ...ofOurs('merchants', 'keepKiB', ' KiB'), most: 16, aim: 4 },
  { what: 'the same with Redis: to make a client', ...ofOurs('merchantsRedis', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: 'the same with Redis: to keep a client', ...ofOurs('merchantsRedis', 'keepKiB', ' KiB'), most: 16, aim: 4 },
]

/** One row for each goal that was measured. */
export function goals(results) {
  return GOALS.flatMap(({ what, measured, least, most, aim, unit, digits }) => {
    const value = measured(results)
    if (value === undefined) return []
    const reaches = (bound) => (least === undefined ? value <= bound : value >= bound)
    const verdict = reaches(aim) ? 'aim reached' : reaches(least ?? most) ? 'reached' : 'missed'
    const show = (of) => `${number(of, digits)}${unit}`
    return [
      [what, show(value), `${least === undefined ? 'at most' : 'at least'} ${show(least ?? most)}`, show(aim), verdict],
    ]
  })
}

export const goalsText = (results) => table(['', 'measured', 'goal', 'aim', ''], goals(results))
