// Every fault that the fleet's tests know, played on real processes and a real Redis, with the numbers that came of it.
// A word chooses scenarios whose title has it. `--write` puts the table into docs/en/reliability.md
// and docs/zh/reliability.md.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { inChinese } from './scenario-words.mjs'

/**
 * @typedef {object} Scenario
 * @property {string} fault
 * @property {string} moment
 * @property {string} mode
 * @property {number[]} promises
 * @property {string} [skip]
 * @property {(t: { after(hook: () => unknown): void }) => Promise<Result>} run
 */
/**
 * @typedef {{ calls: number, failed: number, codes: string[], tokenRequests: number, slowestMs: number,
 *   hung: number, crashed: number, secrets: number }} Result
 */
/** @typedef {{ scenario: Scenario, result: Result, broken: string[] }} Row */

// Nothing is in random order here.
process.env.TEST_SEED ??= '0'
const { broken, scenarios, title } = await import(new URL('../__test__/fleet/scenarios.mjs', import.meta.url).href)

const AT_ONCE = 2
/** A scenario that takes longer has hung itself. */
const LIMIT = 90_000
const PAGES = {
  en: new URL('../docs/en/reliability.md', import.meta.url),
  zh: new URL('../docs/zh/reliability.md', import.meta.url),
}

const { values, positionals } = parseArgs({ options: { write: { type: 'boolean' } }, allowPositionals: true })
/** @type {Scenario[]} */
const wanted = scenarios.filter((/** @type {Scenario} */ one) => positionals.every((word) => title(one).includes(word)))
for (const one of wanted) if (one.skip) console.log(`SKIPPED: ${title(one)}: ${one.skip}`)
const chosen = wanted.filter(({ skip }) => skip === undefined)
if (chosen.length === 0) {
  console.error(`no scenario has ${positionals.join(' and ')} in its title`)
  process.exit(1)
}

const HEAD = ['scenario', 'moment', 'mode', 'calls', 'failed', 'token requests', 'slowest call', 'promises']
const widths = [Math.max(...chosen.map(({ fault }) => fault.length)), 13, 7, 5, 20, 14, 12, 0]

console.log(line(HEAD))
const rows = await playAll(chosen)
const total = (/** @type {'hung' | 'crashed' | 'secrets'} */ name) =>
  rows.reduce((sum, { result }) => sum + result[name], 0)
const faults = rows.filter((row) => row.broken.length > 0)
console.log(`\n${rows.length} scenarios, ${faults.length} outside their bounds`)
console.log(`hung ${total('hung')}, crashed ${total('crashed')}, secrets ${total('secrets')}`)
if (values.write) write()
process.exit(faults.length > 0 ? 1 : 0)

/**
 * Some at a time; the rows are in the order of the list.
 *
 * @param {Scenario[]} list
 */
async function playAll(list) {
  /** @type {Row[]} */
  const rows = []
  const waiting = [...list.entries()]
  const player = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [place, scenario] = next
      rows[place] = await play(scenario)
      show(rows[place])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, player))
  return rows
}

/**
 * @param {Scenario} scenario
 * @returns {Promise<Row>}
 */
async function play(scenario) {
  /** @type {(() => unknown)[]} */
  const hooks = []
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LIMIT} ms`)), LIMIT)
  })
  /** @type {Row} */
  const row = { scenario, result: nothing(), broken: [] }
  try {
    row.result = await Promise.race([scenario.run({ after: (hook) => hooks.push(hook) }), late])
    row.broken = broken(scenario, row.result)
  } catch (error) {
    row.result.hung = 1
    row.broken = [`it did not come to its end: ${error}`]
  }
  clearTimeout(timer)
  for (const hook of hooks)
    await Promise.resolve()
      .then(hook)
      .catch((error) => row.broken.push(String(error)))
  return row
}

/** @returns {Result} */
function nothing() {
  return { calls: 0, failed: 0, codes: [], tokenRequests: 0, slowestMs: 0, hung: 0, crashed: 0, secrets: 0 }
}

/** @param {Row} row */
function show(row) {
  console.log(line(cells(row)))
  for (const text of row.broken) console.log(`  BROKEN: ${text}`)
}

/**
 * @param {Row} row
 * @returns {string[]}
 */
function cells({ scenario: { fault, moment, mode, promises }, result }) {
  const { calls, failed, codes, tokenRequests, slowestMs } = result
  const failures = failed > 0 ? `${failed} ${codes.join(' ')}` : '0'
  return [fault, moment, mode, `${calls}`, failures, `${tokenRequests}`, `${slowestMs} ms`, promises.join(', ')]
}

/** @param {string[]} texts */
function line(texts) {
  return texts
    .map((text, place) => text.padEnd(widths[place]))
    .join('  ')
    .trimEnd()
}

/** Into its place on the page of each language, whose text is written by hand. */
function write() {
  const table = [HEAD, HEAD.map(() => '---'), ...rows.map(cells)].map((texts) => `| ${texts.join(' | ')} |`)
  const sum = `${rows.length} scenarios, ${faults.length} outside their bounds: hung ${total('hung')}, crashed ${total('crashed')}, secrets ${total('secrets')}.`
  const text = [environment(), table.join('\n'), sum].join('\n\n')
  for (const [page, table] of /** @type {const} */ ([
    [PAGES.en, text],
    [PAGES.zh, inChinese(text).trimEnd()],
  ])) {
    const place = /(<!-- scenarios -->\n).*(\n<!-- \/scenarios -->)/s
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(place, (_, begin, end) => `${begin}${table}${end}`),
    )
  }
}

function environment() {
  const day = new Date().toISOString().slice(0, 10)
  const memory = Math.round(totalmem() / 2 ** 30)
  const [, redis] = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout.match(/v=(\S+)/) ?? []
  return `Run on ${day}: ${availableParallelism()} cores, ${memory} GiB, Node ${process.version}, Redis ${redis}.`
}
