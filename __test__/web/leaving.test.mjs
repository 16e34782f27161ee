import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { codeHandler } from 'wxacode/express'
import { startQuickWeChat } from '../support/quick.mjs'
import { allWaitFor, deferred, setup, suite, times } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { frameworks } from './frameworks.mjs'
import { site } from './site.mjs'

const VISITORS = 2000

/** A visitor who has asked, and what was written to them. */
async function visitor({ server }) {
  const socket = connect(server.address().port, '127.0.0.1')
  await once(socket, 'connect')
  const read = []
  socket.on('data', (bytes) => read.push(bytes))
  socket.on('error', () => {})
  const ask = (path = '/code') => socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`)
  ask()
  return { socket, ask, text: () => Buffer.concat(read).toString('latin1') }
}

/** When the server has noticed that so many are left: of thousands, on a busy machine, not in half a minute. */
const remain = (wanted, { server }) =>
  until(() => new Promise((resolve) => server.getConnections((_, n) => resolve(n === wanted))), 90_000).then(assert.ok)

suite('a visitor who disconnects before the handler runs', (test) => {
  test('makes no request to WeChat', async (t) => {
    const { fake, wxa } = await setup(t)
    const handled = deferred()
    const handler = codeHandler(wxa, () => ({ scene: 'before' }))
    const server = createServer(async (req, res) => {
      await once(res, 'close')
      handler(req, res, assert.fail)
      handled.resolve()
    })
    t.after(() => server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const asked = once(server, 'request')
    const { socket } = await visitor({ server })
    await asked
    socket.destroy()
    await handled.promise
    await nextTurn()
    await wxa.getUnlimitedQRCode({ scene: 'after' })
    await fake.idle()
    assert.equal(fake.count('codes'), 1)
    assert.equal(JSON.parse(fake.requests.at(-1).body).scene, 'after')
  })
})

for (const name of Object.keys(frameworks)) {
  suite(`a visitor who disconnects: ${name}`, (test) => {
    for (const how of ['destroy', 'resetAndDestroy']) {
      test(`aborts the request to WeChat, by ${how}`, async (t) => {
        const here = await site(t, name)
        here.fake.hold('codes')
        const { socket } = await visitor(here)
        await here.fake.arrived(1, 'codes')
        socket[how]()
        await here.fake.idle()
        assert.equal(here.fake.requests.at(-1).closed, true)
        assert.deepEqual([here.failures, here.thrown], [[], []])
      })
    }

    test('leaves the token to later requests', async (t) => {
      const here = await site(t, name)
      const hold = here.fake.hold('tokens')
      const { socket } = await visitor(here)
      await here.fake.arrived(1, 'tokens')
      socket.destroy()
      await remain(0, here)
      hold.release()
      assert.equal((await here.ask()).status, 200)
      assert.equal(here.fake.count('tokens'), 1)
      assert.equal(here.codes(), 1)
    })

    test('while the mapping runs, makes no request to WeChat', async (t) => {
      const [begun, thought] = [deferred(), deferred()]
      const toCode = async (query) => {
        if (query.has('after')) return { scene: 'after' }
        begun.resolve()
        return await thought.promise
      }
      const here = await site(t, name, { toCode })
      const { socket } = await visitor(here)
      await begun.promise
      socket.destroy()
      await remain(0, here)
      thought.resolve({ scene: 'before' })
      assert.equal((await here.ask('/code?after')).status, 200)
      assert.equal(here.codes(), 1)
      assert.equal(JSON.parse(here.fake.requests.at(-1).body).scene, 'after')
      assert.deepEqual([here.failures, here.thrown], [[], []])
    })

    test('aborts no other request for the same code', async (t) => {
      let asked = 0
      const toCode = () => {
        asked += 1
        return { scene: 'a' }
      }
      const here = await site(t, name, { toCode, client: { cache: true } })
      const hold = here.fake.hold('codes')
      const { socket } = await visitor(here)
      await here.fake.arrived(1, 'codes')
      const others = times(3, () => here.ask())
      assert.ok(await until(() => asked === 4))
      await allWaitFor((limit) => here.wxa.getUnlimitedQRCode({ scene: 'a' }, limit))
      socket.destroy()
      await remain(3, here)
      hold.release()
      for (const { status } of await Promise.all(others)) assert.equal(status, 200)
      assert.equal(here.codes(), 1)
      assert.equal(here.wxa.stats().cache.coalesced, 3)
    })

    test('is not one that has its answer and sends another request over the same connection', async (t) => {
      const here = await site(t, name)
      const { socket, ask, text } = await visitor(here)
      t.after(() => socket.destroy())
      const answers = () => text().split('\xff\xd9').length - 1
      assert.ok(await until(() => answers() === 1))
      ask('/code?scene=b')
      assert.ok(await until(() => answers() === 2))
      assert.equal(text().match(/HTTP\/1\.1 200/g).length, 2)
      assert.equal(here.codes(), 2)
    })

    test(`leaves no request open, among ${VISITORS} at any moment`, async (t) => {
      const wechat = await startQuickWeChat(t, { delayMs: 50 })
      const client = { baseUrl: wechat.url, ratePerMinute: Number.POSITIVE_INFINITY }
      let [came, left] = [0, 0]
      const isBusy = deferred()
      const toCode = () => {
        came += 1
        // A busy machine may take longer to let them in than they would stay.
        if (came === VISITORS) isBusy.resolve()
        return { scene: 'a' }
      }
      const options = { ratePerMinute: Number.POSITIVE_INFINITY, concurrency: Number.POSITIVE_INFINITY }
      const here = await site(t, name, { client, toCode, options })
      await autocannon({
        url: `${here.url}/code`,
        connections: VISITORS,
        amount: VISITORS * 100,
        async setupClient(visitor) {
          await isBusy.promise
          await sleep(Math.random() * 1000)
          visitor.destroy()
          left += 1
        },
      })
      assert.equal(left, VISITORS)
      await remain(0, here)
      assert.ok(await until(() => wechat.seen.open === 0), `${wechat.seen.open} requests are open`)
      assert.ok(wechat.seen.dropped > 0)
      t.diagnostic(`${wechat.seen.count} codes were asked for, ${wechat.seen.dropped} requests dropped`)
      assert.deepEqual([here.failures, here.thrown], [[], []])
      assert.equal((await here.ask()).status, 200)
    })
  })
}
