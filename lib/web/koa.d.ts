/**
 * Codes over HTTP, and WeChat's pushes to a third-party platform, with Koa 2 and 3.
 *
 * @module wxacode/koa
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, OnEvent, Platform, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, OnEvent, Platform, ToCode } from './types'

/** The members of Koa's context that the handler uses. */
export interface KoaContext {
  /** Request of `node:http`. */
  req: IncomingMessage
  /** Response of `node:http`. */
  res: ServerResponse
  /** HTTP status of the response. */
  status: number
  /** Body of the response. */
  body: unknown
  /** Sets headers of the response. */
  set(headers: Record<string, string>): void
}

/**
 * Type of the context unless `toCode` or the type argument names another: `(ctx: Koa.Context) => ...` or
 * `codeHandler<Koa.Context>`.
 */
export interface AnyContext extends KoaContext {
  /** Parameters of the route, with a router. */
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params?: any
  /** Parsed query. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query: Record<string, any>
  /** Path of the URL. */
  path: string
  /** Returns a header of the request. */
  get(name: string): string
}

/**
 * Makes a middleware that responds like `codeHandler` of `wxacode/express`. It sets `ctx.status` and `ctx.body`, so that the
 * middleware before it can read them. It does not call the next middleware.
 *
 * @example
 * ```js
 * router.get('/code/:id', codeHandler(wxa, (ctx) => ({ scene: `id=${ctx.params.id}`, page: 'pages/index/index' })))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for an unknown or invalid option, when the handler is made
 */
export function codeHandler<Ctx extends KoaContext = AnyContext>(
  wxa: Client,
  toCode: ToCode<[ctx: Ctx]>,
  options?: CodeHandlerOptions<Ctx>,
): (ctx: Ctx) => Promise<void>

/**
 * Makes a middleware that responds to WeChat's pushes like `pushHandler` of `wxacode/express`. It does not call the next middleware.
 *
 * @example
 * ```js
 * router.post('/wechat/push', pushHandler(platform, (event) => console.log(event)))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for anything but a platform and a function, when the handler is made
 */
export function pushHandler(platform: Platform, onEvent?: OnEvent): (ctx: KoaContext) => Promise<void>
