import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { explain } from 'wxacode'
import { setup, suite, times } from '../../__test__/support/suite.mjs'
import { EXIT } from '../src/exit-codes.js'
import { exitCodeOf } from '../src/failure.js'

const CATALOGUE = JSON.parse(readFileSync(new URL('../../src/wechat/errcodes.json', import.meta.url), 'utf8'))
const ERRCODES = [...new Set(CATALOGUE.map(({ errcode }) => errcode)), 99999]
const JOBS = {
  getUnlimitedQRCode: { kind: 'unlimited', scene: 'a' },
  getQRCode: { kind: 'limited', path: 'a' },
  createQRCode: { kind: 'qrcode', path: 'a' },
}
/** Of refusals for which a batch waits a minute each. */
const isFullMinute = (errcode, endpoint) =>
  endpoint === 'getUnlimitedQRCode' && /^(rate|quota)$/.test((explain(errcode, endpoint) ?? explain(errcode))?.scope)

/** Three jobs, each of which WeChat refuses: how many were begun, and the first error. */
async function refusedBatch(t, errcode, endpoint) {
  const isToken = endpoint === 'stable_token'
  const client = { retries: 0, timeoutMs: 20_000, ...(isToken ? {} : { token: () => 'some-token' }) }
  const { fake, wxa } = await setup(t, {}, client)
  const where = { endpoint: isToken ? 'tokens' : 'codes', times: Number.POSITIVE_INFINITY }
  fake.fail({ errcode, errmsg: 'refused' }, where)
  const job = JOBS[isToken ? 'createQRCode' : endpoint]
  const results = []
  let stopped = false
  try {
    for await (const result of wxa.batch([job, job, job], { concurrency: 1 })) results.push(result)
  } catch (error) {
    assert.equal(error, results[0].error)
    stopped = true
  }
  assert.equal(results.length, stopped ? 1 : 3)
  assert.equal(results[0].error.errcode, errcode)
  assert.equal(results[0].error.endpoint, endpoint)
  return { stopped, error: results[0].error }
}

suite('the exit code of an errcode', (test) => {
  for (const endpoint of [...Object.keys(JOBS), 'stable_token']) {
    test(`is that of the account where it stops a batch, and nowhere else: ${endpoint}`, async (t) => {
      const stopping = []
      const tried = ERRCODES.filter((errcode) => !isFullMinute(errcode, endpoint)).values()
      const tryRest = async () => {
        for (const errcode of tried) {
          const { stopped, error } = await refusedBatch(t, errcode, endpoint)
          assert.equal(exitCodeOf(error) === EXIT.account, stopped, `${errcode} of ${endpoint}`)
          if (stopped) stopping.push(errcode)
        }
      }
      // Some are repeated after a pause.
      await Promise.all(times(8, tryRest))
      const always = [40164, 40243, 45035, 48001, 48004, 50002, 50003, 50004, 61003, 61004, 61007, 85107, 89503, 89507]
      for (const errcode of always) assert.ok(stopping.includes(errcode), `${errcode} of ${endpoint}`)
      const never = endpoint === 'stable_token' ? [-1, 45011] : [-1, 41030, 40097, 40001, 42001, 99999]
      for (const errcode of never) assert.ok(!stopping.includes(errcode), `${errcode} of ${endpoint}`)
    })
  }
})
