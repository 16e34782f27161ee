/** How the adapters are used from TypeScript. It is compiled and never run. */

import { createServer, type IncomingMessage } from 'node:http'
import express, { type Request as ExpressRequest } from 'express'
import { type FastifyRequest, fastify } from 'fastify'
import { type Context, Hono } from 'hono'
import Koa from 'koa'
import { type AnyWxaCodeError, type PlatformEvent, WxaCode, WxaCodeError, type WxaPlatform } from 'wxacode'
import { type CodeParams, codeHandler as forExpress, pushHandler as pushForExpress } from 'wxacode/express'
import { codeHandler as forFastify, pushHandler as pushForFastify } from 'wxacode/fastify'
import { codeHandler as forKoa, pushHandler as pushForKoa } from 'wxacode/koa'
import { codeHandler as forWeb, pushHandler as pushForWeb } from 'wxacode/web'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

declare const wxa: WxaCode

const app = express()
app.get(
  '/code/:id',
  forExpress(wxa, (req) => ({ scene: `id=${req.params.id}${req.query.from}${req.get('x-tenant')}` })),
)
declare const known: Set<string>
app.get(
  '/known/:id',
  forExpress(wxa, (req) => (known.has(req.params.id) ? { scene: req.params.id } : null)),
)
app.get(
  '/annotated/:id',
  forExpress(wxa, (req: ExpressRequest<{ id: string }>) => ({ scene: req.params.id, page: req.hostname })),
)
app.get(
  '/said',
  forExpress<ExpressRequest<{ id: string }>>(wxa, (req) => ({ scene: req.params.id }), {
    filename: (code, req) => `${req.params.id}-${code.kind}`,
    download: (req) => req.query.download !== undefined,
    expose: (error) => error.code === 'ERR_WXA_API' && error.errcode === 41030,
    onError: (error, { req, status, instance }) => {
      same<typeof error, AnyWxaCodeError | Error>(true)
      same<typeof instance, string>(true)
      console.error(req.ip, status.toFixed(), instance, error instanceof WxaCodeError ? error.code : error.message)
    },
  }),
)
// Where there is no route to infer from.
const bare = forExpress(wxa, ({ params, query }) => ({ scene: `${params.id}${query.from}` }))
app.get('/bare/:id', bare)
createServer(forExpress<IncomingMessage>(wxa, ({ url }) => ({ scene: String(url) }))).listen(3000)
createServer(forExpress(wxa, ({ url }) => ({ scene: String(url) }))).listen(3000)

const koa = new Koa()
koa.use(
  forKoa(wxa, (ctx) => (ctx.path === '/code' ? { kind: 'qrcode', path: `pages/a?from=${ctx.query.from}` } : null)),
)
koa.use(forKoa<Koa.Context>(wxa, async (ctx) => ({ scene: ctx.ip }), { download: (ctx) => ctx.secure }))

const bareKoa = forKoa(wxa, (ctx) => (known.has(ctx.params.id) ? { scene: ctx.params.id } : null))
koa.use((ctx, next) => (ctx.path === '/code' ? bareKoa(ctx) : next()))

const server = fastify()
server.get<{ Params: { id: string } }>(
  '/code/:id',
  forFastify(wxa, (request) => {
    same<typeof request.params.id, string>(true)
    return { kind: 'limited', path: `pages/a?id=${request.params.id}` }
  }),
)
server.get<{ Params: { id: string } }>(
  '/said/:id',
  forFastify<FastifyRequest<{ Params: { id: string } }>>(wxa, (request) => ({ scene: request.params.id })),
)
server.get(
  '/plain',
  forFastify(wxa, (request) => ({ scene: request.url })),
)

const hono = new Hono()
const withContext = forWeb(wxa, (_request, c: Context) => ({ scene: `id=${c.req.param('id')}` }))
hono.get('/code/:id', (c) => withContext(c.req.raw, c))
const withoutContext = forWeb(wxa, (request) => ({ scene: new URL(request.url).pathname.slice(1) }))
hono.get('/other', (c) => withoutContext(c.req.raw))

/** As Next.js checks a route handler. */
export const GET: (request: Request, context: { params: Promise<{ id: string }> }) => Promise<Response> = forWeb(
  () => WxaCode.fromEnv({ cache: true }),
  async (_request, { params }: { params: Promise<{ id: string }> }) => ({ scene: `id=${(await params).id}` }),
)
/** As Bun and Deno serve. */
export const serve: (request: Request) => Response | Promise<Response> = withoutContext

export const codes: CodeParams[] = [
  { scene: 'a' },
  { kind: 'unlimited', scene: 'a', page: 'pages/a', width: 280 },
  { kind: 'limited', path: 'a', isHyaline: true },
  { kind: 'qrcode', path: 'a' },
  // @ts-expect-error an unlimited code has a scene
  { path: 'a' },
  // @ts-expect-error a kind that there is not
  { kind: 'round', scene: 'a' },
]

forExpress(
  async () => wxa,
  () => null,
  { ratePerMinute: 600, concurrency: Number.POSITIVE_INFINITY },
)
forExpress(
  // @ts-expect-error it makes no client
  () => 'wx',
  () => null,
)
// @ts-expect-error the name is cacheControl
forExpress(wxa, () => null, { maxAge: 60 })
// @ts-expect-error what is returned is no code
forKoa(wxa, () => 'id=1')
// @ts-expect-error a WxaCode comes first
forWeb(() => null)

declare const platform: WxaPlatform

app.post(
  '/wechat/push',
  pushForExpress(platform, (event) => {
    same<typeof event, PlatformEvent>(true)
    if ('authorizerAppid' in event) console.log(event.authorizerAppid)
  }),
)
createServer(pushForExpress(platform)).listen(3000)
koa.use(pushForKoa(platform, async ({ type }) => type))
server.post(
  '/wechat/push',
  pushForFastify(async () => platform),
)
const push = pushForWeb(platform)
hono.post('/wechat/push', (c) => push(c.req.raw))
/** As Next.js checks a route handler. */
export const POST: (request: Request, context: { params: Promise<object> }) => Promise<Response> = push
// @ts-expect-error a client is no platform
pushForExpress(wxa)
// @ts-expect-error onEvent is a function
pushForWeb(platform, { onEvent: () => {} })
