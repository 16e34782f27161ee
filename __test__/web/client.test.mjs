import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { deferred, setup, suite, times } from '../support/suite.mjs'
import { frameworks, listening } from './frameworks.mjs'
import { asked } from './site.mjs'

/** A handler whose client a function makes, what its log has heard, and how often the function was called. */
function lazy(make) {
  const seen = { failures: [], made: 0 }
  const client = () => {
    seen.made += 1
    return make(seen.made)
  }
  const onError = (error, note) => seen.failures.push({ error, ...note })
  const handler = codeHandler(client, () => ({ scene: 'a' }), { onError, expose: true })
  return { seen, ask: async () => handler(new Request('http://here/')) }
}

suite('a client that a function creates', (test) => {
  test('is created at the first request that needs it, and kept', async (t) => {
    const { wxa } = await setup(t)
    const { ask, seen } = lazy(() => wxa)
    assert.equal(seen.made, 0)
    for (let n = 0; n < 2; n++) assert.equal((await ask()).status, 200)
    assert.equal(seen.made, 1)
  })

  test('is not created for a 404 or an invalid code', async () => {
    const none = codeHandler(assert.fail, () => null)
    const nonsense = codeHandler(assert.fail, () => ({ scene: '' }), { onError: () => {} })
    assert.equal((await none(new Request('http://here/'))).status, 404)
    assert.equal((await nonsense(new Request('http://here/'))).status, 400)
  })

  test('is created once for all requests that wait for it', async (t) => {
    const { wxa } = await setup(t, {}, { cache: true })
    const [begun, made] = [deferred(), deferred()]
    const { ask, seen } = lazy(() => {
      begun.resolve()
      return made.promise
    })
    const answers = times(5, ask)
    await begun.promise
    made.resolve(wxa)
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
    assert.equal(seen.made, 1)
  })

  for (const [how, fail] of Object.entries({
    throws: () => new WxaCode({ appid: undefined }),
    'rejects with': async () => {
      throw new Error('the vault is sealed')
    },
  })) {
    test(`is created again after its function ${how}, which makes a 500 whose reason is only in the log`, async (t) => {
      const { wxa } = await setup(t)
      const { ask, seen } = lazy((n) => (n < 3 ? fail() : wxa))
      for (let n = 0; n < 2; n++) {
        const answer = await ask()
        assert.deepEqual([answer.status, answer.headers.get('content-type')], [500, 'application/problem+json'])
        const problem = await answer.json()
        assert.deepEqual(Object.keys(problem).sort(), ['detail', 'instance', 'status', 'title', 'type'])
        const { error, ...note } = seen.failures[n]
        assert.match(error.message, /appid|vault/)
        assert.deepEqual([note.status, note.instance], [500, problem.instance])
      }
      assert.equal((await ask()).status, 200)
      assert.equal(seen.failures.length, 2)
    })
  }

  test('has to be a WxaCode', async () => {
    const { ask, seen } = lazy(() => ({ getQRCode: () => {} }))
    assert.equal((await ask()).status, 500)
    assert.deepEqual([seen.failures[0].error.code, seen.failures[0].error.param], ['ERR_WXA_PARAMS', 'wxa'])
  })

  for (const [name, { codeHandler, listen }] of Object.entries(frameworks)) {
    test(`with ${name}`, async (t) => {
      const { wxa } = await setup(t)
      const server = await listening(
        await listen(
          codeHandler(
            async () => wxa,
            () => ({ scene: 'a' }),
          ),
          assert.fail,
        ),
      )
      t.after(() => server.close())
      const { status } = await asked(`http://127.0.0.1:${server.address().port}/code`)
      assert.equal(status, 200)
    })
  }

  test('lets a module load without an AppSecret, as next build does', async () => {
    const { WXACODE_APPID, WXACODE_SECRET, NODE_TEST_CONTEXT, ...env } = process.env
    const route = `
      import { WxaCode } from 'wxacode'
      import { codeHandler } from 'wxacode/web'
      const GET = codeHandler(() => WxaCode.fromEnv({ cache: true }), () => ({ scene: 'a' }))
      console.log('loaded')
      console.log((await GET(new Request('http://here/'))).status)`
    const args = ['--input-type=module', '--eval', route]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env })
    assert.equal(stdout, 'loaded\n500\n')
    assert.match(stderr, /^wxacode: 500 urn:uuid:\S+ .*WXACODE_APPID/)
  })
})
