import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { codeHandler } from 'wxacode/express'
import { deferred, setup, suite } from '../support/suite.mjs'
import { frameworks, listening } from './frameworks.mjs'
import { asked, site } from './site.mjs'

/** What is answered with a `Response` cannot be answered by others meanwhile: they have nothing to write to. */
const { Hono, ...others } = frameworks

/** A site where a middleware can answer in place of the handler: `answer` does so to the last request. */
async function siteWithMiddleware(t, name, setUp) {
  let last
  const here = await site(t, name, setUp)
  here.server.prependListener('request', (_req, res) => {
    last = res
  })
  const answer = () => {
    // Koa begins with a 404.
    last.statusCode = 200
    last.end('another')
  }
  return { ...here, answer }
}

for (const name of Object.keys(others)) {
  suite(`a request that other code answers: ${name}`, (test) => {
    test('while the mapping runs, makes no request to WeChat', async (t) => {
      const [begun, thought] = [deferred(), deferred()]
      const toCode = () => {
        begun.resolve()
        return thought.promise
      }
      const here = await siteWithMiddleware(t, name, { toCode })
      const answered = here.ask()
      await begun.promise
      here.answer()
      assert.equal(String((await answered).body), 'another')
      thought.resolve({ scene: 'before' })
      await here.wxa.getUnlimitedQRCode({ scene: 'after' })
      assert.equal(here.codes(), 1)
      assert.deepEqual([here.failures, here.thrown], [[], []])
    })

    test('during the request to WeChat, aborts that request', async (t) => {
      const here = await siteWithMiddleware(t, name)
      here.fake.hold('codes')
      const answered = here.ask()
      await here.fake.arrived(1, 'codes')
      here.answer()
      const { status, body } = await answered
      assert.deepEqual([status, String(body)], [200, 'another'])
      await here.fake.idle()
      assert.equal(here.fake.requests.at(-1).closed, true)
      assert.deepEqual([here.failures, here.thrown], [[], []])
    })
  })
}

suite('a request that was answered before the handler ran', (test) => {
  const answeredBefore = async (t, begin) => {
    const { fake, wxa } = await setup(t)
    const [handled, thrown] = [deferred(), []]
    const mapped = []
    const handler = codeHandler(wxa, (req) => {
      mapped.push(req)
      return { scene: 'before' }
    })
    const server = createServer((req, res) => {
      begin(res)
      handler(req, res, (error) => thrown.push(error))
      handled.resolve(res)
    })
    await listening(server.listen(0, '127.0.0.1'))
    t.after(() => server.close())
    const answer = asked(`http://127.0.0.1:${server.address().port}/`)
    const end = async () => {
      await wxa.getUnlimitedQRCode({ scene: 'after' })
      assert.deepEqual([fake.count('codes'), mapped, thrown], [1, [], []])
    }
    return { answer, end, res: await handled.promise }
  }

  test('is left unchanged', async (t) => {
    const { answer, end } = await answeredBefore(t, (res) => res.end('another'))
    assert.equal(String((await answer).body), 'another')
    await end()
  })

  test('whose answer has begun is left unchanged', async (t) => {
    const { answer, end, res } = await answeredBefore(t, (res) => res.write('begun'))
    await end()
    res.end(', ended')
    assert.equal(String((await answer).body), 'begun, ended')
  })
})
