import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { WxaCode } from 'wxacode'
import { codeHandler } from 'wxacode/web'
import { startQuickWeChat } from '../support/quick.mjs'
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

/** Every parameter of every code, those that are yet to come included. */
const CODES = JSON.parse(readFileSync(new URL('../../lib/endpoints.json', import.meta.url), 'utf8')).endpoints.filter(
  ({ group }) => group === 'code',
)

/** A value that is good, and not the one that WeChat assumes. */
const another = ({ type, default: assumed, values, min }) =>
  ({ boolean: !assumed, integer: min, enum: values?.at(-1), color: '#000001', extra: { b: 1 } })[type] ?? 'b'

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

  for (const { kind, params } of CODES) {
    test(`is for the ETag as it is for the cache of the client: ${kind}`, async (t) => {
      const { url } = await startQuickWeChat(t)
      const account = { appid: newAppid(), secret: newSecret(), baseUrl: url, ratePerMinute: Number.POSITIVE_INFINITY }
      const wxa = new WxaCode({ ...account, cache: true })
      const tag = async (code) => {
        const { status, headers } = await codeHandler(wxa, () => code)(new Request('http://here'))
        assert.equal(status, 200)
        return headers.get('etag')
      }
      const least = { kind, [params[0].name]: 'a' }
      const tags = new Set([await tag(least)])
      for (const param of params) {
        const { name, default: assumed } = param
        if (assumed !== undefined) assert.ok(tags.has(await tag({ ...least, [name]: assumed })), name)
        const other = await tag({ ...least, [name]: another(param) })
        assert.ok(!tags.has(other), name)
        tags.add(other)
        assert.equal(wxa.stats().cache.entries, tags.size, name)
      }
      const all = Object.fromEntries(
        params.flatMap(({ name, default: assumed }) => (assumed === undefined ? [] : [[name, assumed]])),
      )
      assert.ok(tags.has(await tag({ ...all, ...least })))
      assert.equal(wxa.stats().cache.entries, tags.size)
      assert.ok(tags.size > 2)
    })
  }

  test('a colour where WeChat picks it is no other', async (t) => {
    const { url } = await startQuickWeChat(t)
    const wxa = new WxaCode({ appid: newAppid(), secret: newSecret(), baseUrl: url })
    const tag = async (lineColor) => {
      const answer = await codeHandler(wxa, () => ({ scene: 'a', autoColor: true, lineColor }))(
        new Request('http://here'),
      )
      return answer.headers.get('etag')
    }
    assert.equal(await tag('#090909'), await tag({ r: 1, g: 2, b: 3 }))
  })
})
