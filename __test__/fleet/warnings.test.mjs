import assert from 'node:assert/strict'
import { run, withoutWarnings, workerSource } from '../support/child.mjs'
import { freePort } from '../support/ports.mjs'
import { needsRedis, patient, startRedis } from '../support/redis.mjs'
import { checkText, setup, suite } from '../support/suite.mjs'

/** Makes some calls without a subscriber, and the process ends by itself. */
const CALLER = `
const wxa = new WxaCode(given)
const code = (scene) => wxa.getUnlimitedQRCode({ scene, checkPath: false }).then(() => 'ok', (error) => error.code)
const first = await code('a')
const more = await Promise.all(['b', 'c', 'd'].map(code))
console.log(JSON.stringify([first, ...more]))
`
const CROWD = `
const { once } = await import('node:events')
const { Worker } = await import('node:worker_threads')
const wxa = new WxaCode(given.options)
const workers = Array.from({ length: 3 }, () => new Worker(given.worker, { eval: true, workerData: given, execArgv: [] }))
await Promise.all([wxa.getAccessToken(), ...workers.map((worker) => once(worker, 'message'))])
await wxa.getAccessToken()
`
const WORKER = `
const wxa = new WxaCode(given.options)
await wxa.getUnlimitedQRCode({ scene: 'a', checkPath: false })
parentPort.postMessage('called')
`

async function warned(options) {
  const { stdout, stderr, code } = await run(CALLER, { given: options })
  assert.equal(code, 0)
  assert.equal(withoutWarnings(stderr).rest, '')
  return { ends: JSON.parse(stdout), stderr, times: withoutWarnings(stderr).warned }
}

suite('warnings of a process that does not listen', (test) => {
  test('a Redis that is down makes one warning, in both languages and without its login', async (t) => {
    const redis = `redis://user:p4ssw0rd@127.0.0.1:${await freePort()}`
    const { options, secrets } = await setup(t, {}, { redis: patient(redis) })
    const { ends, stderr, times } = await warned(options)
    assert.deepEqual([times, ends], [1, ['ok', 'ok', 'ok', 'ok']])
    assert.match(stderr, /127\.0\.0\.1:\d+ cannot be used \(connection refused\).*stats\(\)\.redis.*无法使用/)
    checkText(stderr, [...secrets(), 'user:p4ssw0rd'])
  })

  test('a Redis that is down makes a warning in classic mode, beside the error of the call', async (t) => {
    const redis = patient(`redis://127.0.0.1:${await freePort()}`)
    const { options } = await setup(t, {}, { redis, token: 'classic', timeoutMs: 1500 })
    const { ends, times } = await warned(options)
    assert.deepEqual([times, new Set(ends)], [1, new Set(['ERR_WXA_REDIS'])])
  })

  test('a misspelt host of Redis makes a warning with the first call', async (t) => {
    const { options } = await setup(t, {}, { redis: 'redis://cache.invalid:6379' })
    const { times, stderr } = await warned(options)
    assert.equal(times, 1)
    assert.match(stderr, /cache\.invalid:6379/)
  })

  test('a Redis that is down makes a warning whichever thread notices it', async (t) => {
    const redis = patient(`redis://127.0.0.1:${await freePort()}`)
    const { options } = await setup(t, {}, { redis })
    const { stderr, code } = await run(CROWD, { given: { options, worker: workerSource(WORKER) } })
    assert.deepEqual(withoutWarnings(stderr), { warned: 1, rest: '' })
    assert.equal(code, 0)
  })

  test('a healthy Redis makes no warning', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const { options } = await setup(t, {}, { redis: patient(redis.url) })
    assert.equal((await warned(options)).times, 0)
  })

  test('a user without access to the keys makes a warning that says what to allow', needsRedis, async (t) => {
    const redis = await startRedis(t, '--user', 'shop', 'on', '>right', '~shop:*', '+@all')
    const url = `redis://shop:right@127.0.0.1:${redis.port}`
    const { options } = await setup(t, {}, { redis: patient({ url, keyPrefix: 'other:' }) })
    const { ends, times, stderr } = await warned(options)
    assert.deepEqual([times, new Set(ends)], [1, new Set(['ok'])])
    assert.match(stderr, /NOPERM.*Set this ACL for the user: ~other:\* \+eval/)
  })
})
