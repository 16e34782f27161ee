import { DEFAULT_TIMEOUT, setupFleet } from '../../support/fleet.mjs'
import { until } from '../../support/until.mjs'
import { all, none, one, PROCESSES, SLACK, upTo } from './bounds.mjs'

const byProxy = (mode, options) => ({
  begin: ({ proxy }) => proxy.set(mode, options),
  end: ({ proxy }) => proxy.set('pass'),
})

/** Redis is looked after every 2 s at least, so by then every process knows that it is back. */
const NOTICED_WITHIN = 2250 + SLACK

/**
 * - `shared`: the fleet still shares through it; `slow`: it may
 * - `forgets`: the token is gone from Redis, and no process notices
 * - `uncounted`: calls that count minutes in Redis notice more than others, so it is played without that too
 */
export const FAULTS = [
  { fault: 'Redis refuses connections', ...byProxy('refuse'), classic: true },
  { fault: 'Redis is a black hole', ...byProxy('drop'), classic: true },
  { fault: 'Redis takes 200 ms for a reply', ...byProxy('delay', { ms: 200 }), slow: true },
  { fault: 'Redis resets connections', ...byProxy('reset'), classic: true },
  { fault: 'Redis half-closes connections', ...byProxy('half-close') },
  { fault: 'Redis answers byte by byte', ...byProxy('slice'), shared: true },
  { fault: "Redis's replies get lost", ...byProxy('dropReplies'), classic: true },
  {
    fault: 'Redis is a replica (READONLY)',
    begin: ({ redis }) => redis.demote(),
    end: ({ redis }) => redis.promote(),
    classic: true,
    uncounted: true,
  },
  {
    fault: 'Redis loads its data (LOADING)',
    begin: ({ redis }) => redis.beginLoading(),
    end: ({ redis }) => redis.endLoading(),
    classic: true,
  },
  {
    fault: 'Redis wants a password (NOAUTH)',
    begin: ({ redis }) => redis.lock(),
    end: ({ redis }) => redis.unlock(),
    classic: true,
  },
  {
    fault: 'Redis dies and comes back empty',
    begin: ({ redis }) => redis.stop(),
    end: ({ redis }) => redis.start(),
    classic: true,
  },
  {
    fault: 'Redis is emptied (FLUSHALL)',
    begin: ({ redis }) => redis.ask('FLUSHALL'),
    end() {},
    classic: true,
    forgets: true,
  },
]

const UNCOUNTED = { ratePerMinute: Number.POSITIVE_INFINITY }

/** In classic mode a cold call waits for Redis as long as it may; that need not be 10 s each time. */
const PATIENCE = { stable: undefined, classic: { timeoutMs: 2000 } }
const REDIS_ERROR = ['ERR_WXA_REDIS']

const MOMENTS = [
  {
    moment: 'cold start',
    promises: [2, 8, 15, 16, 19],
    fits: ({ forgets }) => !forgets,
    async play(place, { begin, end }, mode) {
      await begin(place)
      const callers = await place.enter(PROCESSES)
      await all(callers, 4, PATIENCE[mode])
      await all(callers, 2, PATIENCE[mode])
      all(callers, 2)
      await end(place)
    },
    stable: ({ shared, slow }) => ({ tokenRequests: shared ? one : [slow ? 1 : PROCESSES, PROCESSES] }),
    classic: () => ({
      // Those that begin while it lasts may fail or wait as long as they may.
      failed: [PROCESSES * 6, PROCESSES * 8],
      codes: REDIS_ERROR,
      tokenRequests: one,
      meanwhile: none,
      afterwards: upTo(1),
      slowestMs: upTo(DEFAULT_TIMEOUT + SLACK),
    }),
    outcome: { stable: 'no call fails', classic: 'calls fail with ERR_WXA_REDIS and no process requests a token' },
  },
  {
    moment: 'steady',
    promises: [3, 7, 15, 16, 19],
    fits: () => true,
    async play(place, { begin, end }) {
      const callers = await place.enter(PROCESSES)
      await place.warm(callers)
      const during = all(callers, 4)
      await begin(place)
      await during
      await all(callers, 2)
      all(callers, 2)
      await end(place)
    },
    stable: ({ forgets }) => (forgets ? { tokenRequests: upTo(1), afterwards: upTo(1) } : { tokenRequests: none }),
    classic: ({ forgets }) => (forgets ? { tokenRequests: upTo(1), afterwards: upTo(1) } : { tokenRequests: none }),
    outcome: { stable: 'no call fails', classic: 'the last token is served' },
  },
  {
    moment: 'mid-flight',
    promises: [2, 8, 13, 15, 16, 19],
    fits: () => true,
    async play(place, { begin, end }) {
      const { fake, proxy } = place
      const callers = await place.enter(PROCESSES)
      const hold = fake.hold('tokens')
      const first = all(callers, 4)
      await fake.arrived(1, 'tokens')
      await until(() => proxy.seen.connections >= PROCESSES)
      await begin(place)
      await until(() => fake.count('tokens') === PROCESSES, 1000)
      place.releasedAt = Date.now()
      hold.release()
      await until(() => callers.some(({ output }) => output.stdout.includes('end of 1.')))
      // Classic followers may go on waiting for Redis.
      if (place.options.token === 'stable') await first
      all(callers, 4)
      await end(place)
    },
    stable: ({ shared, slow, forgets }) => ({ tokenRequests: shared ? one : [slow ? 1 : 2, forgets ? 2 : PROCESSES] }),
    classic: ({ forgets }) => ({
      failed: upTo((PROCESSES - 1) * 8),
      codes: REDIS_ERROR,
      tokenRequests: forgets ? [2, 2] : one,
      slowestMs: upTo(DEFAULT_TIMEOUT + SLACK),
    }),
    outcome: {
      stable: 'no call fails',
      classic: 'followers wait or fail with ERR_WXA_REDIS, and no other process requests a token',
    },
  },
]

/** Every fault at every moment. */
export const matrix = MOMENTS.flatMap((moment) =>
  FAULTS.filter(moment.fits).flatMap((fault) => [
    cell(fault, moment, 'stable'),
    ...(fault.classic ? [cell(fault, moment, 'classic')] : []),
    ...(fault.uncounted
      ? [cell({ ...fault, fault: `${fault.fault}, no ratePerMinute` }, moment, 'stable', UNCOUNTED)]
      : []),
  ]),
)

function cell(fault, moment, mode, options = {}) {
  return {
    fault: fault.fault,
    moment: moment.moment,
    mode,
    promises: moment.promises,
    outcome: moment.outcome[mode],
    expect: { afterwards: none, failedAfterwards: none, slowestAfterwards: upTo(SLACK), ...moment[mode](fault) },
    async run(t) {
      const place = await setupFleet(t, { token: mode, isWell: fault.shared || fault.forgets, ...options })
      let meanwhile
      const end = () => {
        meanwhile = place.fake.count('tokens')
        return fault.end(place)
      }
      await moment.play(place, { ...fault, end }, mode)
      const after = await comesBack(place, fault)
      return { ...(await place.tally()), ...after, meanwhile }
    },
  }
}

/** After an outage the next process finds the fleet's token, if it had one, and no process is the worse for it. */
async function comesBack({ fake, redis, options, callers, enter, patient }, { forgets }) {
  const before = fake.count('tokens')
  if (before > 0 && !forgets) await until(async () => (await redis.token()) !== '')
  await all(await enter(1, patient), 2)
  const afterwards = fake.count('tokens') - before
  if (options.token === 'classic') await Promise.all(callers.map((caller) => caller.succeeds(NOTICED_WITHIN)))
  const outcomes = (await all(callers, 1)).flatMap((batch) => batch.outcomes)
  return {
    afterwards,
    failedAfterwards: outcomes.filter(({ code }) => code).length,
    slowestAfterwards: Math.round(Math.max(0, ...outcomes.map(({ begun, ended }) => ended - begun))),
  }
}
