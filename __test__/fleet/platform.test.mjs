import assert from 'node:assert/strict'
import { allWell, counter, setupPlatforms } from '../support/platforms.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

const CHAIN = ['api_component_token', 'api_authorizer_token']

suite(
  'a third-party platform in a fleet',
  (test) => {
    test(
      '8 new processes with 50 calls each for one merchant make one request for each credential',
      needsRedis,
      async (t) => {
        const redis = await startRedis(t)
        const place = await setupPlatforms(t, { redis: patient(redis.url) })
        const [appid] = await place.merchants(1, place.open())
        // Nothing is left of the first process but its records.
        const tokens = redis.everything().filter(({ key }) => /:(token|fence)$/.test(key))
        redis.cli('DEL', ...tokens.map(({ key }) => key))
        await place.receiver.target.close()
        place.fake.revokeTokens()
        const fleet = await place.enter(8)
        const count = counter(place.fake, ...CHAIN)
        const outcomes = await Promise.all(fleet.map((one) => one.draw(appid, 50)))
        allWell(outcomes.flat(), 400)
        assert.deepEqual(count(), [1, 1])
        await Promise.all(fleet.map((one) => one.leave()))
        place.texts.push(JSON.stringify(redis.everything()))
      },
    )

    test(
      'stats() of a new process has the age of the ticket without a call, and the file stays unlocked',
      needsRedis,
      async (t) => {
        const redis = await startRedis(t)
        for (const options of [{ redis: patient(redis.url) }, { store: 'file' }]) {
          const place = await setupPlatforms(t)
          const own = options.store ? { store: place.file } : options
          const first = place.open(own)
          await place.ticket()
          const [next] = await place.enter(1, own)
          const stats = async () => (await next.ask({ way: 'stats' }))[0].value
          assert.ok(await until(async () => (await stats()).ticketAgeMs !== undefined))
          assert.equal((await stats()).store, 'up')
          assert.equal(place.fake.count('platform'), 0)
          await place.merchants(1, first)
          await next.leave()
        }
      },
    )

    test('200 merchants at once in a new process make one component request, and none waits for another', async (t) => {
      const place = await setupPlatforms(t)
      const store = place.file
      const first = place.open({ store })
      const appids = await place.merchants(200, first)
      await first.close()
      place.fake.revokeTokens()
      const [process] = await place.enter(1, { store })
      const count = counter(place.fake, ...CHAIN)
      const refreshes = place.fake.hold('api_authorizer_token')
      const links = place.fake.hold('links')
      const made = process.link(appids)
      assert.ok(await until(() => refreshes.waiting === 200), `${refreshes.waiting} refreshes at once`)
      refreshes.release()
      assert.ok(await until(() => links.waiting === 200), `${links.waiting} links at once`)
      links.release()
      allWell(await made, 200)
      assert.deepEqual(count(), [1, 200])
      await process.leave()
    })

    test('a merchant whose refresh hangs holds up no other', async (t) => {
      const place = await setupPlatforms(t)
      const store = place.file
      const first = place.open({ store })
      const appids = await place.merchants(3, first)
      await first.close()
      place.fake.revokeTokens()
      const [process] = await place.enter(1, { store })
      const hang = place.fake.fail('hang', {
        endpoint: 'api_authorizer_token',
        where: ({ body }) => body.includes(appids[0]),
      })
      const slow = process.draw(appids[0])
      await until(() => hang.used === 1)
      allWell(await process.draw(appids.slice(1), 5), 10)
      // A silent server has 4 of the 6 s of a refresh, and is asked again.
      const isAsked = ({ endpoint, body }) => endpoint === 'api_authorizer_token' && body.includes(appids[0])
      assert.ok(await until(() => place.fake.requests.filter(isAsked).length === 2))
      await slow
    })
  },
  { concurrency: 2 },
)
