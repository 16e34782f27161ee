import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { serve } from '@hono/node-server'
import express from 'express'
import express4 from 'express4'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { codeHandler as forExpress, pushHandler as pushForExpress } from 'wxacode/express'
import { codeHandler as forFastify, pushHandler as pushForFastify } from 'wxacode/fastify'
import { codeHandler as forKoa, pushHandler as pushForKoa } from 'wxacode/koa'
import { codeHandler as forWeb, pushHandler as pushForWeb } from 'wxacode/web'

/**
 * Every framework, its adapter, and how it listens: with `/code` for the handler, something before it that makes all
 * answers vary by Origin, and an error handler of its own that tells `hear` of what was thrown, and answers with its message.
 *
 * @type {Record<string, { codeHandler: Function, pushHandler: Function, listen: (handler: Function, hear: (error: unknown) => void) => Promise<import('node:http').Server> }>}
 */
export const frameworks = {
  'Express 5': {
    codeHandler: forExpress,
    pushHandler: pushForExpress,
    listen: (...how) => listenWithExpress(express, ...how),
  },
  'Express 4': {
    codeHandler: forExpress,
    pushHandler: pushForExpress,
    listen: (...how) => listenWithExpress(express4, ...how),
  },
  'node:http': { codeHandler: forExpress, pushHandler: pushForExpress, listen: listenWithout },
  Koa: { codeHandler: forKoa, pushHandler: pushForKoa, listen: listenWithKoa },
  Fastify: { codeHandler: forFastify, pushHandler: pushForFastify, listen: listenWithFastify },
  Hono: { codeHandler: forWeb, pushHandler: pushForWeb, listen: listenWithHono },
}

const thrown = (error) => JSON.stringify({ thrown: String(error?.message ?? error) })

async function listenWithExpress(express, handler, hear) {
  const app = express()
  app.use((_req, res, next) => {
    res.vary('Origin')
    next()
  })
  app.all('/code', handler)
  app.use((error, _req, res, _next) => {
    hear(error)
    res.status(500).send(thrown(error))
  })
  return await listening(app.listen(0, '127.0.0.1'))
}

async function listenWithout(handler, hear) {
  const onError = (res) => (error) => {
    hear(error)
    res.statusCode = 500
    res.end(thrown(error))
  }
  const server = createPlainServer((req, res) => {
    res.setHeader('Vary', 'Origin')
    handler(req, res, onError(res))
  })
  return await listening(server.listen(0, '127.0.0.1'))
}

async function listenWithKoa(handler, hear) {
  const app = new Koa()
  app.use(async (ctx, next) => {
    ctx.vary('Origin')
    try {
      await next()
    } catch (error) {
      hear(error)
      ctx.status = 500
      ctx.body = thrown(error)
    }
  })
  app.use(handler)
  return await listening(app.listen(0, '127.0.0.1'))
}

async function listenWithFastify(handler, hear) {
  const app = fastify()
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Vary', 'Origin')
  })
  app.setErrorHandler((error, _request, reply) => {
    hear(error)
    return reply.code(500).send(thrown(error))
  })
  // WeChat's pushes are XML, which the handler reads by itself.
  app.addContentTypeParser(['text/xml', 'application/xml'], (_request, _body, done) => done(null))
  app.all('/code', handler)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

async function listenWithHono(handler, hear) {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.res.headers.append('Vary', 'Origin')
  })
  app.all('/code', (c) => handler(c.req.raw, c))
  app.onError((error, c) => {
    hear(error)
    return c.body(thrown(error), 500)
  })
  return await listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }))
}

export async function listening(server) {
  if (!server.listening) await once(server, 'listening')
  return server
}
