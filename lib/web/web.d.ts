/**
 * Codes over HTTP wherever a request is a `Request` and an answer a `Response`: Hono, Next.js, Bun, Deno.
 *
 * @module wxacode/web
 */

import type { Client, CodeHandlerOptions, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, ToCode } from './types'

/**
 * Answers like `codeHandler` of `wxacode/express`. The visitor has left when `request.signal` is aborted: an answer that a
 * middleware gives meanwhile cannot be seen. What the framework gives beside the request goes on to `toCode`.
 *
 * @example
 * ```js
 * // Hono
 * const code = codeHandler(wxa, (request, c) => ({ scene: `id=${c.req.param('id')}`, page: 'pages/index/index' }))
 * app.get('/code/:id', (c) => code(c.req.raw, c))
 *
 * // Next.js: app/code/[id]/route.js. The client is made at the first request, for `next build` has no AppSecret
 * export const GET = codeHandler(
 *   () => WxaCode.fromEnv({ cache: true }),
 *   async (request, { params }) => ({ scene: `id=${(await params).id}` }),
 * )
 * ```
 * @throws `InvalidParamsError` of `wxacode` for a misspelt or impossible option, when the handler is made
 */
// biome-ignore lint/suspicious/noExplicitAny: what a framework gives beside the request is its own
export function codeHandler<Req extends Request = Request, Context extends any[] = any[]>(
  wxa: Client,
  toCode: ToCode<[request: Req, ...context: Context]>,
  options?: CodeHandlerOptions<Req>,
): (request: Req, ...context: Context) => Promise<Response>
