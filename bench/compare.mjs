// npm run bench:compare -- before.json after.json: what differs between two runs, and whether by more than chance.
// With one file, of a run with `--addon`, the two builds in it.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { median, number, table } from './figures.mjs'
import { BEFORE, OURS, REFERENCE } from './names.mjs'
import { LEAST_ROUNDS, pairedInterval, unpairedInterval } from './noise.mjs'

/** By name: what it is called, its decimals, and whether more of it is better. */
const FIGURES = {
  codesPerSecond: ['codes/s', 0, true],
  cpuUs: ['CPU µs/code', 1],
  threadUs: ['JS thread µs/code', 1],
  delayP99Ms: ['loop delay p99 ms', 2],
  rssMiB: ['peak RSS MiB', 0],
  hitUs: ['a hit, µs', 2],
  overUs: ['a hit over it, µs', 2],
  hitCpuUs: ['CPU of a hit, µs', 2],
  ms: ['first code, ms', 1],
  makeUs: ['to make one, µs', 1],
  keepKiB: ['to keep one, KiB', 2],
}

const TITLES = {
  kept: 'a cached code',
  cold: 'cold start',
  coldTls: 'cold start over TLS',
  many: '10,000 clients',
  merchants: '10,000 merchants of a platform',
  merchantsRedis: '10,000 merchants of a platform with Redis',
}

/** Everything that was measured, as `[title, rounds by client]`. */
const parts = (results) => [
  ...results.scenes.map(({ title, rounds }) => [title, rounds]),
  ...Object.entries(TITLES).flatMap(([name, title]) => (results[name] ? [[title, results[name]]] : [])),
]

/** The two builds of a run with `--addon`, round by round. */
export const compareBuilds = (results) =>
  parts(results).flatMap(([scene, rounds]) =>
    rounds[BEFORE] && rounds[OURS] ? rowsOf(scene, OURS, rounds[BEFORE], rounds[OURS], pairedInterval) : [],
  )

/**
 * Every client of two runs. What the machine did in one of them, it did to all: wxacode is also compared as a multiple of
 * the reference in the same round, and that is the row to judge by.
 */
export function compareRuns(before, after) {
  const then = new Map(parts(before))
  return parts(after).flatMap(([scene, now]) => {
    const [theirs, ours] = [withMultiple(then.get(scene) ?? {}), withMultiple(now)]
    return Object.keys(ours)
      .filter((client) => theirs[client])
      .flatMap((client) => rowsOf(scene, client, theirs[client], ours[client], unpairedInterval))
  })
}

function withMultiple(rounds) {
  const { [OURS]: ours, [REFERENCE]: reference, ...others } = rounds
  if (!ours || !reference) return rounds
  const multiple = ours.map((round, n) =>
    Object.fromEntries(Object.entries(round).map(([figure, value]) => [figure, value / reference[n][figure]])),
  )
  return { [`${OURS} / ${REFERENCE}`]: multiple, [OURS]: ours, [REFERENCE]: reference, ...others }
}

function rowsOf(scene, client, before, after, intervalOf) {
  return Object.keys(FIGURES).flatMap((figure) => {
    const [then, now] = [before, after].map((rounds) => rounds.map((round) => round[figure]))
    if ([...then, ...now].some((value) => !(value > 0))) return []
    const interval = intervalOf(then, now)
    const [least, most] = [median(then), median(now)]
    return [
      {
        scene,
        client,
        figure,
        before: least,
        after: most,
        ratio: most / least,
        interval,
        verdict: verdict(figure, interval),
      },
    ]
  })
}

function verdict(figure, interval) {
  if (!interval) return 'too few rounds'
  if (interval.from <= 1 && interval.to >= 1) return ''
  const [, , moreIsBetter = false] = FIGURES[figure]
  return interval.from > 1 === moreIsBetter ? 'better' : 'worse'
}

export function comparisonText(rows) {
  const multiple = ({ client }) => client.includes(' / ')
  const shown = rows.map(({ interval, ...row }) => {
    const [name, digits] = FIGURES[row.figure]
    const of = (value) => (multiple(row) ? `${number(value, 3)}x` : number(value, digits))
    const range = interval ? `${number(interval.from, 2)} to ${number(interval.to, 2)}` : ''
    return [row.scene, row.client, name, of(row.before), of(row.after), number(row.ratio, 2), range, row.verdict]
  })
  const few = rows.some(({ interval }) => !interval)
  return `${table(['', 'client', '', 'before', 'after', 'ratio', 'by 99 %', ''], shown)}

Marked is what differs by more than chance.${few ? ` Too few rounds: two runs need 5 each, two builds in one run ${LEAST_ROUNDS}.` : ''}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals } = parseArgs({ allowPositionals: true })
  if (positionals.length < 1 || positionals.length > 2) {
    console.error('npm run bench:compare -- before.json after.json\nnpm run bench:compare -- run-with-addon.json')
    process.exit(1)
  }
  const [before, after] = await Promise.all(
    positionals.map(async (file) => JSON.parse(await readFile(resolve(process.env.INIT_CWD ?? '', file), 'utf8'))),
  )
  const rows = after ? compareRuns(before, after) : compareBuilds(before)
  console.log(comparisonText(rows))
}
