import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { serve } from '@hono/node-server'
import express from 'express'
import express4 from 'express4'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { codeHandler as forExpress } from 'wxacode/express'
import { codeHandler as forFastify } from 'wxacode/fastify'
import { codeHandler as forKoa } from 'wxacode/koa'
import { codeHandler as forWeb } from 'wxacode/web'

/**
 * Every framework, its adapter, and how it listens: with GET `/code` for the handler, and an error handler of its own that
 * answers with the message of what was thrown.
 *
 * @type {Record<string, { codeHandler: Function, listen: (handler: Function) => Promise<import('node:http').Server> }>}
 */
export const frameworks = {
  'Express 5': { codeHandler: forExpress, listen: (handler) => listenWithExpress(express, handler) },
  'Express 4': { codeHandler: forExpress, listen: (handler) => listenWithExpress(express4, handler) },
  'node:http': { codeHandler: forExpress, listen: listenWithout },
  Koa: { codeHandler: forKoa, listen: listenWithKoa },
  Fastify: { codeHandler: forFastify, listen: listenWithFastify },
  Hono: { codeHandler: forWeb, listen: listenWithHono },
}

const thrown = (error) => JSON.stringify({ thrown: String(error?.message ?? error) })

async function listenWithExpress(express, handler) {
  const app = express()
  app.get('/code', handler)
  app.use((error, _req, res, _next) => res.status(500).send(thrown(error)))
  return await listening(app.listen(0, '127.0.0.1'))
}

async function listenWithout(handler) {
  const onError = (res) => (error) => {
    res.statusCode = 500
    res.end(thrown(error))
  }
  return await listening(createPlainServer((req, res) => handler(req, res, onError(res))).listen(0, '127.0.0.1'))
}

async function listenWithKoa(handler) {
  const app = new Koa()
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = 500
      ctx.body = thrown(error)
    }
  })
  app.use(handler)
  return await listening(app.listen(0, '127.0.0.1'))
}

async function listenWithFastify(handler) {
  const app = fastify()
  app.setErrorHandler((error, _request, reply) => reply.code(500).send(thrown(error)))
  app.get('/code', handler)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

async function listenWithHono(handler) {
  const app = new Hono()
  app.get('/code', (c) => handler(c.req.raw, c))
  app.onError((error, c) => c.body(thrown(error), 500))
  return await listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }))
}

export async function listening(server) {
  if (!server.listening) await once(server, 'listening')
  return server
}
