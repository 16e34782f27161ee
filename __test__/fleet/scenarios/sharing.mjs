import { start, workerSource } from '../../support/child.mjs'
import { setupFleet } from '../../support/fleet.mjs'
import { speaksTls } from '../../support/redis.mjs'
import { newAppid, newSecret } from '../../support/suite.mjs'
import { until } from '../../support/until.mjs'
import { all, none, one, PROCESSES, upTo } from './bounds.mjs'

/** Workers that come and go in waves. Every other one is ended amid its calls, the rest when they are through. */
const WAVES = 5
const WORKERS = 20
const CROWD = `
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
const given = JSON.parse(process.env.TEST_GIVEN)
const startWorker = () => new Worker(given.worker, { eval: true, workerData: given, execArgv: [] })
const outcomes = []
async function live(worker, isEnded) {
  await once(worker, 'message')
  if (!isEnded) outcomes.push(...(await once(worker, 'message'))[0])
  await worker.terminate()
}
// One that is there before the others and stays, so that its token outlives them.
const anchor = startWorker()
await once(anchor, 'message')
for (let wave = 0; wave < ${WAVES}; wave++) {
  await Promise.all(Array.from({ length: ${WORKERS} }, (_, n) => live(startWorker(), n % 2 === 0)))
}
await anchor.terminate()
console.log(JSON.stringify(outcomes))
`
const WORKER = `
const wxa = new WxaCode(given.options)
const call = async () => {
  const begun = performance.now()
  const code = await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false }).then(() => undefined, (error) => error.code)
  return { code, ms: performance.now() - begun }
}
const calls = Array.from({ length: 4 }, call)
parentPort.postMessage('calling')
parentPort.postMessage(await Promise.all(calls))
// It stays until it is ended.
parentPort.on('message', () => {})
`

/** How many token requests the busiest of these accounts has caused. */
function mostOfOne({ requests }) {
  const counts = {}
  for (const { endpoint, body } of requests) {
    if (endpoint !== 'stable_token') continue
    const { appid } = JSON.parse(body)
    counts[appid] = (counts[appid] ?? 0) + 1
  }
  return Math.max(...Object.values(counts))
}

const well = (mode) => ({
  fault: 'Nothing breaks',
  moment: 'cold start',
  mode,
  promises: [2, 19],
  outcome: 'the fleet makes one token request',
  expect: { tokenRequests: one },
  async run(t) {
    const place = await setupFleet(t, { token: mode, isWell: true })
    await all(await place.enter(PROCESSES), 8)
    return place.tally()
  },
})

/** Who shares what, and who does not. */
export const sharing = [
  well('stable'),
  well('classic'),
  {
    fault: 'Nothing breaks, over TLS',
    moment: 'cold start',
    mode: 'stable',
    promises: [2, 19],
    outcome: 'the fleet makes one token request',
    skip: speaksTls ? undefined : 'redis-server was built without TLS',
    expect: { tokenRequests: one },
    async run(t) {
      const place = await setupFleet(t, { tls: true, isWell: true })
      await all(await place.enter(PROCESSES), 8)
      return place.tally()
    },
  },
  {
    fault: 'Redis comes and goes',
    moment: 'cold start',
    mode: 'stable',
    promises: [8, 15, 16, 19],
    outcome: 'no call fails',
    expect: { tokenRequests: [PROCESSES, PROCESSES], afterwards: none },
    async run(t) {
      const place = await setupFleet(t)
      const callers = await place.enter(PROCESSES)
      for (const mode of ['refuse', 'pass', 'drop', 'pass', 'reset', 'pass', 'dropReplies']) {
        await place.proxy.set(mode)
        await all(callers, 1)
      }
      await place.proxy.set('pass')
      await until(async () => (await place.redis.token()) !== '')
      const before = place.fake.count('tokens')
      await all([...callers, ...(await place.enter(1, place.patient))], 1)
      return { ...(await place.tally()), afterwards: place.fake.count('tokens') - before }
    },
  },
  {
    fault: 'Two accounts in one Redis',
    moment: 'cold start',
    mode: 'stable',
    promises: [2, 19, 20],
    outcome: 'each makes one token request',
    expect: { tokenRequests: [2, 2], ofOneAccount: one },
    async run(t) {
      const other = { appid: newAppid(), secret: newSecret() }
      const place = await setupFleet(t, { isWell: true, fake: { others: [other] } })
      const both = await Promise.all([place.enter(2), place.enter(2, other)])
      await all(both.flat(), 8)
      return { ...(await place.tally()), ofOneAccount: mostOfOne(place.fake) }
    },
  },
  {
    fault: 'AppSecret is changed',
    moment: 'steady',
    mode: 'stable',
    promises: [19, 20],
    outcome: 'the new one fetches its own token at once',
    expect: { tokenRequests: one },
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      const before = await place.enter(PROCESSES)
      await place.warm(before)
      const { secret } = place.account
      place.account.secret = newSecret()
      place.more.secrets.push(place.account.secret)
      await all(await place.enter(PROCESSES, { secret: place.account.secret }), 8)
      await all(before, 4)
      place.account.secret = secret
      return place.tally()
    },
  },
  {
    fault: 'An AppSecret that is wrong',
    moment: 'steady',
    mode: 'stable',
    promises: [19, 20],
    outcome: 'it does not get the token of the right one',
    expect: { failed: [8, 8], codes: ['ERR_WXA_API'], tokenRequests: one },
    async run(t) {
      const place = await setupFleet(t, { isWell: true })
      await place.warm(await place.enter(PROCESSES))
      const secret = newSecret()
      place.more.secrets.push(secret)
      await all(await place.enter(1, { secret }), 8)
      return place.tally()
    },
  },
  {
    fault: `${WAVES * WORKERS} workers come and go, half of them ended amid calls`,
    moment: 'mid-flight',
    mode: 'stable',
    promises: [1, 5, 19, 21],
    outcome: 'the others have their codes and the process ends well',
    // So many workers start at once that their calls wait for a core, not for Redis.
    expect: { tokenRequests: one, slowestMs: upTo(10_000) },
    async run(t) {
      const place = await setupFleet(t, { isWell: true, fake: { latency: { token: 500, code: 100 } } })
      const given = { options: place.options, worker: workerSource(WORKER) }
      const crowd = start(CROWD, { given, preamble: '' })
      const left = await until(() => crowd.child.exitCode !== null || crowd.child.signalCode !== null, 45_000)
      if (!left) crowd.child.kill('SIGKILL')
      const { code, stdout, stderr } = await crowd.done
      place.more.texts.push(stdout, stderr)
      const outcomes = code === 0 ? JSON.parse(stdout) : []
      const codes = outcomes.map((outcome) => outcome.code).filter(Boolean)
      return {
        ...(await place.tally()),
        calls: outcomes.length,
        failed: codes.length,
        codes: [...new Set(codes)],
        slowestMs: Math.round(Math.max(0, ...outcomes.map(({ ms }) => ms))),
        hung: left ? 0 : 1,
        crashed: left && (code !== 0 || stderr !== '') ? 1 : 0,
      }
    },
  },
]
