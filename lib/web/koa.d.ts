/**
 * Codes over HTTP with Koa 2 and 3.
 *
 * @module wxacode/koa
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, ToCode } from './types'

/** What is needed of Koa's context. */
export interface KoaContext {
  req: IncomingMessage
  res: ServerResponse
  status: number
  body: unknown
  set(headers: Record<string, string>): void
}

/** What is known of a context unless you say more: `(ctx: Koa.Context) => ...` or `codeHandler<Koa.Context>`. */
export interface AnyContext extends KoaContext {
  /** With a router. */
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query: Record<string, any>
  path: string
  get(name: string): string
}

/**
 * Answers like `codeHandler` of `wxacode/express`, by `ctx.status` and `ctx.body`, so
 * that the middleware around it works. It calls no middleware after it.
 *
 * @example
 * ```js
 * router.get('/code/:id', codeHandler(wxa, (ctx) => ({ scene: `id=${ctx.params.id}`, page: 'pages/index/index' })))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for a misspelt or impossible option, when the handler is made
 */
export function codeHandler<Ctx extends KoaContext = AnyContext>(
  wxa: Client,
  toCode: ToCode<[ctx: Ctx]>,
  options?: CodeHandlerOptions<Ctx>,
): (ctx: Ctx) => Promise<void>
