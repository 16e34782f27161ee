import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { WxaPlatform } from 'wxacode'
import { pushHandler as forExpress } from 'wxacode/express'
import { pushHandler } from 'wxacode/web'
import { newAppid, newSecret, suite } from '../support/suite.mjs'
import { pushSite } from './push-site.mjs'

const post = (url, body, headers) => new Request(url, { method: 'POST', body, headers, duplex: 'half' })

// One after the other: the log of a process is one, and so is Object.prototype.
suite(
  'what a push handler logs',
  (test) => {
    /** Runs `use` and gives the lines that were logged meanwhile. */
    const linesOf = async (t, use) => {
      const log = t.mock.method(console, 'error', () => {})
      await use()
      await nextTurn()
      log.mock.restore()
      return log.mock.calls.map((call) => call.arguments)
    }
    const made = async (t, lang) => {
      const site = await pushSite(t, 'Hono')
      const { path, body } = await site.push()
      const { appid, pushToken, encodingAESKey, secret } = site.fake.platforms[0]
      const options = { appid, secret, pushToken, encodingAESKey, store: 'memory', baseUrl: site.fake.url, lang }
      const platform = new WxaPlatform(options)
      t.after(() => platform.close())
      return { platform, url: `http://here${path}`, body, secret, pushToken }
    }

    test('a refused push once a minute for each reason, with cause and fix', async (t) => {
      const { platform, url, body } = await made(t)
      const handler = pushHandler(platform)
      const forged = url.replace(/msg_signature=\w+/, `msg_signature=${'0'.repeat(40)}`)
      const lines = await linesOf(t, async () => {
        for (let n = 0; n < 5; n++) {
          await handler(post(forged, body))
          await handler(post('http://here/', body))
          await handler(post(url, '<a/>'))
          await handler(post(url, gzipSync(body), { 'Content-Encoding': 'gzip' }))
          await handler(new Request(url))
        }
      })
      assert.equal(lines.length, 4, lines.join('\n'))
      const [signature, query, xml, compressed] = lines.map(([line]) => line)
      assert.match(signature, /^wxacode: pushHandler: 401 .*msg_signature.*pushToken/)
      assert.match(query, /^wxacode: pushHandler: 400 .*timestamp/)
      assert.match(xml, /^wxacode: pushHandler: 400 /)
      assert.match(compressed, /^wxacode: pushHandler: 400 .*Content-Encoding/)
    })

    test('in the language of the platform', async (t) => {
      const { platform, url, body } = await made(t, 'en')
      const handler = pushHandler(platform)
      const lines = await linesOf(t, async () => {
        await handler(post(url, gzipSync(body), { 'Content-Encoding': 'gzip' }))
        const used = post(url, body)
        await used.text()
        await handler(used)
      })
      assert.equal(lines.length, 2)
      assert.doesNotMatch(lines.join(''), /\p{Script=Han}/u)
      assert.match(lines[1][0], /nothing has read it, or what has read it left nothing.*express\.text/)
    })

    test('which parser has read the body, and nothing of the body', async (t) => {
      const { platform, url, body } = await made(t)
      const handler = forExpress(platform)
      const answered = (left) =>
        new Promise((resolve) => {
          const req = { method: 'POST', url, headers: {}, httpVersionMajor: 1, readableDidRead: true, body: left }
          handler(req, { setHeader() {}, getHeader() {}, end: resolve }, assert.fail)
        })
      const lines = await linesOf(t, async () => {
        for (const left of [{ [body]: '' }, { canary: 'canary' }, undefined, {}]) await answered(left)
      })
      assert.deepEqual(lines.length, 3)
      assert.match(lines[0][0], / 400 .*express\.urlencoded.*express\.text.*表单/)
      assert.match(lines[1][0], / 400 .*no xml\.Encrypt.*express\.text/)
      assert.match(lines[2][0], / 400 .*no body/)
      assert.doesNotMatch(lines.join(''), /canary|<xml>/)
    })

    test('every push that could not be taken up', async (t) => {
      const { platform, url, body } = await made(t)
      await platform.close()
      const handler = pushHandler(platform)
      const factory = pushHandler(() => Promise.reject('a text'))
      const lines = await linesOf(t, async () => {
        for (const one of [handler, handler, factory]) await one(post(url, body))
      })
      assert.equal(lines.length, 3)
      assert.match(lines[1][0], /^wxacode: pushHandler: 500 .*close/)
      assert.match(lines[2][0], /^wxacode: pushHandler: 500 'a text'$/)
    })

    test('what onEvent throws, with its stack, and nothing of a good push', async (t) => {
      const { platform, url, body } = await made(t)
      const mistake = new Error('of the caller')
      const lines = await linesOf(t, async () => {
        await pushHandler(platform)(post(url, body))
        await pushHandler(platform, () => {
          throw mistake
        })(post(url, body))
        await nextTurn()
      })
      assert.deepEqual(lines, [['wxacode: pushHandler: onEvent failed', mistake]])
    })

    test('a response that cannot be written, where no framework hears of it', async (t) => {
      const { platform, url } = await made(t)
      const broken = new Error('of a hook')
      const res = {
        getHeader() {},
        setHeader() {
          throw broken
        },
      }
      const req = { method: 'GET', url, headers: {} }
      const lines = await linesOf(t, async () => forExpress(platform)(req, res))
      assert.deepEqual(lines, [['wxacode: pushHandler', broken]])
      const thrown = await new Promise((resolve) => forExpress(platform)(req, res, resolve))
      assert.equal(thrown, broken)
    })

    test('onEvent runs after the answer is handed over', async (t) => {
      const { platform, url, body } = await made(t)
      const order = []
      const handler = pushHandler(platform, () => order.push('event'))
      await handler(post(url, body)).then(() => order.push('answer'))
      await nextTurn()
      assert.deepEqual(order, ['answer', 'event'])
    })

    test('nothing of Object.prototype is taken for a part of a push', async (t) => {
      const { platform, url, body } = await made(t)
      const Encrypt = /<Encrypt>(?:<!\[CDATA\[)?([\w+/=]+)/.exec(body)[1]
      const pollution = {
        body: { xml: { Encrypt } },
        rawBody: body,
        xml: { Encrypt },
        Encrypt,
        'content-encoding': 'gzip',
        Allow: 'GET',
        receivePush: () => ({ type: 'polluted' }),
      }
      const req = { method: 'POST', url, headers: {}, httpVersionMajor: 1, readableDidRead: true }
      const answers = []
      const lines = await linesOf(t, async () => {
        for (const [key, value] of Object.entries(pollution))
          Object.defineProperty(Object.prototype, key, { value, configurable: true, writable: true })
        try {
          assert.throws(() => forExpress({}), { code: 'ERR_WXA_PARAMS' })
          await new Promise((resolve) => {
            const res = { setHeader: (name, field) => answers.push([name, field]), getHeader() {}, end: resolve }
            forExpress(platform)({ ...req, body: {} }, res, assert.fail)
          })
        } finally {
          for (const key of Object.keys(pollution)) Reflect.deleteProperty(Object.prototype, key)
        }
      })
      assert.match(lines[0][0], / 400 .*no body/)
      assert.deepEqual(Object.fromEntries(answers), {
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': '0',
      })
    })

    test('has no secret in it', async (t) => {
      const { url, body, pushToken } = await made(t)
      const secret = newSecret()
      const given = { appid: newAppid(), secret, pushToken, encodingAESKey: 'a'.repeat(43), store: 'memory' }
      const platform = new WxaPlatform(given)
      t.after(() => platform.close())
      const lines = await linesOf(t, () => pushHandler(platform)(post(url, body)))
      assert.equal(lines.length, 1)
      for (const text of [secret, pushToken, given.encodingAESKey]) assert.ok(!lines[0][0].includes(text))
    })
  },
  { concurrency: 1 },
)
