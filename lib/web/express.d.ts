/**
 * Codes over HTTP with Express 4 and 5, with plain `node:http`, or with anything else that calls `(req, res, next)`.
 *
 * @module wxacode/express
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WxaCode } from '../../index'
import type { CodeHandlerOptions, ToCode } from './types'

export type { CodeHandlerOptions, CodeParams, FailureNote, ToCode } from './types'

/** What is known of a request unless you say more: `(req: express.Request) => ...` or `codeHandler<express.Request>`. */
export interface AnyRequest extends IncomingMessage {
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params: Record<string, any>
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query: Record<string, any>
  path: string
  get(name: string): string | undefined
}

/**
 * Answers with the code that `toCode` returns for a request, or with an `application/problem+json`.
 *
 * - 200: the picture, its type by its bytes, a strong ETag over the parameters
 * - 304 for a GET or HEAD whose `If-None-Match` names that ETag: WeChat is not asked
 * - 400 refused parameters, 404 no code, 405 another method than GET and HEAD, 429 with `Retry-After` over a rate limit, 502 a
 *   refusal or an odd answer of WeChat's or no connection, 503 Redis is down, the client is closed or its token function
 *   broken, 504 too late
 *
 * HEAD is answered like GET without the body: the type and length of a picture are not known before it is there. A visitor
 * who leaves ends the request to WeChat; what is logged then has the status 499.
 *
 * @example
 * ```js
 * app.get('/code/:id', codeHandler(wxa, (req) => ({ scene: `id=${req.params.id}`, page: 'pages/index/index' })))
 *
 * // node:http: what your function throws is logged, and answered with a 500 that does not repeat it
 * createServer(codeHandler(wxa, (req) => ({ scene: `path=${req.url}` }))) // in TypeScript codeHandler<IncomingMessage>
 * ```
 * @throws `InvalidParamsError` of `wxacode` for a misspelt or impossible option, when the handler is made
 */
export function codeHandler<Req extends IncomingMessage = AnyRequest>(
  wxa: WxaCode,
  toCode: ToCode<[req: Req]>,
  options?: CodeHandlerOptions<Req>,
): (req: Req, res: ServerResponse, next?: (error?: unknown) => void) => void
