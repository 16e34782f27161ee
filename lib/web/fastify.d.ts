/**
 * Codes over HTTP with Fastify 4 and 5.
 *
 * @module wxacode/fastify
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, ToCode } from './types'

/** What is needed of Fastify's request. */
export interface FastifyLikeRequest {
  raw: IncomingMessage
}

/** What is needed of Fastify's reply. */
export interface FastifyLikeReply {
  raw: ServerResponse
  code(status: number): unknown
  getHeader(name: string): unknown
}

/** What is known of a request unless you say more: `app.get<{ Params: { id: string } }>(...)` or `codeHandler<FastifyRequest>`. */
export interface AnyRequest extends FastifyLikeRequest {
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params: any
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query: any
  url: string
}

/**
 * Answers like `codeHandler` of `wxacode/express`, by `reply.send`, so that hooks run.
 *
 * @example
 * ```js
 * app.get('/code/:id', codeHandler(wxa, (request) => ({ scene: `id=${request.params.id}`, page: 'pages/index/index' })))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for a misspelt or impossible option, when the handler is made
 */
export function codeHandler<Req extends FastifyLikeRequest = AnyRequest>(
  wxa: Client,
  toCode: ToCode<[request: Req]>,
  options?: CodeHandlerOptions<Req>,
): (request: Req, reply: FastifyLikeReply) => Promise<void>
