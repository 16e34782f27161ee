import assert from 'node:assert/strict'
import { inChinese } from '../../scripts/scenario-words.mjs'
import { needsRedis } from '../support/redis.mjs'
import { suite } from '../support/suite.mjs'
import { broken, scenarios, title } from './scenarios.mjs'

suite(
  'a fleet under faults',
  (test) => {
    test('has every scenario on the pages of both languages', () => {
      for (const { fault, moment } of scenarios) {
        assert.match(inChinese(`| ${fault} | ${moment} |`), /\p{Script=Han}/u)
      }
    })

    for (const scenario of scenarios) {
      test(title(scenario), scenario.skip ? { skip: scenario.skip } : needsRedis, async (t) => {
        const result = await scenario.run(t)
        assert.deepEqual(broken(scenario, result), [], JSON.stringify(result))
      })
    }
  },
  { concurrency: 2 },
)
