import { start, withoutWarnings } from './child.mjs'
import { startFaultProxy } from './faults.mjs'
import { startRedis, startTlsRedis } from './redis.mjs'
import { checkText, setup, times } from './suite.mjs'
import { until } from './until.mjs'

/**
 * Makes as many calls at once as each line of its input says, by its client or the one beside it, and prints what came of
 * them. Ends with its input.
 */
const CALLER = `
const { createInterface } = await import('node:readline')
const { inspect } = await import('node:util')
const { beside, ...own } = given
// JSON knows no Infinity.
const client = (options) => new WxaCode(options.ratePerMinute === null ? { ...options, ratePerMinute: Infinity } : options)
const wxas = [client(own), ...(beside ? [client({ ...own, proxy: undefined, ...beside })] : [])]
const now = () => performance.timeOrigin + performance.now()
const shown = (error) => [inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(error), error.stack]
async function call(who, scene, how) {
  const begun = now()
  const asked = wxas[who].getUnlimitedQRCode({ scene, checkPath: false }, how)
  const failure = await asked.then(() => {}, (error) => error)
  return { begun, ended: now(), ...(failure && { code: failure.code ?? 'unknown', shown: shown(failure) }) }
}
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const { batch, calls, how, who, scene } = JSON.parse(line)
  const scenes = Array.from({ length: calls }, (_, n) => (scene === 'each' ? 'n=' + n : scene))
  Promise.all(scenes.map((one) => call(who, one, how))).then((outcomes) => {
    console.log(JSON.stringify({ batch, outcomes }) + '\\nend of ' + batch + '.')
  })
}
`

/** A process that still has an idle client has to end by itself; a busy machine may take its time. */
const LEAVES_WITHIN = 5000
/** After its own deadline a call has so long to say so. */
const GRACE = 5000
/** A busy machine takes longer than 250 ms now and then, where a scenario is about a Redis that is well. */
const PATIENT = 2000
/** What a call may take without a `timeoutMs`. */
export const DEFAULT_TIMEOUT = 10_000

/**
 * The setup of a scenario: a real Redis behind a fault proxy, a fake WeChat, and processes that call when they are told
 * to. `tally` says what came of it all. With `isWell` all of them give Redis more than its 250 ms, and `patient` are the
 * options for single ones that do.
 */
export async function setupFleet(t, { token = 'stable', tls, isWell, fake: fakeOptions, ...clientOptions } = {}) {
  const redis = await (tls ? startTlsRedis(t) : startRedis(t))
  const proxy = await startFaultProxy(t, redis.tls?.port ?? redis.port)
  const latency = { token: 50, code: 10 }
  const meeting = tls ? { url: proxy.url('rediss'), ca: redis.tls.ca } : { url: proxy.url('redis') }
  const patient = { redis: { ...meeting, timeoutMs: PATIENT } }
  const given = { redis: meeting, timeoutMs: undefined, token, ...(isWell && patient), ...clientOptions }
  const { fake, options, ...here } = await setup(t, { latency, ...fakeOptions }, given)
  const callers = []
  let uncounted = 0
  /** What else no secret may show in, and what else is secret. */
  const more = { texts: [], secrets: [] }
  const { account } = here
  const fleet = { redis, proxy, fake, options, account, callers, more, patient, releasedAt: 0, enter, warm, tally }
  t.after(() => {
    for (const { child } of callers) child.kill('SIGKILL')
  })
  return fleet

  /** Processes that are there and have not called yet. */
  async function enter(count, others = {}) {
    const entered = times(count, () => startCaller({ ...options, ...others }))
    callers.push(...entered)
    await Promise.all(entered.map((caller) => caller.ready))
    return entered
  }

  /** Lets each have a token, one after the other. What that costs is not counted. */
  async function warm(entered) {
    for (const caller of entered) {
      if (!(await caller.succeeds())) throw new Error('a process found no token')
    }
    uncounted = fake.count('tokens')
  }

  async function tally() {
    const batches = await Promise.all(callers.flatMap((caller) => [...caller.batches, ...caller.neighbour.batches]))
    const ends = await Promise.all(callers.map((caller) => caller.leave()))
    const outcomes = batches.flatMap(({ outcomes }) => outcomes)
    const failures = outcomes.filter(({ code }) => code)
    const secrets = [...here.secrets(), ...more.secrets]
    const printed = callers.flatMap(({ output }) => [output.stdout, output.stderr])
    const texts = [...printed, ...more.texts, ...(await said(redis, proxy))]
    return {
      calls: outcomes.length,
      failed: failures.length,
      codes: [...new Set(failures.map(({ code }) => code))],
      tokenRequests: fake.count('tokens') - uncounted,
      slowestMs: Math.round(Math.max(0, ...outcomes.map((outcome) => spent(outcome, fleet.releasedAt)))),
      hung: sum(batches.map(({ hung }) => hung)) + ends.filter((end) => end === 'hung').length,
      crashed: ends.filter((end) => end === 'crashed').length,
      secrets: texts.filter((text) => shows(text, secrets)).length,
    }
  }
}

function startCaller(options) {
  const { child, done, output, printed } = start(CALLER, { given: options })
  // A process that was killed on purpose no longer reads.
  child.stdin.on('error', () => {})
  const limit = (how) => (how?.timeoutMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT) + GRACE
  const batches = []
  /** The client beside its own, with calls of its own. */
  const neighbour = { batches: [], call: (...args) => tell(1, neighbour.batches, ...args) }
  let told = 0
  let killed = false
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  return { child, output, batches, neighbour, ready: printed('ready\n'), call, succeeds, kill, leave }

  /** What came of so many calls at once, all for one scene, or `each` for its own. */
  function call(...args) {
    return tell(0, batches, ...args)
  }

  function tell(who, all, calls, how, { scene = 'a' } = {}) {
    told += 1
    child.stdin.write(`${JSON.stringify({ batch: told, calls, how, who, scene })}\n`)
    const outcomes = settled(told, calls, how)
    all.push(outcomes)
    return outcomes
  }

  /** Calls until a call succeeds, for so many milliseconds. These calls are not counted. */
  async function succeeds(ms) {
    const counted = batches.length
    const has = await until(async () => (await call(1)).outcomes.some(({ code }) => code === undefined), ms)
    batches.length = counted
    return has
  }

  async function settled(batch, calls, how) {
    const inTime = await until(() => killed || hasEnded() || output.stdout.includes(`end of ${batch}.`), limit(how))
    const line = output.stdout.split('\n').find((text) => text.startsWith(`{"batch":${batch},`))
    if (line) return { ...JSON.parse(line), hung: 0 }
    return { outcomes: [], hung: inTime ? 0 : calls }
  }

  /** On purpose: what it was asked for counts for nothing. */
  function kill() {
    killed = true
    child.kill('SIGKILL')
  }

  /** How it ends when no test uses it any more. */
  async function leave() {
    if (killed) return 'killed'
    child.stdin.end()
    const left = await until(hasEnded, LEAVES_WITHIN)
    if (!left) child.kill('SIGKILL')
    const { code, stderr } = await done
    if (!left) return 'hung'
    // A caught panic ends no process, but is printed to stderr. The warning that Redis is down is printed there too, once.
    const { rest, warned } = withoutWarnings(stderr)
    return code === 0 && rest === '' && warned <= 1 ? 'left' : 'crashed'
  }
}

/** Milliseconds of a call, without those that it waited for WeChat because the scenario held WeChat up. */
const spent = ({ begun, ended }, releasedAt) => ended - Math.max(begun, Math.min(releasedAt, ended))

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0)

/** All commands and replies of Redis, and what it stores. */
async function said(redis, proxy) {
  const rows = await redis.contents()
  return [Buffer.concat(proxy.seen.wire).toString('latin1'), ...rows.map(({ key, value }) => `${key} ${value}`)]
}

function shows(text, secrets) {
  try {
    checkText(text, secrets)
    return false
  } catch {
    return true
  }
}
