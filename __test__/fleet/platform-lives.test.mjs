import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { run } from '../support/child.mjs'
import { allWell, counter, setupPlatforms } from '../support/platforms.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { newAppid, suite, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'

const COUNTED = ['api_component_token', 'api_authorizer_token', 'api_get_authorizer_list', 'api_query_auth']

suite(
  'the life of a third-party platform',
  (test) => {
    test('FLUSHALL costs living processes nothing, and new ones find what those know', needsRedis, async (t) => {
      const { redis, place } = await withRedis(t)
      const [one] = await place.enter(1)
      const appids = await place.merchants(3, one)
      // It comes later than all that it could be told of: that would make it ask Redis again.
      const [other] = await place.enter(1)
      allWell(await one.link(appids), 3)
      allWell(await other.link(appids), 3)
      const count = counter(place.fake, ...COUNTED)
      redis.cli('FLUSHALL')
      allWell(await other.link(appids), 3)
      const keys = () => redis.everything().map(({ key }) => key)
      const isBack = () => [...appids, ':ticket'].every((one) => keys().some((key) => key.includes(one)))
      assert.ok(await until(isBack), keys().join())
      assert.ok(await until(() => keys().filter((key) => key.endsWith(':token')).length === 4), keys().join())
      const [cold] = await place.enter(1)
      allWell(await cold.link(appids), 3)
      assert.deepEqual(count(), [0, 0, 0, 0])
      assert.ok(one.events('store.restored').length + other.events('store.restored').length > 0)
      await leave(one, other, cold)
      seen(place, redis)
    })

    test('a new fleet with an emptied Redis recovers with the next ticket and one list', needsRedis, async (t) => {
      const { redis, place } = await withRedis(t)
      const first = place.open()
      const appids = await place.merchants(20, first)
      await first.close()
      redis.cli('FLUSHALL')
      place.fake.revokeTokens()
      const fleet = await place.enter(3)
      place.receiver.target = fleet[0]
      const count = counter(place.fake, ...COUNTED)
      const calls = fleet.map((one) => one.link(appids))
      const isWaiting = async (one) => (await one.ask({ way: 'token', appid: appids[0], how: { timeoutMs: 500 } }))[0]
      for (const one of fleet) assert.equal((await isWaiting(one)).code, 'ERR_WXA_TICKET')
      assert.deepEqual(count(), [0, 0, 0, 0])
      await place.ticket()
      allWell((await Promise.all(calls)).flat(), 60)
      const [component, merchant, list] = count()
      assert.deepEqual([component, merchant], [1, 20])
      assert.ok(list >= 1 && list <= 3, `${list} lists: each process needs one at most`)
      await leave(...fleet)
      seen(place, redis)
    })

    test(
      'without Redis valid tokens serve on; then ERR_WXA_STORE, and a push is answered with 500',
      needsRedis,
      async (t) => {
        const { redis, place } = await withRedis(t, { timeoutMs: 300 })
        const [process] = await place.enter(1)
        const [appid] = await place.merchants(1, process)
        allWell(await process.link(appid))
        await redis.stop()
        allWell(await process.link(times(20, () => appid)))
        const count = counter(place.fake, ...COUNTED)
        const push = await place.fake.pushTicket({ newTicket: true, createTime: Date.now() + 5000 })
        assert.equal(push.status, 500)
        place.fake.revokeTokens(appid)
        const outcomes = await process.link(times(20, () => appid))
        assert.deepEqual(new Set(outcomes.map(({ code }) => code)), new Set(['ERR_WXA_STORE']))
        assert.deepEqual(count(), [0, 0, 0, 0])
        await redis.start()
        assert.ok(await until(async () => (await process.link(appid))[0].code === undefined))
        assert.ok(await until(() => redis.everything().some(({ key }) => key.endsWith(':ticket'))))
        const [{ value }] = await process.ask({ way: 'stats' })
        assert.deepEqual([value.store, value.unsaved], ['up', 0])
        await leave(process)
        seen(place, redis)
      },
    )

    test(
      'a withdrawal ends the merchant in every process within a second, and only that one',
      needsRedis,
      async (t) => {
        const { redis, place } = await withRedis(t)
        const fleet = await place.enter(4)
        const [leaves, stays] = await place.merchants(2, fleet[0])
        for (const one of fleet) allWell(await one.link([leaves, stays]), 2)
        await place.fake.unauthorize(leaves)
        const told = performance.now()
        const count = counter(place.fake, ...COUNTED)
        const refusals = fleet.map((one) =>
          until(async () => (await one.ask({ way: 'token', appid: leaves }))[0].errcode === 61003),
        )
        assert.deepEqual(await Promise.all(refusals), [true, true, true, true])
        const ms = performance.now() - told
        // Each process polls Redis for changes every 400 ms. A busy machine needs longer.
        assert.ok(ms < 4000, `${ms} ms`)
        for (const one of fleet) allWell(await one.link(stays), 1)
        assert.deepEqual(count().slice(0, 2), [0, 0])
        // It comes back, in every process.
        await place.fake.authorize(leaves)
        for (const one of fleet) {
          assert.ok(await until(async () => (await one.link(leaves))[0].code === undefined))
        }
        const keys = redis.everything().filter(({ key }) => key.includes(leaves))
        assert.ok(keys.some(({ key }) => key.endsWith(':authorizer')))
        await leave(...fleet)
        seen(place, redis)
      },
    )

    test('an unauthorized push that is older than the authorisation, and an older ticket, change nothing', async (t) => {
      const place = await setupPlatforms(t)
      const platform = place.open({ store: 'memory' })
      const [appid] = await place.merchants(1, platform)
      await platform.client(appid).generateScheme()
      const count = counter(place.fake, ...COUNTED)
      const past = place.fake.clock.now() - 60_000
      const elements = { InfoType: 'unauthorized', AuthorizerAppid: appid }
      await place.fake.push(elements, { createTime: past })
      const stale = await place.fake.pushTicket({ ticket: 'ticket@@@older-and-wrong', createTime: past })
      assert.equal(stale.answer, 'success')
      // A replay of what has come, byte by byte.
      for (const { url, body } of [...place.fake.pushes]) {
        assert.equal(await (await fetch(url, { method: 'POST', body })).text(), 'success')
      }
      place.fake.revokeTokens(appid)
      await platform.client(appid).generateScheme()
      assert.deepEqual(count(), [0, 1, 0, 0])
    })

    test('a push and the page of the merchant complete one authorisation once, in any order', async (t) => {
      const place = await setupPlatforms(t)
      const platform = place.open({ store: 'memory' })
      await place.ticket()
      const count = counter(place.fake, ...COUNTED)
      const appids = times(6, newAppid)
      await Promise.all(
        appids.map(async (appid, n) => {
          const code = await place.fake.authorize(appid, { push: n % 3 !== 0 })
          const [completed] = await Promise.all([
            platform.completeAuthorization(code),
            ...(n % 3 === 1 ? [platform.completeAuthorization(code)] : []),
          ])
          assert.equal(completed.appid, appid)
          await platform.client(appid).generateScheme()
        }),
      )
      assert.deepEqual(count(), [1, 0, 0, appids.length])
    })

    test(
      'a push and the page complete it in whichever processes they come to, as often as they come',
      needsRedis,
      async (t) => {
        const { redis, place } = await withRedis(t)
        const [pushed, page, late] = await place.enter(3)
        place.receiver.target = pushed
        await place.ticket()
        const appids = times(6, newAppid)
        for (const [n, appid] of appids.entries()) {
          const code = await place.fake.authorize(appid, { push: n % 2 === 0, permissions: [17, 88] })
          const answers = await Promise.all([page, pushed, page].map((one) => one.ask({ way: 'complete', code })))
          answers.push(await late.ask({ way: 'complete', code }))
          for (const [{ value, shown }] of answers) assert.deepEqual(value, { appid, permissions: [17, 88] }, shown)
          for (const one of [pushed, page, late]) allWell(await one.link(appid), 1)
        }
        assert.equal(place.fake.requests.filter(({ errcode }) => errcode === 61009).length, 0)
        await leave(pushed, page, late)
        seen(place, redis)
      },
    )

    test('a removed merchant is not asked for, in no process, until it authorises anew', needsRedis, async (t) => {
      const { redis, place } = await withRedis(t)
      const [one, other] = await place.enter(2)
      const [appid] = await place.merchants(1, one)
      for (const process of [one, other]) allWell(await process.link(appid), 1)
      await one.ask({ way: 'remove', appid })
      const count = counter(place.fake, ...COUNTED)
      for (const process of [one, other]) {
        assert.ok(await until(async () => (await process.ask({ way: 'token', appid }))[0].errcode === 61003))
      }
      const [late] = await place.enter(1)
      assert.equal((await late.link(appid))[0].errcode, 61003)
      assert.deepEqual(count(), [0, 0, 0, 0])
      await place.fake.authorize(appid, { permissions: [17, 88, 3] })
      for (const process of [one, other, late]) {
        assert.ok(await until(async () => (await process.link(appid))[0].code === undefined))
      }
      await leave(one, other, late)
      seen(place, redis)
    })

    test('the error of a second process on one file names redis; a killed process frees the file at once', async (t) => {
      const place = await setupPlatforms(t, { store: 'memory' })
      const options = { store: place.file }
      const [holder, second] = await place.enter(2, options)
      place.receiver.target = holder
      const [appid] = await place.merchants(1, holder)
      const before = await readFile(place.file.slice('file:'.length), 'latin1')
      for (const asked of [
        { way: 'link', appid },
        { way: 'remove', appid },
      ]) {
        const [refused] = await second.ask(asked)
        assert.equal(refused.code, 'ERR_WXA_STORE')
        assert.match(refused.shown, /redis/)
      }
      assert.equal(await readFile(place.file.slice('file:'.length), 'latin1'), before)
      await holder.kill()
      allWell(await second.link(appid), 1)
      await leave(second)
    })

    test('a damaged file is an error that says so, is not overwritten, and no request is made', async (t) => {
      const place = await setupPlatforms(t)
      const path = place.file.slice('file:'.length)
      const first = place.open({ store: place.file })
      const [appid] = await place.merchants(1, first)
      await first.close()
      const whole = await readFile(path)
      const requests = place.fake.requests.length
      for (const damaged of [
        whole.subarray(0, -9),
        Buffer.alloc(0),
        Buffer.from('{}'),
        Buffer.concat([whole, whole]),
      ]) {
        await writeFile(path, damaged)
        const platform = place.open({ store: place.file })
        const error = await platform
          .client(appid)
          .generateScheme()
          .catch((thrown) => thrown)
        assert.equal(error.code, 'ERR_WXA_STORE', inspect(error))
        assert.equal((await place.fake.pushTicket({ newTicket: true })).status, 500)
        assert.deepEqual(await readFile(path), damaged)
        await platform.close()
      }
      assert.equal(place.fake.requests.length, requests)
      await writeFile(path, whole)
      await place.open({ store: place.file }).client(appid).generateScheme()
    })

    test('close() amid calls lets them end, and frees the file', async (t) => {
      const place = await setupPlatforms(t)
      const platform = place.open({ store: place.file })
      const [appid] = await place.merchants(1, platform)
      const client = platform.client(appid)
      place.fake.revokeTokens()
      const hold = place.fake.hold('api_authorizer_token')
      const calls = times(10, () => client.generateScheme())
      assert.ok(await until(() => hold.waiting === 1))
      const closed = platform.close()
      await assert.rejects(client.generateScheme(), { code: 'ERR_WXA_CLOSED' })
      hold.release()
      await Promise.all(calls)
      await closed
      const [next] = await place.enter(1, { store: place.file })
      allWell(await next.link(appid), 1)
      await leave(next)
    })

    test('a process with an open platform ends by itself, with every store', needsRedis, async (t) => {
      const { place } = await withRedis(t)
      const [appid] = await place.merchants(1, place.open())
      const script = `
        const { WxaPlatform } = await import('wxacode')
        const records = new Map()
        const own = { get: async (key) => records.get(key), set: async (key, value) => void records.set(key, value), delete: async (key) => void records.delete(key) }
        const platform = new WxaPlatform({ ...given.options, ...(given.own && { store: own }) })
        const appid = given.appid
        if (given.refreshToken) await platform.importAuthorizer({ appid, refreshToken: 'imported' })
        const error = await platform.client(appid).getAccessToken({ timeoutMs: given.timeoutMs }).catch((error) => error)
        console.log(error.code ?? 'served')`
      const { redis: _, ...alone } = place.options
      const lives = [
        { options: place.options, appid, timeoutMs: 20_000, said: 'served\n' },
        { options: { ...alone, store: place.file }, appid, timeoutMs: 100, said: 'ERR_WXA_TICKET\n' },
        { options: { ...alone, store: 'memory' }, appid, timeoutMs: 100, said: 'ERR_WXA_TICKET\n' },
        { options: alone, own: true, refreshToken: true, appid, timeoutMs: 100, said: 'ERR_WXA_TICKET\n' },
      ]
      for (const { said, ...given } of lives) {
        const { code, stdout, stderr } = await run(script, { given })
        assert.deepEqual([code, stdout, stderr], [0, said, ''])
      }
    })

    test('worker threads share the tokens of one platform, and each may end', async (t) => {
      const place = await setupPlatforms(t)
      const options = { ...place.options, store: place.file }
      const platform = place.open({ store: place.file })
      const appids = await place.merchants(10, platform)
      for (const appid of appids) place.fake.revokeTokens(appid)
      const count = counter(place.fake, ...COUNTED)
      const source = `
        const { parentPort, workerData } = require('node:worker_threads')
        const { WxaPlatform } = require('wxacode')
        const platform = new WxaPlatform(workerData.options)
        const links = workerData.appids.map((appid) => platform.client(appid).generateScheme())
        Promise.allSettled(links).then((all) => parentPort.postMessage(all.map((one) => one.reason?.message)))`
      const workers = times(4, () => new Worker(source, { eval: true, workerData: { options, appids } }))
      const here = Promise.all(appids.map((appid) => platform.client(appid).generateScheme()))
      const said = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)))
      // One of them is ended amid its calls.
      await workers[0].terminate()
      assert.deepEqual(
        await Promise.all(said.slice(1)),
        times(3, () => times(10, () => undefined)),
      )
      await here
      assert.deepEqual(count().slice(0, 2), [0, 10])
      await Promise.all(workers.map((worker) => worker.terminate()))
    })

    for (const [how, fails] of [
      ['throws', () => assert.fail('password=Canary-of-a-database')],
      ['hangs', () => new Promise(() => {})],
      ['gives no bytes', () => 'a text'],
      ['has lost its mind', () => new Uint8Array(100)],
    ]) {
      test(`one’s own store that ${how}: valid tokens serve on, then ERR_WXA_STORE, and nothing is lost`, async (t) => {
        const place = await setupPlatforms(t)
        const records = new Map()
        let broken = false
        const store = {
          get: async (key) => (broken ? fails() : records.get(key)),
          set: async (key, value) => (broken ? fails() : void records.set(key, Buffer.from(value))),
          delete: async (key) => (broken ? fails() : void records.delete(key)),
        }
        const platform = place.open({ store, timeoutMs: 20_000 })
        const [appid] = await place.merchants(1, platform)
        const client = platform.client(appid)
        await client.generateScheme()
        place.fake.rotateRefreshTokens = true
        broken = true
        await client.generateScheme()
        // The answer is there and cannot be saved.
        place.fake.revokeTokens(appid)
        const error = await client.generateScheme().catch((thrown) => thrown)
        place.texts.push(inspect(error, { depth: 9 }), JSON.stringify(error), inspect(platform.stats()))
        const isServed = how === 'gives no bytes' || how === 'has lost its mind'
        if (error.code !== undefined) assert.equal(error.code, 'ERR_WXA_STORE', inspect(error))
        assert.ok(!inspect(error, { depth: 9 }).includes('Canary'), inspect(error))
        broken = false
        assert.ok(
          await until(() =>
            client.generateScheme().then(
              () => true,
              () => false,
            ),
          ),
          isServed ? how : inspect(error),
        )
        assert.ok(await until(() => platform.stats().unsaved === 0))
        await platform.close()
        place.fake.clock.advance(301)
        place.fake.revokeTokens(appid)
        const next = place.open({ store })
        const lists = place.fake.count('api_get_authorizer_list')
        await place.ticket({ newTicket: true })
        await next.client(appid).generateScheme()
        assert.equal(place.fake.count('api_get_authorizer_list'), lists, 'the refresh token was saved')
        for (const [key, value] of records) place.texts.push(`${key} ${value.toString('latin1')}`)
      })
    }
  },
  { concurrency: 3 },
)

async function withRedis(t, redisOptions = {}) {
  const redis = await startRedis(t)
  return { redis, place: await setupPlatforms(t, { redis: { ...patient(redis.url), ...redisOptions } }) }
}

const leave = (...processes) => Promise.all(processes.map((one) => one.leave()))

/** What is in Redis is searched for secrets at the end. */
const seen = (place, redis) => place.texts.push(JSON.stringify(redis.everything()))
