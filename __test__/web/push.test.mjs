import assert from 'node:assert/strict'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { WxaPlatform } from 'wxacode'
import { deferred, newAppid, suite } from '../support/suite.mjs'
import { until } from '../support/until.mjs'
import { frameworks } from './frameworks.mjs'
import { connection, pushSite, send } from './push-site.mjs'

const LIMIT = 64 * 1024
const NAMES = Object.keys(frameworks)

// What is logged has a file of its own.
console.error = () => {}

/** An answer that says nothing but its status. */
const silent = (answer, status) => {
  assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [status, '', '0'])
  assert.match(answer.headers['content-type'], /^text\/plain/)
}

for (const name of NAMES) {
  suite(`pushes: ${name}`, (test) => {
    test('a ticket is answered with success, and the platform has it', async (t) => {
      const { fake, platform, events, push, port, thrown } = await pushSite(t, name)
      const { status, answer } = await fake.pushTicket()
      assert.deepEqual([status, answer], [200, 'success'])
      assert.ok((await platform.getComponentAccessToken()).accessToken)
      const { headers } = await send(port, await push())
      assert.match(headers['content-type'], /^text\/plain/)
      assert.deepEqual([headers['content-length'], headers.vary], ['7', 'Origin'])
      await until(() => events.length === 3)
      assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(['component_verify_ticket']))
      assert.ok(events[0].createTime instanceof Date)
      assert.deepEqual(thrown, [])
    })

    test('success waits neither for the exchange of the code nor for onEvent', async (t) => {
      const never = deferred()
      const { fake, platform, events } = await pushSite(t, name, { onEvent: () => never.promise })
      await fake.pushTicket()
      await platform.getComponentAccessToken()
      const held = fake.hold('api_query_auth')
      const appid = newAppid()
      await fake.authorize(appid)
      assert.deepEqual([fake.pushes.at(-1).status, fake.pushes.at(-1).answer], [200, 'success'])
      assert.ok(await until(() => held.waiting === 1))
      held.release()
      assert.ok(await platform.client(appid).getAccessToken())
      assert.ok(await until(() => events.length === 2))
      assert.deepEqual([events[1].type, events[1].authorizerAppid], ['authorized', appid])
    })

    for (const [how, onEvent] of [
      ['throws', () => assert.fail('of the caller')],
      ['rejects', async () => assert.fail('of the caller')],
    ]) {
      test(`an onEvent that ${how} changes nothing`, async (t) => {
        const { fake, events, thrown } = await pushSite(t, name, { onEvent })
        assert.equal((await fake.pushTicket()).answer, 'success')
        assert.ok(await until(() => events.length === 1))
        assert.equal((await fake.pushTicket()).answer, 'success')
        assert.deepEqual(thrown, [])
      })
    }

    test('a push that is not WeChat’s is a 401', async (t) => {
      const { fake, events } = await pushSite(t, name)
      for (const forged of [{ msgSignature: '0'.repeat(40) }, { encryptedAppid: newAppid() }]) {
        const { status, answer } = await fake.pushTicket(forged)
        assert.deepEqual([status, answer], [401, ''])
      }
      assert.equal(events.length, 0)
    })

    test('a push that cannot be read is a 400', async (t) => {
      const { push, port, fake, platform, thrown } = await pushSite(t, name)
      const { path, body } = await push()
      const other = await fake.pushTicket({ encodingAESKey: 'x'.repeat(43) })
      assert.deepEqual([other.status, other.answer], [400, ''])
      for (const wrong of [
        { path, body: '' },
        { path, body: '<xml></xml>' },
        { path, body: `<!DOCTYPE xml>${body}` },
        { path, body: body.slice(0, -3) },
        { path, body: Buffer.from([0xff, 0xfe, 0, 1]) },
        { path: '/code', body },
        { path: '/code?', body },
        { path: `${path}&msg_signature=${'0'.repeat(40)}`, body },
        { path: `${path}&nonce=1`, body },
      ]) {
        silent(await send(port, wrong), 400)
      }
      assert.equal(platform.stats().store, 'up')
      assert.deepEqual(thrown, [])
    })

    test('a compressed body is a 400, and the connection ends', async (t) => {
      const { push, port } = await pushSite(t, name)
      const { path, body } = await push()
      const compressed = await send(port, { path, body: gzipSync(body), headers: { 'Content-Encoding': 'gzip' } })
      silent(compressed, 400)
      assert.equal(compressed.headers.connection, 'close')
      const plain = await send(port, { path, body, headers: { 'Content-Encoding': 'identity' } })
      assert.equal(plain.body, 'success')
    })

    test('what could not be saved is a 500, and comes again', async (t) => {
      let failure = new Error('canary of a database')
      const records = new Map()
      const store = {
        get: async (key) => records.get(key),
        set: async (key, value) => {
          if (failure) throw failure
          records.set(key, value)
        },
        delete: async (key) => void records.delete(key),
      }
      const { fake, events } = await pushSite(t, name, { store })
      const { status, answer } = await fake.pushTicket()
      assert.deepEqual([status, answer, events.length], [500, '', 0])
      failure = undefined
      assert.equal((await fake.pushTicket()).answer, 'success')
    })

    test('a closed platform answers 500', async (t) => {
      const { fake, platform } = await pushSite(t, name)
      await platform.close()
      const { status, answer } = await fake.pushTicket()
      assert.deepEqual([status, answer], [500, ''])
    })

    test('other methods than POST are a 405', async (t) => {
      const { push, port, events } = await pushSite(t, name)
      const { path, body } = await push()
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
        const hasBody = method === 'PUT'
        const answer = await send(port, { path, body: hasBody ? body : undefined, method })
        assert.deepEqual([answer.status, answer.headers.allow, answer.body], [405, 'POST', ''], method)
      }
      assert.ok(await until(() => events.length === 1))
    })

    test('a body of 64 KiB is read, and one of a byte more ends the connection', async (t) => {
      const { push, port } = await pushSite(t, name)
      const { path, body } = await push()
      const whole = body.replace('<xml>', `<xml>${' '.repeat(LIMIT - body.length)}`)
      assert.equal(Buffer.byteLength(whole), LIMIT)
      assert.equal((await send(port, { path, body: whole })).body, 'success')
      const { head, socket, answer } = await connection(t, port)
      head(path, 'Content-Length: 1000000', 'Connection: keep-alive')
      socket.write(whole)
      socket.write(' ')
      assert.match(await answer, /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n$/)
    })

    test('a body in chunks is read, and an endless one ends the connection', async (t) => {
      const { push, port } = await pushSite(t, name)
      const { path, body } = await push()
      const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`
      const good = await connection(t, port)
      good.head(path, 'Transfer-Encoding: chunked', 'Connection: close')
      for (let at = 0; at < body.length; at += 100) good.socket.write(chunk(body.slice(at, at + 100)))
      good.socket.write('0\r\n\r\n')
      assert.match(await good.answer, /^HTTP\/1\.1 200 [\s\S]*success$/)
      const endless = await connection(t, port)
      endless.head(path, 'Transfer-Encoding: chunked')
      for (let kib = 0; kib < 64; kib++) endless.socket.write(chunk('x'.repeat(1024)))
      endless.socket.write(chunk('x'))
      assert.match(await endless.answer, /^HTTP\/1\.1 400 /)
    })

    test('an upload that breaks off ends in nothing', async (t) => {
      const { push, port, server, fake, thrown, events } = await pushSite(t, name)
      const { path, body } = await push()
      for (const how of ['destroy', 'resetAndDestroy']) {
        const { head, socket, answer } = await connection(t, port)
        const begun = once(server, 'request')
        head(path, `Content-Length: ${body.length}`)
        socket.write(body.slice(0, 100))
        await begun
        socket[how]()
        assert.equal(await answer, '')
      }
      assert.equal((await fake.pushTicket()).answer, 'success')
      assert.ok(await until(() => events.length === 2))
      assert.deepEqual(thrown, [])
    })

    test('connections are kept', async (t) => {
      const { push, port } = await pushSite(t, name)
      const { path, body } = await push()
      const { head, socket } = await connection(t, port)
      let text = ''
      socket.on('data', (bytes) => (text += bytes))
      for (const n of [1, 2, 3]) {
        head(path, `Content-Length: ${body.length}`)
        socket.write(body)
        assert.ok(await until(() => text.split('success').length === n + 1))
      }
    })
  })
}

suite(
  'a body that takes too long',
  (test) => {
    for (const name of NAMES) {
      test(`is a 400, and ends the connection: ${name}`, async (t) => {
        const { push, port } = await pushSite(t, name)
        const { path, body } = await push()
        const { head, socket, answer } = await connection(t, port)
        head(path, `Content-Length: ${body.length}`)
        socket.write(body.slice(0, -1))
        assert.match(await answer, /^HTTP\/1\.1 400 /)
      })
    }
  },
  { concurrency: NAMES.length },
)

suite('the platform of a push handler', (test) => {
  const options = { appid: newAppid(), secret: 'x'.repeat(32), store: 'memory' }

  for (const [name, { pushHandler, listen }] of Object.entries(frameworks)) {
    test(`may be made at the first push: ${name}`, async (t) => {
      const { platform, push } = await pushSite(t, name)
      let made = 0
      const server = await listen(
        pushHandler(async () => {
          made += 1
          if (made === 1) throw new Error('no AppSecret yet')
          return platform
        }),
        assert.fail,
      )
      t.after(() => server.close())
      const { port } = server.address()
      const given = await push()
      assert.equal(made, 0)
      silent(await send(port, given), 500)
      for (const _ of [1, 2]) assert.equal((await send(port, given)).body, 'success')
      assert.equal(made, 2)
    })

    test(`is checked when the handler is made, and so is onEvent: ${name}`, async (t) => {
      const platform = new WxaPlatform(options)
      t.after(() => platform.close())
      const wrong = { code: 'ERR_WXA_PARAMS', endpoint: 'pushHandler' }
      for (const other of [undefined, null, {}, 'wx', platform.client(newAppid())])
        assert.throws(() => pushHandler(other), { ...wrong, param: 'platform' })
      for (const other of [null, {}, 'log'])
        assert.throws(() => pushHandler(platform, other), { ...wrong, param: 'onEvent' })
    })
  }
})
