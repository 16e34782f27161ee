/**
 * Codes over HTTP, and WeChat's pushes to a third-party platform, with Fastify 4 and 5.
 *
 * @module wxacode/fastify
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, OnEvent, Platform, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, OnEvent, Platform, ToCode } from './types'

/** The members of Fastify's request that the handler uses. */
export interface FastifyLikeRequest {
  /** Request of `node:http`. */
  raw: IncomingMessage
}

/** The members of Fastify's reply that the handler uses. */
export interface FastifyLikeReply {
  /** Response of `node:http`. */
  raw: ServerResponse
  /** Sets the HTTP status. */
  code(status: number): unknown
  /** Returns a header of the response. */
  getHeader(name: string): unknown
}

/**
 * Type of the request unless the route or the type argument names another: `app.get<{ Params: { id: string } }>(...)` or
 * `codeHandler<FastifyRequest>`.
 */
export interface AnyRequest extends FastifyLikeRequest {
  /** Parameters of the route. */
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params: any
  /** Parsed query. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query: any
  /** Path and query of the URL. */
  url: string
}

/**
 * Makes a handler that responds like `codeHandler` of `wxacode/express`. It uses `reply.send`, so that hooks run.
 *
 * @example
 * ```js
 * app.get('/code/:id', codeHandler(wxa, (request) => ({ scene: `id=${request.params.id}`, page: 'pages/index/index' })))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for an unknown or invalid option, when the handler is made
 */
export function codeHandler<Req extends FastifyLikeRequest = AnyRequest>(
  wxa: Client,
  toCode: ToCode<[request: Req]>,
  options?: CodeHandlerOptions<Req>,
): (request: Req, reply: FastifyLikeReply) => Promise<void>

/**
 * Makes a handler that responds to WeChat's pushes like `pushHandler` of `wxacode/express`.
 *
 * Fastify refuses content types that it has no parser for, with 415. The first line of the example lets XML through to the handler,
 * which reads it by itself.
 *
 * @example
 * ```js
 * app.addContentTypeParser(['text/xml', 'application/xml'], (_request, _body, done) => done(null))
 * app.post('/wechat/push', pushHandler(platform, (event) => console.log(event)))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for anything but a platform and a function, when the handler is made
 */
export function pushHandler(
  platform: Platform,
  onEvent?: OnEvent,
): (request: FastifyLikeRequest, reply: FastifyLikeReply) => Promise<void>
