import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { counter, setupPlatforms } from '../support/platforms.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { suite, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

const CALLS = 200
const COUNTED = ['api_component_token', 'api_authorizer_token', 'api_get_authorizer_list', 'links']

/**
 * A refusal that does not end, at one endpoint: how many requests one cold call costs, how many 200 further calls at once, and how
 * many 200 more after them; each of the component token, the merchant's token, the list and the API that was called.
 */
const REFUSALS = [
  { errcode: 61005, endpoint: 'api_component_token', first: [1, 0, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61006, endpoint: 'api_component_token', first: [1, 0, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 40001, endpoint: 'api_component_token', first: [1, 0, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61004, endpoint: 'api_component_token', first: [1, 0, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61011, endpoint: 'api_component_token', first: [1, 0, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 40001, endpoint: 'api_authorizer_token', first: [2, 2, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 42001, endpoint: 'api_authorizer_token', first: [2, 2, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61003, endpoint: 'api_authorizer_token', first: [1, 1, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61004, endpoint: 'api_authorizer_token', first: [1, 1, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61007, endpoint: 'api_authorizer_token', first: [1, 1, 0, 0], crowd: [0, 0, 0, 0] },
  { errcode: 61023, endpoint: 'api_authorizer_token', first: [1, 1, 1, 0], crowd: [0, 0, 0, 0] },
  { errcode: 42007, endpoint: 'api_authorizer_token', first: [1, 1, 0, 0], crowd: [0, 0, 0, 0] },
  // A call of the merchant is replayed once, with one other token for all.
  { errcode: 40001, endpoint: 'links', first: [1, 2, 0, 2], crowd: [0, 0, 0, CALLS] },
  { errcode: 42001, endpoint: 'links', first: [1, 2, 0, 2], crowd: [0, 0, 0, CALLS] },
  { errcode: 61003, endpoint: 'links', first: [1, 1, 0, 1], crowd: [0, 0, 0, 0] },
  { errcode: 61004, endpoint: 'links', first: [1, 1, 0, 1], crowd: [0, 0, 0, CALLS] },
  { errcode: 61007, endpoint: 'links', first: [1, 1, 0, 1], crowd: [0, 0, 0, CALLS] },
]

const isTicketsFault = (errcode) => [61005, 61006].includes(errcode)

suite(
  'a refusal that does not end',
  (test) => {
    for (const { errcode, endpoint, first, crowd } of REFUSALS) {
      test(`${errcode} of ${endpoint} costs a call ${sum(first)} requests, and a crowd ${sum(crowd)}`, async (t) => {
        const { place, platform, appid } = await cold(t)
        const count = counter(place.fake, ...COUNTED)
        const refused = place.fake.fail(errcode, { endpoint, times: Number.POSITIVE_INFINITY })
        // A call without a usable ticket waits for one as long as it can.
        const how = isTicketsFault(errcode) ? { timeoutMs: 2500 } : {}
        const refusedCall = async () => {
          const error = await failure(place, platform.client(appid).generateScheme({}, how))
          assert.deepEqual([error.code, error.errcode], ['ERR_WXA_API', errcode], inspect(error))
        }
        await refusedCall()
        assert.deepEqual(count(), first, 'one call')
        for (const round of ['the crowd', 'the crowd once more']) {
          await Promise.all(times(CALLS, refusedCall))
          assert.deepEqual(count(), crowd, round)
        }
        assert.ok(refused.used > 0)
      })

      test(`${errcode} of ${endpoint} costs a cold crowd little more than one call`, async (t) => {
        const { place, platform, appid } = await cold(t)
        const count = counter(place.fake, ...COUNTED)
        place.fake.fail(errcode, { endpoint, times: Number.POSITIVE_INFINITY })
        const how = isTicketsFault(errcode) ? { timeoutMs: 4000 } : {}
        const client = platform.client(appid)
        await Promise.all(times(CALLS, () => failure(place, client.generateScheme({}, how))))
        const [component, merchant, list, calls] = count()
        assert.deepEqual([component, merchant, list], first.slice(0, 3))
        // Each call is made, and replayed where one may be.
        assert.ok(calls <= CALLS * first[3], `${calls} calls`)
      })
    }

    test('a component token that is always refused costs 200 merchants two of them', async (t) => {
      const place = await setupPlatforms(t)
      const platform = place.open({ store: 'memory' })
      const appids = await place.merchants(CALLS, platform)
      place.fake.revokeTokens()
      const count = counter(place.fake, ...COUNTED)
      place.fake.fail(40001, { endpoint: 'api_authorizer_token', times: Number.POSITIVE_INFINITY })
      await Promise.all(appids.map((appid) => failure(place, platform.client(appid).generateScheme({}))))
      const [component, merchant, list] = count()
      assert.ok(component <= 2, `${component} component tokens`)
      assert.ok(merchant <= 2 * CALLS, `${merchant} refreshes`)
      assert.equal(list, 0)
    })

    test('61003 of 200 merchants that never authorised costs one reading of the list', async (t) => {
      const { place, platform } = await cold(t)
      const count = counter(place.fake, ...COUNTED)
      const strangers = times(CALLS, (n) => `wx${String(n).padStart(16, '0')}`)
      for (let round = 0; round < 2; round++) {
        await Promise.all(
          strangers.map(async (appid) => {
            const error = await failure(place, platform.client(appid).generateScheme({}))
            assert.equal(error.errcode, 61003)
          }),
        )
      }
      assert.deepEqual(count(), [1, 0, 1, 0])
    })

    test('61023 for ever, and the list has another refresh token each time: two requests', async (t) => {
      const { place, platform, appid } = await cold(t)
      const count = counter(place.fake, ...COUNTED)
      let read = 0
      place.fake.fail(61023, { endpoint: 'api_authorizer_token', times: Number.POSITIVE_INFINITY })
      const answer = () => {
        read += 1
        const list = [{ authorizer_appid: appid, refresh_token: `refreshtoken@@@another-one-${read}`, auth_time: 1 }]
        return { status: 200, body: JSON.stringify({ total_count: 1, list }) }
      }
      for (let n = 0; n < 20; n++) {
        place.fake.fail(answer(), { endpoint: 'api_get_authorizer_list' })
        const error = await failure(place, platform.client(appid).generateScheme({}))
        assert.equal(error.errcode, 61023)
      }
      assert.deepEqual(count(), [1, 2, 1, 0])
    })

    for (const [errcode, endpoint, bounds] of [
      [61023, 'api_authorizer_token', [1, 4, 4]],
      [61003, 'api_authorizer_token', [1, 4, 0]],
      [40001, 'api_authorizer_token', [2, 8, 0]],
      [61006, 'api_component_token', [1, 0, 0]],
      [40001, 'links', [1, 2, 0]],
    ]) {
      test(
        `${errcode} of ${endpoint} costs a fleet of four at most ${sum(bounds)} token requests`,
        needsRedis,
        async (t) => {
          const redis = await startRedis(t)
          const place = await setupPlatforms(t, { redis: patient(redis.url) })
          const first = place.open()
          const [appid] = await place.merchants(1, first)
          await first.close()
          redis.cli('DEL', ...redis.everything().flatMap(({ key }) => (key.endsWith(':token') ? [key] : [])))
          place.fake.revokeTokens()
          const fleet = await place.enter(4)
          const count = counter(place.fake, ...COUNTED)
          place.fake.fail(errcode, { endpoint, times: Number.POSITIVE_INFINITY })
          const how = isTicketsFault(errcode) ? { timeoutMs: 5000 } : {}
          const appids = times(50, () => appid)
          const outcomes = (await Promise.all(fleet.map((one) => one.link(appids, how)))).flat()
          // Only the process that has sent the ticket knows how WeChat refused it.
          const isSo = (one) => one.errcode === errcode || (isTicketsFault(errcode) && one.code === 'ERR_WXA_TICKET')
          assert.ok(outcomes.every(isSo), inspect(outcomes.find((one) => !isSo(one))))
          const counts = count()
          for (const [n, most] of bounds.entries()) assert.ok(counts[n] <= most, `${counts} and not ${bounds}`)
          // Everything goes on when WeChat takes it again.
          place.texts.push(JSON.stringify(redis.everything()))
        },
      )
    }

    test('a newer ticket ends the wait of all calls, with one request', async (t) => {
      const { place, platform, appid } = await cold(t)
      const before = place.fake.count('api_component_token')
      const refused = place.fake.fail(61006, { endpoint: 'api_component_token', times: 3 })
      const calls = times(50, () => platform.client(appid).generateScheme({}))
      for (const n of [1, 2, 3]) {
        assert.ok(await until(() => refused.used === n && platform.stats().ticketRefused))
        await place.ticket({ newTicket: true, createTime: Date.now() + n * 5000 })
      }
      await Promise.all(calls)
      assert.equal(place.fake.count('api_component_token'), before + 4)
    })
  },
  { concurrency: 4 },
)

/** A merchant whose refresh token is all that a new platform has. */
async function cold(t) {
  const place = await setupPlatforms(t)
  const store = place.file
  const first = place.open({ store })
  const [appid] = await place.merchants(1, first)
  await first.close()
  place.fake.revokeTokens()
  return { place, appid, platform: place.open({ store }) }
}

/** The error of a call, which is searched for secrets at the end. */
async function failure(place, promise) {
  const error = await promise.then(
    (value) => assert.fail(`it resolved with ${inspect(value)}`),
    (thrown) => thrown,
  )
  place.texts.push(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }), JSON.stringify(error))
  return error
}

function sum(numbers) {
  return numbers.reduce((total, one) => total + one, 0)
}
