import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import express from 'express'
import express4 from 'express4'
import { fastify } from 'fastify'
import { pushHandler } from 'wxacode/fastify'
import { suite } from '../support/suite.mjs'
import { pushSite, send } from './push-site.mjs'

// What is logged has a file of its own.
console.error = () => {}

/** By framework, something before the handler that reads the body, and leaves what `leave` makes of its text. */
const PARSED = {
  'Express 5': parsedForExpress,
  'Express 4': parsedForExpress,
  'node:http': parsedForExpress,
  Koa: (leave) => (handler) => async (ctx, next) => {
    Object.assign(ctx.request, leave(await text(ctx.req)))
    return handler(ctx, next)
  },
  Fastify: (leave) => (handler) => async (request, reply) => {
    Object.assign(request, leave(await text(request.raw)))
    return handler(request, reply)
  },
}

function parsedForExpress(leave) {
  return (handler) => async (req, res, next) => {
    Object.assign(req, leave(await text(req)))
    handler(req, res, next)
  }
}

const encryptIn = (xml) => /<Encrypt>(?:<!\[CDATA\[)?([\w+/=]+)/.exec(xml)[1]

const LEFT = {
  'a text': (xml) => ({ body: xml }),
  'a Buffer': (xml) => ({ body: Buffer.from(xml) }),
  'a Uint8Array': (xml) => ({ body: new Uint8Array(Buffer.from(xml)) }),
  'an object': (xml) => ({ body: { xml: { AppId: 'wx', Encrypt: encryptIn(xml) } } }),
  'an object without prototype': (xml) => ({
    body: Object.assign(Object.create(null), { xml: { Encrypt: encryptIn(xml) } }),
  }),
  'arrays of one': (xml) => ({ body: { xml: [{ Encrypt: [encryptIn(xml)] }] } }),
  'names in lower case': (xml) => ({ body: { xml: { encrypt: [encryptIn(xml)] } } }),
  'the text beside something else': (xml) => ({ body: { [xml]: '' }, rawBody: Buffer.from(xml) }),
}

const UNUSABLE = {
  nothing: () => ({}),
  'an empty object': () => ({ body: {} }),
  'an empty text': () => ({ body: '' }),
  null: () => ({ body: null }),
  'what a parser of forms makes': (xml) => ({ body: { [xml]: '' } }),
  'arrays of two': (xml) => ({ body: { xml: { Encrypt: [encryptIn(xml), encryptIn(xml)] } } }),
  'an Encrypt that is no text': () => ({ body: { xml: { Encrypt: { a: 1 } } } }),
  'a number': () => ({ body: 7 }),
  'a text of more than 64 KiB': (xml) => ({ body: xml + ' '.repeat(64 * 1024) }),
}

for (const [name, parsed] of Object.entries(PARSED)) {
  suite(`a parser before the handler of pushes: ${name}`, (test) => {
    for (const [what, leave] of Object.entries(LEFT)) {
      test(`may leave ${what}`, async (t) => {
        const { fake } = await pushSite(t, name, { wrap: parsed(leave) })
        const { status, answer } = await fake.pushTicket()
        assert.deepEqual([status, answer], [200, 'success'])
      })
    }

    for (const [what, leave] of Object.entries(UNUSABLE)) {
      test(`that has left ${what} makes a 400`, async (t) => {
        const { fake, events, thrown } = await pushSite(t, name, { wrap: parsed(leave) })
        const { status, answer } = await fake.pushTicket()
        assert.deepEqual([status, answer], [400, ''])
        assert.deepEqual([events, thrown], [[], []])
      })
    }

    test('a body that has not been read is read, whatever is in its place', async (t) => {
      for (const body of [{}, '', undefined]) {
        const wrap = (handler) => (one, two, three) => {
          Object.assign(name === 'Koa' ? one.request : one, { body })
          return handler(one, two, three)
        }
        const { fake } = await pushSite(t, name, { wrap })
        assert.equal((await fake.pushTicket()).answer, 'success')
      }
    })

    test('an answer that other code has begun is left alone', async (t) => {
      const wrap = (handler) => async (one, two, three) => {
        const res = one.res?.req ? one.res : (two.raw ?? two)
        res.writeHead(202, { 'Content-Length': '5' })
        res.end('taken')
        return handler(one, two, three)
      }
      const { fake, thrown } = await pushSite(t, name, { wrap })
      const { status, answer } = await fake.pushTicket()
      assert.deepEqual([status, answer], [202, 'taken'])
      assert.deepEqual(thrown, [])
    })
  })
}

for (const [name, { text: textParser, urlencoded, json }] of Object.entries({
  'Express 5': express,
  'Express 4': express4,
})) {
  suite(`the parsers of ${name}`, (test) => {
    const after = (parser) => (handler) => (req, res, next) =>
      parser(req, res, (error) => (error ? next(error) : handler(req, res, next)))

    test('text and parsers of other types leave a push readable', async (t) => {
      for (const parser of [textParser({ type: '*/xml' }), urlencoded({ extended: true }), json()]) {
        const { fake } = await pushSite(t, name, { wrap: after(parser) })
        assert.equal((await fake.pushTicket()).answer, 'success')
      }
    })

    test('a form is a 400', async (t) => {
      const { fake } = await pushSite(t, name, { wrap: after(urlencoded({ extended: false, type: '*/*' })) })
      assert.equal((await fake.pushTicket()).status, 400)
    })
  })
}

suite('the parsers of Fastify', (test) => {
  const listening = async (t, addParser) => {
    const { platform, push } = await pushSite(t, 'Fastify')
    const app = fastify()
    addParser(app)
    app.post('/code', pushHandler(platform))
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.after(() => app.close())
    return send(app.server.address().port, await push())
  }
  const types = ['text/xml', 'application/xml']

  for (const parseAs of ['string', 'buffer']) {
    test(`a parser may give the body as a ${parseAs}`, async (t) => {
      const answer = await listening(t, (app) =>
        app.addContentTypeParser(types, { parseAs }, (_request, body, done) => done(null, body)),
      )
      assert.equal(answer.body, 'success')
    })
  }

  test('without a parser Fastify refuses XML by itself', async (t) => {
    assert.equal((await listening(t, () => {})).status, 415)
  })
})

suite('a Request whose body was read', (test) => {
  test('is a 400', async (t) => {
    for (const read of [(request) => request.text(), (request) => void request.body.getReader()]) {
      const wrap = (handler) => async (request) => {
        await read(request)
        return handler(request)
      }
      const { fake, thrown } = await pushSite(t, 'Hono', { wrap })
      const { status, answer } = await fake.pushTicket()
      assert.deepEqual([status, answer, thrown.length], [400, '', 0])
    }
  })
})
