import { startFaultProxy } from '../../support/faults.mjs'
import { setupFleet } from '../../support/fleet.mjs'
import { until } from '../../support/until.mjs'
import { all, none, one, PROCESSES, SLACK, upTo } from './bounds.mjs'

/** A leader that is gone is replaced when its lock has ended, after 8 s. */
const REPLACED_WITHIN = 8500
const replaced = { tokenRequests: [2, 2], slowestMs: upTo(REPLACED_WITHIN + SLACK) }

/** One process has the lock and waits for WeChat, others are there. `more` is for the leader. */
async function inFlight(place, more) {
  const { fake, enter } = place
  const hold = fake.hold('tokens')
  const [leader] = await enter(1, more)
  const led = leader.call(8)
  await fake.arrived(1, 'tokens')
  return { hold, leader, led, followers: await enter(PROCESSES) }
}

/** Redis has to know the scripts already, or it is not the lock that is asked for first. */
async function learnScripts({ enter, redis, warm }) {
  const [forerunner] = await enter(1)
  await warm([forerunner])
  await forerunner.leave()
  await redis.ask('FLUSHALL')
}

/** The process that has the lock, and the lock itself. */
export const leaders = [
  {
    fault: 'The leader is killed (SIGKILL)',
    moment: 'mid-flight',
    mode: 'stable',
    promises: [8, 11, 12, 16, 19],
    outcome: 'one other fetches the token',
    expect: replaced,
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      const { hold, leader, followers } = await inFlight(place)
      leader.kill()
      const followed = all(followers, 8)
      hold.release()
      await followed
      return place.tally()
    },
  },
  {
    fault: 'The leader is stopped (SIGSTOP) and goes on later',
    moment: 'mid-flight',
    mode: 'stable',
    promises: [8, 11, 12, 13, 16, 19],
    outcome: 'one other fetches the token',
    expect: replaced,
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      // Most of the default 10 s goes by in its sleep.
      const { hold, leader, led, followers } = await inFlight(place, { timeoutMs: 20_000 })
      leader.child.kill('SIGSTOP')
      const followed = all(followers, 8)
      hold.release()
      await followed
      leader.child.kill('SIGCONT')
      await led
      return place.tally()
    },
  },
  {
    fault: 'The leader alone is cut off from Redis',
    moment: 'mid-flight',
    mode: 'stable',
    promises: [8, 11, 12, 13, 15, 16, 19],
    outcome: 'one other fetches the token',
    expect: replaced,
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      const line = await startFaultProxy(t, place.redis.port)
      const { hold, led, followers } = await inFlight(place, { redis: line.url('redis') })
      await line.set('drop')
      const followed = all(followers, 8)
      hold.release()
      await led
      await followed
      return place.tally()
    },
  },
  {
    fault: 'The reply that grants the lock gets lost',
    moment: 'cold start',
    mode: 'stable',
    promises: [14, 15, 16, 19],
    outcome: 'no process waits for a lock without a holder',
    expect: { tokenRequests: one },
    async run(t) {
      const place = await setupFleet(t)
      const { proxy, enter, patient } = place
      await learnScripts(place)
      const [first] = await enter(1)
      await proxy.set('dropReplies', { from: ':lock' })
      await first.call(8)
      const others = await enter(PROCESSES, patient)
      await proxy.set('pass')
      await all(others, 8)
      return place.tally()
    },
  },
  {
    fault: 'The reply that grants the lock gets lost, and the connection breaks',
    moment: 'token revoked',
    mode: 'stable',
    promises: [9, 14, 16, 19],
    outcome: 'the same attempt asks again and recognises itself',
    expect: { tokenRequests: one, afterwards: none },
    async run(t) {
      const place = await setupFleet(t)
      const { fake, proxy, enter, patient, warm } = place
      const [first] = await enter(1)
      await warm([first])
      fake.revokeTokens()
      await proxy.set('dropReplies', { from: ':lock' })
      const called = first.call(8)
      await until(() => proxy.seen.lost > 0)
      await proxy.set('reset')
      await proxy.set('pass')
      await called
      const before = fake.count('tokens')
      await all(await enter(PROCESSES, patient), 8)
      return { ...(await place.tally()), afterwards: fake.count('tokens') - before }
    },
  },
  {
    fault: 'Redis is stopped (SIGSTOP) while it is asked for the lock',
    moment: 'token revoked',
    mode: 'stable',
    promises: [9, 14, 15, 16, 19],
    outcome: 'no process waits for a lock without a holder',
    expect: { tokenRequests: one },
    async run(t) {
      const place = await setupFleet(t)
      const { fake, redis, enter, patient, warm } = place
      const [first] = await enter(1)
      await warm([first])
      const before = fake.count('codes')
      const hold = fake.hold('codes')
      const called = first.call(8)
      await fake.arrived(before + 8, 'codes')
      fake.revokeTokens()
      redis.pause()
      hold.release()
      await called
      const others = await enter(PROCESSES, patient)
      redis.resume()
      await all(others, 8)
      return place.tally()
    },
  },
  {
    fault: 'The reply that lets a process hand over its token is lost',
    moment: 'after an outage',
    mode: 'stable',
    promises: [8, 14, 15, 16, 19],
    outcome: 'it hands it over when Redis is back again',
    expect: { tokenRequests: one, afterwards: none },
    async run(t) {
      const { enter, fake, patient, proxy, redis, tally, warm } = await setupFleet(t)
      await learnScripts({ enter, redis, warm })
      await proxy.set('refuse')
      const [first] = await enter(1)
      await first.call(8)
      await proxy.set('dropReplies', { from: ':lock' })
      await until(() => proxy.seen.lost > 0)
      await proxy.set('pass')
      await until(async () => (await redis.token()) !== '')
      const before = fake.count('tokens')
      await all(await enter(PROCESSES, patient), 8)
      return { ...(await tally()), afterwards: fake.count('tokens') - before }
    },
  },
  {
    fault: 'WeChat refuses the token while Redis refuses connections',
    moment: 'token revoked',
    mode: 'stable',
    promises: [8, 9, 15, 16, 19],
    outcome: 'the fleet forgets the refused one',
    expect: { tokenRequests: [1, PROCESSES], afterwards: none },
    async run(t) {
      const { enter, fake, patient, proxy, redis, tally, warm } = await setupFleet(t)
      const callers = await enter(PROCESSES)
      await warm(callers)
      const refused = await redis.token()
      await proxy.set('refuse')
      fake.revokeTokens()
      await all(callers, 4)
      await proxy.set('pass')
      await until(async () => (await redis.token()) !== refused)
      const before = fake.count('tokens')
      await all(await enter(1, patient), 8)
      return { ...(await tally()), afterwards: fake.count('tokens') - before }
    },
  },
  {
    fault: 'WeChat takes 3 s for a token',
    moment: 'cold start',
    mode: 'stable',
    promises: [2, 12, 16, 19],
    outcome: 'one process asks and the others wait',
    expect: { tokenRequests: one, slowestMs: upTo(3000 + SLACK) },
    async run(t) {
      const place = await setupFleet(t, { isWell: true, fake: { latency: { token: 3000, code: 10 } } })
      await all(await place.enter(PROCESSES), 8)
      return place.tally()
    },
  },
  {
    fault: 'WeChat does not answer the first attempt',
    moment: 'cold start',
    mode: 'stable',
    promises: [2, 8, 12, 16, 19],
    outcome: 'the same process asks again and the others wait',
    // A leader has 6 s in all.
    expect: { tokenRequests: [2, 2], slowestMs: upTo(6000 + SLACK) },
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      place.fake.fail('hang', { endpoint: 'tokens' })
      await all(await place.enter(PROCESSES), 8)
      return place.tally()
    },
  },
]
