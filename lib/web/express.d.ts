/**
 * Codes over HTTP with Express 4 and 5, with plain `node:http`, or with anything else that calls `(req, res, next)`.
 *
 * @module wxacode/express
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, ToCode } from './types'

/**
 * What is known of a request unless you say more: `(req: express.Request) => ...` or `codeHandler<express.Request>`. What
 * Express adds is optional, because plain `node:http` does not.
 */
export interface AnyRequest extends IncomingMessage {
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query?: any
  // biome-ignore lint/suspicious/noExplicitAny: a string, with Express
  path?: any
  // biome-ignore lint/suspicious/noExplicitAny: a function, with Express
  get?: any
}

/**
 * Answers with the code that `toCode` returns for a request, or with an `application/problem+json`.
 *
 * - 200: the picture, its type by its bytes, a strong ETag over the parameters
 * - 304 for a GET or HEAD whose `If-None-Match` names that ETag: WeChat is not asked
 * - 400 refused values, 404 no code, 405 another method than GET and HEAD, 429 with `Retry-After` over a rate limit, of WeChat's
 *   or of this handler's, 500 a mistake in `toCode` or no client, 502 a refusal or an odd answer of WeChat's or no connection,
 *   503 Redis is down, the client is closed or its token function broken, 504 too late
 *
 * HEAD never asks WeChat: of a code that this process keeps it has the headers of GET, of any other those that are known
 * without the picture, which are not its type and length. A visitor who leaves, or whom somebody else answers, ends the request
 * to WeChat; an answer that others have begun is left to them.
 *
 * A route that anybody can call needs three things, for each code that it makes counts: ids that are looked up, a client with
 * a `cache`, and a limit ({@link CodeHandlerOptions.ratePerMinute}).
 *
 * @example
 * ```js
 * const wxa = new WxaCode({ appid, secret, cache: true })
 * app.get('/code/:id', codeHandler(wxa, async (req) => {
 *   const shop = await shops.find(req.params.id)
 *   return shop && { scene: `id=${shop.id}`, page: 'pages/index/index' }
 * }))
 *
 * // node:http: what your function throws is logged, and answered with a 500 that does not repeat it
 * createServer(codeHandler(wxa, (req) => (req.url === '/code' ? { scene: 'from=web' } : null)))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for a misspelt or impossible option, when the handler is made
 */
export function codeHandler<Req extends IncomingMessage = AnyRequest>(
  wxa: Client,
  toCode: ToCode<[req: Req]>,
  options?: CodeHandlerOptions<Req>,
): (req: Req, res: ServerResponse, next?: (error?: unknown) => void) => void
