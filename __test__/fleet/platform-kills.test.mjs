import assert from 'node:assert/strict'
import { allWell, setupPlatforms } from '../support/platforms.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { startFileSteps, startRedisSteps } from '../support/steps.mjs'
import { newAppid, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

/** How many processes are killed amid a step with each store. */
const KILLS = Number(process.env.TEST_KILLS ?? 16)
const MERCHANTS = 4
const patience = { timeout: 300_000 + KILLS * 10_000 }
/** What a life waits for comes within seconds. A busy machine may need minutes, and that loses no merchant. */
const PATIENCE_MS = 300_000
/** A life has about so many steps in Redis, and in a file. */
const STEPS = 16
const FILE_STEPS = 8
const FREE = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  if string.match(key, ':lock$') or string.match(key, ':cool$') then redis.call('DEL', key) end
end
return 0`
/** After so many seconds WeChat does not know the refresh token before the current one any more. */
const OVERLAP = 301

suite(
  'a process with a platform that is killed',
  (test) => {
    test('at any step of its file loses no merchant', patience, async (t) => {
      const place = await setupPlatforms(t, { timeoutMs: PATIENCE_MS })
      const options = { store: place.file }
      const steps = startFileSteps(t, place.folder)
      t.diagnostic(JSON.stringify(await live(place, { options, steps, most: FILE_STEPS })))
    })

    test('at any step in Redis loses no merchant', { ...needsRedis, ...patience }, async (t) => {
      const redis = await startRedis(t)
      const steps = await startRedisSteps(t, redis.port)
      const place = await setupPlatforms(t, { redis: patient(steps.url), timeoutMs: PATIENCE_MS })
      // As if the 8 s of a lock were over, and the 30 s between two refusals.
      const free = () => redis.ask('EVAL', FREE, 0)
      t.diagnostic(JSON.stringify(await live(place, { options: {}, steps, most: STEPS, free })))
      place.texts.push(JSON.stringify(redis.everything()))
    })

    test(
      'when its token is used has saved the refresh token, and the next one reads no list',
      needsRedis,
      async (t) => {
        const redis = await startRedis(t)
        for (const options of [{ redis: patient(redis.url) }, { store: 'file' }]) {
          const place = await setupPlatforms(t)
          const own = options.store ? { store: place.file } : options
          const first = place.open(own)
          const appids = await place.merchants(MERCHANTS, first)
          await first.close()
          place.fake.rotateRefreshTokens = true
          for (let n = 0; n < 3; n++) {
            place.fake.revokeTokens()
            const [victim] = await place.enter(1, own)
            const hold = place.fake.hold('links')
            const made = victim.link(appids)
            assert.ok(await until(() => hold.waiting >= MERCHANTS))
            await victim.kill()
            hold.release()
            await made
            place.fake.clock.advance(OVERLAP)
          }
          place.fake.revokeTokens()
          const [next] = await place.enter(1, own)
          allWell(await next.link(appids), MERCHANTS)
          assert.equal(place.fake.count('api_get_authorizer_list'), 0)
          await next.leave()
        }
      },
    )

    test('is followed by another one, which has its merchants within 12 s', needsRedis, async (t) => {
      const redis = await startRedis(t)
      const place = await setupPlatforms(t, { redis: patient(redis.url) })
      const first = place.open()
      const [appid] = await place.merchants(1, first)
      await first.close()
      place.fake.rotateRefreshTokens = true
      place.fake.revokeTokens()
      const [victim, next] = await place.enter(2)
      const hold = place.fake.hold('api_authorizer_token')
      const lost = victim.link(appid)
      await until(() => hold.waiting === 1)
      const followed = next.link(appid)
      await victim.kill()
      hold.release()
      await lost
      const [outcome] = await followed
      allWell([outcome])
      // The lock lives 8 s, an attempt 4 s.
      assert.ok(outcome.ms < 12_000, `${outcome.ms} ms`)
      await next.leave()
    })
  },
  { concurrency: 2 },
)

/**
 * Lives one after the other, on one store. Each begins with all merchants of those before, which have to be there, and one that
 * authorises. Then it refreshes all tokens, and is killed at its nth step after WeChat's answer.
 */
async function live(place, { options, steps, most, free = async () => {} }) {
  const { fake } = place
  const first = place.open(options)
  const appids = await place.merchants(MERCHANTS, first)
  await first.close()
  place.receiver.target = undefined
  fake.rotateRefreshTokens = true
  let shown = new Set()
  const lives = { lived: 0, killed: 0, mended: 0, kept: 0 }
  for (let life = 0; ; life++) {
    const [process] = await place.enter(1, options)
    place.receiver.target = process
    const isLast = lives.killed === KILLS
    await pushed(() => fake.pushTicket({ newTicket: true }))
    await redelivered(place)
    const before = fake.requests.length
    await finds(process, appids)
    await free()
    for (const appid of appids) fake.revokeTokens(appid)
    if (isLast) {
      await finds(process, appids)
      await process.leave()
      return lives
    }
    const newcomer = newAppid()
    const { before: refreshed, wasKilled } = await killed(place, {
      process,
      appids,
      newcomer,
      steps,
      n: ((life * 5) % most) + 1,
    })
    const since = fake.requests.slice(before)
    for (const { endpoint, body, errcode } of since) {
      if (endpoint !== 'api_authorizer_token' || errcode !== 61023) continue
      const { authorizer_appid: appid } = JSON.parse(body)
      assert.ok(!shown.has(appid), `life ${life}: a token was used whose refresh token was lost`)
      lives.mended += 1
    }
    lives.lived += 1
    lives.kept += shown.size
    lives.killed += Number(wasKilled)
    const used = fake.requests
      .slice(refreshed)
      .filter(({ endpoint, errcode }) => endpoint === 'generatescheme' && !errcode)
    shown = new Set(used.map(({ body }) => ownerIn(body)))
    appids.push(newcomer)
    if (appids.length > MERCHANTS + 2) appids.shift()
    await free()
    fake.clock.advance(OVERLAP)
  }
}

/** Refreshes all tokens, and kills the process at its nth step after that. Returns how many requests there were before. */
async function killed({ fake }, { process, appids, newcomer, steps, n }) {
  const hold = fake.hold('api_authorizer_token')
  const made = process.link(appids)
  // A refresh that has waited for 4 s is sent again.
  assert.ok(await until(() => hold.waiting >= appids.length, PATIENCE_MS))
  const before = fake.requests.length
  const isKilled = new Promise((resolve) => {
    steps.stopAt(n, () => process.kill().then(() => resolve(true)))
  })
  const authorised = fake.authorize(newcomer).catch(() => {})
  hold.release()
  // A life that has fewer steps ends after them.
  const wasKilled = await Promise.race([isKilled, Promise.all([made, authorised]).then(() => false)])
  steps.goOn()
  await process.kill()
  await Promise.all([made, authorised])
  return { before, wasKilled }
}

/** That a process has tokens of all merchants. One that was lost is WeChat's refusal; what took too long is asked for again. */
async function finds(process, appids) {
  let outcomes
  await until(async () => {
    outcomes = await process.link(appids)
    return outcomes.every(({ code, errcode }) => !code || errcode)
  }, PATIENCE_MS)
  allWell(outcomes, appids.length)
}

/** WeChat pushes again what was not answered. */
async function redelivered({ fake }) {
  const missed = fake.pushes.filter(
    ({ infoType, answer, isAgain }) => infoType === 'authorized' && answer !== 'success' && !isAgain,
  )
  for (const push of missed) {
    await pushed(async () => {
      const answer = await fetch(push.url, { method: 'POST', body: push.body })
      return { answer: await answer.text() }
    })
    push.isAgain = true
  }
}

/** Pushes until the process has taken it. A store that is slow is a 500. */
async function pushed(push) {
  let last
  const isTaken = async () => {
    last = await push().catch((error) => ({ answer: error.message }))
    return last.answer === 'success'
  }
  assert.ok(await until(isTaken, PATIENCE_MS), last?.answer)
}

/** Each link leads to the appid of its merchant. */
const ownerIn = (body) => JSON.parse(body).jump_wxa.query.slice(2)
