import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { newAppid, suite } from '../../__test__/support/suite.mjs'
import { attempt, call, ofApp, record, refusal } from './recorder.mjs'

const README = ['README.md', 'README.zh-CN.md']
/** The rows of each table of a README, as lists of what stands in backticks in each cell. */
const tablesOf = (file) =>
  readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    .split(/\n(?!\|)/)
    .map((part) => part.split('\n').filter((line) => line.startsWith('|')))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.slice(2).map((line) => line.split('|').slice(1, -1).map(codesIn)))
const codesIn = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code)
const sorted = (names) => [...new Set(names)].sort()

/** One of everything that can be recorded. */
async function everything() {
  const appid = newAppid()
  const ofAPlatform = { appid, componentAppid: 'wx00000000000000c1', source: 'wechat' }
  await call(ofAPlatform, (about) => {
    attempt({ call: about, resendCount: 1, bodyBytes: 1, connectionReused: true })
    attempt({ call: about, code: 'ERR_WXA_API', errcode: 45009, rid: 'r', message: 'no' })
    attempt({ call: about, status: undefined, aborted: true })
  })
  await call({ appid }, () => Promise.reject(refusal(41030)))
  await call({ appid, aborted: true })
  channel('wxacode:token').publish({ event: 'refresh.ok', source: 'redis', durationMs: 1 })
  channel('wxacode:token').publish({ event: 'refresh.error', code: 'ERR_WXA_TIMEOUT', durationMs: 1 })
  channel('wxacode:token').publish({ event: 'rate_limit.exceeded', reason: 'forced_refresh_limit' })
  return appid
}

suite(
  'tables of the READMEs',
  (test) => {
    for (const file of README) {
      const [ofCalls, ofRequests, ofMetrics, questions] = tablesOf(file)

      test(`${file} has every attribute of spans`, async (t) => {
        const { spans } = record(t)
        const all = spans(ofApp(await everything()))
        const namesOf = (isOfThese) =>
          sorted(all.filter(isOfThese).flatMap(({ attributes }) => Object.keys(attributes)))
        const isCall = ({ name }) => name.startsWith('wxacode ')
        assert.deepEqual(sorted(ofCalls.flatMap(([names]) => names)), namesOf(isCall))
        const requests = namesOf((span) => !isCall(span))
        assert.deepEqual(sorted(ofRequests.flatMap(([names]) => names)), requests)
      })

      test(`${file} has every metric and its attributes`, async (t) => {
        const { metric } = record(t)
        await everything()
        for (const [[name], , names] of ofMetrics) {
          const { points } = await metric(name)
          const there = sorted(points.flatMap(({ attributes }) => Object.keys(attributes)))
          assert.deepEqual(sorted(names.filter((one) => one.includes('.'))), there, name)
        }
        const known = ofMetrics.map(([[name]]) => name)
        assert.equal(known.length, 5)
        for (const [, [name]] of questions) assert.ok(known.includes(name), name)
      })
    }
  },
  { concurrency: 1 },
)
