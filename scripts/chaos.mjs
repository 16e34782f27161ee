// Every fault that the fleet's tests know, played on real processes and a real Redis, with the numbers that came of it.
// A word chooses scenarios whose title has it. `--write` puts the table into docs/reliability.md.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

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
const PAGE = fileURLToPath(new URL('../docs/reliability.md', import.meta.url))

/** @type {Record<number, string>} */
const PROMISES = {
  1: 'One request per process. However many calls, on the main thread and in workers, need a token: one request for it.',
  2: 'One request per fleet. However many processes with one Redis need a token: one request for it.',
  3: 'No waiting while valid. With a good token a call waits neither for a token request nor for a lock.',
  5: 'Ending a caller ends nothing else. The request for a token goes on for the others.',
  7: 'Failure while valid is invisible. What goes wrong beside a good token fails no call.',
  8: 'Nothing is terminal. When the fault is over, everything works again without a restart.',
  9: 'Compare and invalidate. A token that WeChat refuses is replaced once, whoever noticed.',
  11: 'Progress after a crash. When the process that fetches dies, sleeps or is cut off, another takes over before the default `timeoutMs` is over.',
  12: 'The lock outlives the work. Nobody takes over from a leader that is still within its time.',
  13: 'A late writer loses. What a leader brings too late replaces nothing newer.',
  14: 'A lost reply costs nothing. Whoever has the lock without knowing recognises itself, and nobody waits for a lock that nobody holds.',
  15: 'Redis down is degraded, not down. In stable mode each process fetches for itself and no call fails; in classic mode the last token is served and nobody rotates. Afterwards the fleet shares again without a further token request.',
  16: 'Every wait is bounded. Redis keeps a call waiting 250 ms at most, and the deadline of the call always wins.',
  19: 'No secret leaves. AppSecret and tokens are in no output, no error, and nothing that is said to Redis or lies there.',
  20: 'Isolation. Other accounts and other secrets share neither token nor lock, and what goes wrong for one account, one process or one code is not noticed by those beside it: no call fails, and none takes longer than Redis may.',
  21: 'Lifecycle. Workers that end amid calls neither crash nor hold up the process, and an idle client keeps nothing alive.',
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

function write() {
  const table = [HEAD, HEAD.map(() => '---'), ...rows.map(cells)].map((texts) => `| ${texts.join(' | ')} |`)
  const numbers = [...new Set(rows.flatMap(({ scenario }) => scenario.promises))].sort((a, b) => a - b)
  mkdirSync(fileURLToPath(new URL('../docs', import.meta.url)), { recursive: true })
  writeFileSync(
    PAGE,
    `# Reliability

What a fleet of processes that share one token through Redis does when something breaks. \`npm run chaos\` plays every row of
the table again: real Node processes, a real redis-server behind a proxy that spoils connections, and the fake WeChat of this
repository. \`npm run chaos -- READONLY\` plays the rows whose title has that word, and \`npm run chaos -- --write\` writes
this page. \`npm test\` plays the same scenarios and fails where one leaves its bounds.

- *cold start*: the fault is there before the first call. *steady*: every process has a token and calls are under way when
  the fault begins. *mid-flight*: one process is fetching the token when it begins.
- After a fault at any of these moments it ends, and a new process comes that has to find the fleet's token in Redis.
- *slowest call* is the longest that any call took. A token request takes 50 ms here and a code request 10 ms; Redis has 250 ms
  to answer. Time in which the scenario itself held WeChat's answer back is not counted.
- Where a row is about a Redis that is well, and for the process that comes afterwards, Redis has 2 s (\`redis.timeoutMs\`): a
  machine that is busy with all these processes is no dead Redis.
- Every output and error of the processes, all that was said to Redis and all that lay there is searched for AppSecret and
  every token.

${environment()}

${table.join('\n')}

${rows.length} scenarios, ${faults.length} outside their bounds: hung ${total('hung')}, crashed ${total('crashed')}, secrets ${total('secrets')}.

## The promises

${numbers.map((number) => `**${number}.** ${PROMISES[number]}`).join('\n\n')}
`,
  )
}

function environment() {
  const day = new Date().toISOString().slice(0, 10)
  const memory = Math.round(totalmem() / 2 ** 30)
  const [, redis] = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout.match(/v=(\S+)/) ?? []
  return `Played on ${day}: ${availableParallelism()} cores, ${memory} GiB, Node ${process.version}, Redis ${redis}.`
}
