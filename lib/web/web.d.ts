/**
 * Codes over HTTP, and WeChat's pushes to a third-party platform, for frameworks that use `Request` and `Response`: Hono, Next.js, Bun, Deno.
 *
 * @module wxacode/web
 */

import type { Client, CodeHandlerOptions, OnEvent, Platform, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, OnEvent, Platform, ToCode } from './types'

/**
 * Makes a handler that responds like `codeHandler` of `wxacode/express`. If `request.signal` is aborted, the handler treats the
 * visitor as disconnected; it cannot see a response of other code. `toCode` receives all arguments of the handler.
 *
 * @example
 * ```js
 * // Hono
 * const code = codeHandler(wxa, (request, c) => ({ scene: `id=${c.req.param('id')}`, page: 'pages/index/index' }))
 * app.get('/code/:id', (c) => code(c.req.raw, c))
 *
 * // Next.js: app/code/[id]/route.js. The client is made for the first request, because `next build` has no AppSecret
 * export const GET = codeHandler(
 *   () => WxaCode.fromEnv({ cache: true }),
 *   async (request, { params }) => ({ scene: `id=${(await params).id}` }),
 * )
 * ```
 * @throws `InvalidParamsError` of `wxacode` for an unknown or invalid option, when the handler is made
 */
// biome-ignore lint/suspicious/noExplicitAny: what a framework gives beside the request is its own
export function codeHandler<Req extends Request = Request, Context extends any[] = any[]>(
  wxa: Client,
  toCode: ToCode<[request: Req, ...context: Context]>,
  options?: CodeHandlerOptions<Req>,
): (request: Req, ...context: Context) => Promise<Response>

/**
 * Makes a handler that responds to WeChat's pushes like `pushHandler` of `wxacode/express`.
 *
 * The handler reads the body of the `Request`: nothing else may have read it.
 *
 * @example
 * ```js
 * // Hono
 * const push = pushHandler(platform, (event) => console.log(event))
 * app.post('/wechat/push', (c) => push(c.req.raw))
 *
 * // Next.js: app/wechat/push/route.js. The platform is made for the first push, because `next build` has no AppSecret
 * export const POST = pushHandler(() => new WxaPlatform(options))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for anything but a platform and a function, when the handler is made
 */
export function pushHandler(platform: Platform, onEvent?: OnEvent): (request: Request) => Promise<Response>
