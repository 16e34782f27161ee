import { setupFleet } from '../../support/fleet.mjs'
import { until } from '../../support/until.mjs'
import { all, one, PROCESSES, SLACK, upTo } from './bounds.mjs'

const RATE = 10
const CALLS = 8
const CROWD = 4
const ASKED = CROWD * CALLS
/** What WeChat itself allows in other scenarios, and what is asked of it after that. */
const PER_MINUTE = 5
const FOLLOWING = PROCESSES * CALLS
/** The next minute is too far away to wait for. */
const IMPATIENT = { timeoutMs: 5000 }

/** The minute that a fleet shares. */
export const budget = [
  {
    fault: `More calls than ratePerMinute (${RATE}) allows`,
    moment: 'cold start',
    mode: 'stable',
    promises: [16, 19],
    outcome: 'the fleet makes no more and the rest fail with the budget error',
    expect: {
      failed: [ASKED - RATE, ASKED - 1],
      codes: ['ERR_WXA_RATE_LIMIT'],
      tokenRequests: one,
      codeRequests: [1, RATE],
      slowestMs: upTo(IMPATIENT.timeoutMs + SLACK),
    },
    async run(t) {
      const place = await setupFleet(t, { isWell: true, ratePerMinute: RATE })
      await all(await place.enter(CROWD), CALLS, IMPATIENT)
      return { ...(await place.tally()), codeRequests: place.fake.count('codes') }
    },
  },
  {
    fault: 'Redis refuses connections, ratePerMinute is set',
    moment: 'cold start',
    mode: 'stable',
    promises: [15, 16, 19],
    outcome: 'each process counts for itself and no call fails',
    expect: { tokenRequests: [PROCESSES, PROCESSES] },
    async run(t) {
      const place = await setupFleet(t, { ratePerMinute: RATE })
      await place.proxy.set('refuse')
      await all(await place.enter(PROCESSES), CALLS)
      await place.proxy.set('pass')
      return place.tally()
    },
  },
  ...[45009, 45011].map((errcode) => ({
    fault: `WeChat says that the minute is full (${errcode})`,
    moment: 'cold start',
    mode: 'stable',
    promises: [16, 19],
    outcome: 'no process of the fleet asks again before the next minute',
    expect: {
      failed: [1 + FOLLOWING, 1 + FOLLOWING],
      codes: ['ERR_WXA_API', 'ERR_WXA_RATE_LIMIT'],
      tokenRequests: one,
      codeRequests: [PER_MINUTE + 1, PER_MINUTE + 1],
    },
    async run(t) {
      const limits = { unlimitedPerMinute: PER_MINUTE, unlimitedErrcode: errcode }
      const place = await setupFleet(t, { isWell: true, fake: { limits } })
      const callers = await place.enter(PROCESSES)
      await minuteHasJustBegun()
      await callers[0].call(PER_MINUTE, IMPATIENT)
      await callers[0].call(1, IMPATIENT)
      await all(callers, CALLS, IMPATIENT)
      return { ...(await place.tally()), codeRequests: place.fake.count('codes') }
    },
  })),
]

/** Redis counts pauses by the minute of its clock, which is this machine's; the scenario needs some seconds of one. */
const minuteHasJustBegun = () => until(() => new Date().getSeconds() < 45, 20_000)
