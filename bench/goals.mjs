// What wxacode sets out to reach, beside what was measured. All with 64 concurrent calls and 60 KB unless it is said.

import { median, medians, number, ratio, table } from './figures.mjs'
import { BARE, MINIMAL, OURS, REFERENCE } from './names.mjs'

/** How many times the figure of another client in a scene. */
const times = (scene, client, figure) => ({
  digits: 2,
  unit: 'x',
  measured: ({ scenes }, of = OURS) => {
    const rounds = scenes.find(({ name }) => name === scene)?.rounds
    const known = rounds?.[of]?.[0][figure] !== undefined && rounds[client] !== undefined
    return known ? ratio(rounds[of], rounds[client], figure) : undefined
  },
})

const addedByFirst = (kind) => ({
  unit: ' ms',
  digits: 1,
  measured: ({ [kind]: cold }, of = OURS) => cold?.[of] && medians(cold[of]).ms - medians(cold.none).ms,
})

const figureOf = (part, figure, unit) => ({
  unit,
  digits: 2,
  measured: ({ [part]: rounds }, of = OURS) => rounds?.[of] && median(rounds[of].map((round) => round[figure])),
})

const addonSize = {
  unit: ' MB',
  digits: 2,
  measured: ({ addonBytes }, of = OURS) => (of === OURS && addonBytes ? addonBytes / 1e6 : undefined),
}

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
    ...figureOf('kept', 'overUs', ' µs'),
    most: 1.5,
    aim: 1,
  },
  { what: 'cold start: first code over bare Node', ...addedByFirst('cold'), most: 20, aim: 8 },
  { what: 'the same over TLS', ...addedByFirst('coldTls'), most: 20, aim: 8 },
  { what: 'addon', ...addonSize, most: 4.5, aim: 3.9 },
  { what: '10,000 clients: to make one', ...figureOf('many', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: '10,000 clients: to keep one', ...figureOf('many', 'keepKiB', ' KiB'), most: 16, aim: 4 },
  { what: '10,000 merchants: to make a client', ...figureOf('merchants', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: '10,000 merchants: to keep a client', ...figureOf('merchants', 'keepKiB', ' KiB'), most: 16, aim: 4 },
  { what: 'the same with Redis: to make a client', ...figureOf('merchantsRedis', 'makeUs', ' µs'), most: 100, aim: 20 },
  { what: 'the same with Redis: to keep a client', ...figureOf('merchantsRedis', 'keepKiB', ' KiB'), most: 16, aim: 4 },
]

/** One row for each goal that was measured. */
export function goals(results) {
  return GOALS.flatMap(({ what, measured, least, most, aim, unit, digits }) => {
    const value = measured(results)
    if (value === undefined) return []
    const reaches = (bound) => (least === undefined ? value <= bound : value >= bound)
    const verdict = reaches(aim) ? 'aim reached' : reaches(least ?? most) ? 'reached' : 'missed'
    const show = (of) => `${number(of, digits)}${unit}`
    const bound = `${least === undefined ? 'at most' : 'at least'} ${show(least ?? most)}`
    const floor = measured(results, MINIMAL)
    return [[what, show(value), bound, show(aim), verdict, floor === undefined ? '' : show(floor)]]
  })
}

export const goalsText = (results) => table(['', 'measured', 'goal', 'aim', '', MINIMAL], goals(results))
