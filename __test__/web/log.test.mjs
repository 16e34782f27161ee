import assert from 'node:assert/strict'
import { codeHandler } from 'wxacode/web'
import { setup, suite } from '../support/suite.mjs'

suite(
  'the default log',
  (test) => {
    /** The lines that come of requests for these, by a handler of its own. */
    const linesOf = async (t, codes, { options, client } = {}) => {
      const log = t.mock.method(console, 'error', () => {})
      const { wxa } = await setup(t, {}, client)
      const handler = codeHandler(wxa, (request) => codes[new URL(request.url).searchParams.get('n')], options)
      for (const n of codes.keys()) await handler(new Request(`http://here/?n=${n}`))
      log.mock.restore()
      return log.mock.calls.map((call) => call.arguments.join(' '))
    }

    test('logs every mistake in the mapping', async (t) => {
      const lines = await linesOf(t, [{ scene: 'a', check_path: false }, 'id=1', { scene: 'a', check_path: false }])
      assert.equal(lines.length, 3)
      assert.match(lines[0], /^wxacode: 500 urn:uuid:\S+ .*check_path.*checkPath/)
      assert.match(lines[1], /^wxacode: 500 urn:uuid:\S+ codeHandler: toCode returned a value of type string.*null/)
    })

    test('logs one line a minute and parameter for invalid codes that visitors request', async (t) => {
      const lines = await linesOf(t, [{ scene: '%' }, { scene: '中' }, { scene: 'a', page: '/a' }, { scene: '' }])
      assert.equal(lines.length, 2)
      assert.match(lines[0], /^wxacode: 400 .*scene/)
      assert.match(lines[1], /^wxacode: 400 .*page/)
    })

    test('logs one line a minute for too many visitors', async (t) => {
      const codes = ['a', 'b', 'c', 'd'].map((scene) => ({ scene }))
      const lines = await linesOf(t, codes, { options: { ratePerMinute: 1 } })
      assert.equal(lines.length, 1)
      assert.match(lines[0], /^wxacode: 429 .*ratePerMinute/)
    })

    test('logs nothing for a 404', async (t) => {
      assert.deepEqual(await linesOf(t, [null, undefined]), [])
    })
  },
  { concurrency: 1 },
)
