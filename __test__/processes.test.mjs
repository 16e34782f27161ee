import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { start } from './support/child.mjs'
import { asked } from './support/decode.mjs'
import { freePort } from './support/ports.mjs'
import { needsRedis, patient, startRedis } from './support/redis.mjs'
import { setup, suite, times } from './support/suite.mjs'
import { until } from './support/until.mjs'

const SITE = createRequire(import.meta.url).resolve('./support/site-process.cjs')

/** The primary of a cluster of four. Told `reload` it replaces its workers one after the other, as process managers do. */
const PRIMARY = `
import cluster from 'node:cluster'
import { once } from 'node:events'
cluster.setupPrimary({ exec: given.site, execArgv: [] })
const ready = (worker) => new Promise((resolve) => worker.on('message', (said) => said.ready && resolve(worker)))
const exits = []
cluster.on('exit', (worker, code, signal) => exits.push(signal ?? code))
const begin = () => ready(cluster.fork())
let workers = await Promise.all(Array.from({ length: 4 }, begin))
console.log('up')
for await (const told of process.stdin.setEncoding('utf8')) {
  if (told === 'kill') {
    const [worker] = workers
    worker.process.kill('SIGKILL')
    await once(worker, 'exit')
    workers[0] = await begin()
  }
  if (told === 'reload') {
    for (const [n, old] of workers.entries()) {
      workers[n] = await begin()
      old.process.kill('SIGINT')
      await once(old, 'exit')
    }
  }
  if (told === 'stop') for (const worker of workers) worker.process.kill('SIGINT')
  console.log('done ' + told)
  if (told === 'stop') break
}
await Promise.all(workers.map((worker) => worker.isDead() || once(worker, 'exit')))
console.log(JSON.stringify(exits))
process.exit()
`

suite('several processes', (test) => {
  for (const store of ['without a store', 'with Redis']) {
    test(
      `a cluster ${store}: every worker answers, and a killed worker disturbs no other`,
      needsFor(store),
      async (t) => {
        const { fake, site, ...cluster } = await startCluster(t, store)
        const first = await site.askAll(60)
        assert.equal(first.pids.size, 4)
        assert.equal(fake.count('tokens'), store === 'with Redis' ? 1 : 4)
        await cluster.tell('kill')
        const second = await site.askAll(60)
        assert.equal(second.pids.size, 4)
        assert.equal([...second.pids].filter((pid) => !first.pids.has(pid)).length, 1)
        assert.deepEqual(await cluster.stop(), ['SIGKILL', 0, 0, 0, 0])
        assert.equal(fake.count('tokens'), store === 'with Redis' ? 1 : 5)
      },
    )
  }

  test('a cluster that is reloaded under load fails no request', async (t) => {
    const { site, ...cluster } = await startCluster(t, 'without a store')
    let isOver = false
    const visitors = times(4, async (n) => {
      const pids = new Set()
      while (!isOver) pids.add(await site.ask(`${n}`))
      return pids
    })
    await cluster.tell('reload')
    isOver = true
    const seen = new Set((await Promise.all(visitors)).flatMap((pids) => [...pids]))
    assert.ok(seen.size > 4, `${seen.size} processes`)
    assert.deepEqual(
      await cluster.stop(),
      times(8, () => 0),
    )
  })

  test('a forked process answers its open request after the message to stop, closes and exits', async (t) => {
    const { fake, options } = await setup(t)
    const child = forkSite(t, options)
    const [{ ready: port }] = await once(child, 'message')
    const hold = fake.hold('codes')
    const visitor = siteAt(port).ask('under-way')
    await fake.arrived(1, 'codes')
    child.kill('SIGINT')
    await until(() => isRefused(port))
    hold.release()
    assert.equal(await visitor, String(child.pid))
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })

  test('calls succeed in a process that forks during them, and in the fork', async (t) => {
    const { fake, wxa, options } = await setup(t)
    const hold = fake.hold('codes')
    const own = wxa.getUnlimitedQRCode({ scene: 'parent', width: 280 })
    await fake.arrived(1, 'codes')
    const child = forkSite(t, options)
    const [{ ready: port }] = await once(child, 'message')
    const visitor = siteAt(port).ask('fork')
    await fake.arrived(2, 'codes')
    hold.release()
    assert.equal(asked(await own).scene, 'parent')
    assert.equal(await visitor, String(child.pid))
    child.kill('SIGINT')
    assert.deepEqual(await once(child, 'exit'), [0, null])
  })
})

function needsFor(store) {
  return store === 'with Redis' ? needsRedis : {}
}

async function startCluster(t, store) {
  const redis = store === 'with Redis' ? patient((await startRedis(t)).url) : undefined
  const { fake, options } = await setup(t, {}, { redis })
  const port = await freePort()
  const env = { SITE_CLIENT: JSON.stringify(options), PORT: String(port) }
  const { child, done, output, printed } = start(PRIMARY, { given: { site: SITE }, env })
  t.after(() => child.kill('SIGKILL'))
  await printed('up\n')
  const tell = async (word) => {
    child.stdin.write(word)
    await printed(`done ${word}\n`)
  }
  const stop = async () => {
    await tell('stop')
    const { code, stderr } = await done
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    return JSON.parse(output.stdout.trim().split('\n').at(-1))
  }
  return { fake, site: siteAt(port), tell, stop }
}

function forkSite(t, options) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, SITE_CLIENT: JSON.stringify(options), PORT: '0' }
  const child = fork(SITE, { env, execArgv: [] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

function siteAt(port) {
  /** Asks for a scene, checks that it is the one in the picture, and gives the process that answered. */
  async function ask(scene) {
    const answer = await fetch(`http://127.0.0.1:${port}/${scene}`)
    assert.equal(answer.status, 200)
    assert.equal(asked(Buffer.from(await answer.arrayBuffer())).scene, scene)
    return answer.headers.get('x-pid')
  }
  const askAll = async (n) => ({ pids: new Set(await Promise.all(times(n, (which) => ask(`n${which}`)))) })
  return { ask, askAll }
}

function isRefused(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve(true))
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
  })
}
