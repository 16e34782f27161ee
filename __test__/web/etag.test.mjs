import assert from 'node:assert/strict'
import fc from 'fast-check'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { startQuickWeChat } from '../support/quick.mjs'
import { seed } from '../support/shuffle.mjs'
import { newAppid, newSecret, suite } from '../support/suite.mjs'
import { frameworks } from './frameworks.mjs'
import { site } from './site.mjs'

for (const name of Object.keys(frameworks)) {
  suite(`what a browser has already: ${name}`, (test) => {
    test('is told by 304, without a body and without asking WeChat', async (t) => {
      const { ask, codes } = await site(t, name)
      const { headers } = await ask()
      assert.equal(codes(), 1)
      for (const method of ['GET', 'HEAD']) {
        const known = await ask('/code', { method, headers: { 'if-none-match': headers.etag } })
        assert.equal(known.status, 304)
        assert.equal(known.body.length, 0)
        assert.equal(known.headers.etag, headers.etag)
        assert.equal(known.headers['cache-control'], headers['cache-control'])
        assert.equal(known.headers['content-type'], undefined)
      }
      assert.equal(codes(), 1)
    })

    test('even while WeChat is down', async (t) => {
      const { ask, fake } = await site(t, name)
      const { headers } = await ask()
      fake.fail('reset', { times: Number.POSITIVE_INFINITY })
      assert.equal((await ask('/code', { headers: { 'if-none-match': headers.etag } })).status, 304)
    })

    for (const [how, write] of Object.entries({
      'in a list': (etag) => `"a", ${etag},"b"`,
      'made weak by a proxy': (etag) => `W/${etag}`,
      'weak, in a list': (etag) => `W/"a" , W/${etag}`,
      'as whatever there is': () => ' * ',
    })) {
      test(`named ${how}`, async (t) => {
        const { ask, codes } = await site(t, name)
        const { headers } = await ask()
        const known = await ask('/code', { headers: { 'if-none-match': write(headers.etag) } })
        assert.equal(known.status, 304)
        assert.equal(codes(), 1)
      })
    }

    for (const [what, write] of Object.entries({
      'another ETag': () => '"a"',
      'no ETag': (etag) => etag.slice(1, -1),
      'a longer one': (etag) => `"${etag.slice(1, -1)}a"`,
      nothing: () => '',
      'a star among others': (etag) => `*, "${etag.slice(2)}`,
    })) {
      test(`is asked for where ${what} is named`, async (t) => {
        const { ask, codes } = await site(t, name)
        const { headers } = await ask()
        assert.equal((await ask('/code', { headers: { 'if-none-match': write(headers.etag) } })).status, 200)
        assert.equal(codes(), 2)
      })
    }

    test('nonsense is refused whatever the browser has', async (t) => {
      const { ask } = await site(t, name)
      assert.equal((await ask('/code?scene=%20', { headers: { 'if-none-match': '*' } })).status, 400)
    })
  })
}

const twice = fc.constantFrom('a', 'b')
const part = fc.constantFrom(0, 9)
const style = {
  width: fc.constantFrom(280, 430),
  autoColor: fc.boolean(),
  isHyaline: fc.boolean(),
  lineColor: fc.oneof(fc.record({ r: part, g: part, b: part }), fc.constantFrom('#090909', '#000', '090000')),
}
const envVersion = fc.constantFrom('release', 'trial')
const unlimited = { kind: fc.constant('unlimited'), scene: twice, page: twice, checkPath: fc.boolean(), envVersion }
const limited = { kind: fc.constant('limited'), path: twice, envVersion }
const square = { kind: fc.constant('qrcode'), path: twice, width: style.width }
const code = fc.oneof(
  fc.record({ ...unlimited, ...style }, { requiredKeys: ['scene'] }),
  fc.record({ ...limited, ...style }, { requiredKeys: ['kind', 'path'] }),
  fc.record(square, { requiredKeys: ['kind', 'path'] }),
)
/** Two questions, often the same but for something that is left out. */
const pair = code.chain((one) => {
  const shorter = fc.subarray(Object.keys(one)).map((names) => without(one, names))
  return fc.tuple(fc.constant(one), fc.oneof(code, shorter))
})

suite('which questions are the same', (test) => {
  test('is for an ETag the account too, and not the process', async (t) => {
    const { url } = await startQuickWeChat(t)
    const appid = newAppid()
    const tag = async (options, scene = 'a') => {
      const wxa = new WxaCode({ appid, secret: newSecret(), baseUrl: url, ...options })
      const { status, headers } = await codeHandler(wxa, () => ({ scene }))(new Request('http://here'))
      assert.equal(status, 200)
      return headers.get('etag')
    }
    const known = await tag()
    assert.match(known, /^"[\w-]{27}"$/)
    assert.equal(await tag(), known)
    assert.notEqual(await tag({}, 'b'), known)
    assert.notEqual(await tag({ appid: newAppid() }), known)
    const cloud = { token: 'none', secret: undefined }
    assert.equal(await tag(cloud), known)
    assert.notEqual(await tag({ ...cloud, fromAppid: newAppid() }), known)
  })

  test('is for the ETag as it is for the cache of the client', async (t) => {
    const { url } = await startQuickWeChat(t)
    const account = { appid: newAppid(), secret: newSecret(), baseUrl: url, ratePerMinute: Number.POSITIVE_INFINITY }
    const seen = { same: 0, other: 0 }
    let maxBytes = 1e6
    const property = fc.asyncProperty(pair, async (codes) => {
      // Clients share what they keep unless their limits differ.
      maxBytes += 1
      const wxa = new WxaCode({ ...account, cache: { maxBytes } })
      const answers = await Promise.all(codes.map((code) => codeHandler(wxa, () => code)(new Request('http://here'))))
      const [one, other] = answers.map(({ headers }) => headers.get('etag'))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      )
      const isSame = wxa.stats().cache.entries === 1
      assert.equal(one === other, isSame)
      seen[isSame ? 'same' : 'other'] += 1
      await wxa.close()
    })
    await fc.assert(property, { numRuns: 1000, seed })
    assert.ok(seen.same > 50 && seen.other > 50, `${seen.same} pairs were the same, ${seen.other} were not`)
  })
})

/** Without some of what may be left out. */
const without = (code, keys) =>
  Object.fromEntries(
    Object.entries(code).filter(([key]) => ['kind', 'scene', 'path'].includes(key) || !keys.includes(key)),
  )
