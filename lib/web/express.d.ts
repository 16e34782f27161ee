/**
 * Codes over HTTP, and WeChat's pushes to a third-party platform, with Express 4 and 5, with plain `node:http`, or with anything else that calls `(req, res, next)`.
 *
 * @module wxacode/express
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Client, CodeHandlerOptions, OnEvent, Platform, ToCode } from './types'

export type { Client, CodeHandlerOptions, CodeParams, FailureNote, OnEvent, Platform, ToCode } from './types'

/**
 * Type of the request unless `toCode` or the type argument names another: `(req: express.Request) => ...` or
 * `codeHandler<express.Request>`. What Express adds is optional, because plain `node:http` does not have it.
 */
export interface AnyRequest extends IncomingMessage {
  /** Parameters of the route, with Express. */
  // biome-ignore lint/suspicious/noExplicitAny: what a route has in it is known to who wrote the route
  params?: any
  /** Parsed query, with Express. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  query?: any
  /** Path of the URL, with Express. */
  // biome-ignore lint/suspicious/noExplicitAny: a string, with Express
  path?: any
  /** Returns a header, with Express. */
  // biome-ignore lint/suspicious/noExplicitAny: a function, with Express
  get?: any
}

/**
 * Makes a handler that responds with the code that `toCode` returns for a request, or with an `application/problem+json`.
 *
 * - 200: the picture, with the type of its bytes and a strong ETag of the parameters
 * - 304: a GET or HEAD whose `If-None-Match` has that ETag; no request to WeChat
 * - 400: invalid values
 * - 404: `toCode` returned no code
 * - 405: a method other than GET and HEAD
 * - 429, with `Retry-After`: over a rate limit of WeChat or of this handler
 * - 500: a mistake in `toCode`, or the client could not be made
 * - 502: WeChat refused or sent an invalid response, or could not be reached
 * - 503: Redis unavailable, client closed, or token function failed
 * - 504: timeout
 *
 * A HEAD sends no request to WeChat. For a code in the cache of this process it returns the headers of a GET; for any other it
 * omits `Content-Type` and `Content-Length`. If the visitor disconnects, or other code responds, the handler aborts the request to
 * WeChat. It does not write to a response that other code has started.
 *
 * WeChat counts each code. A public route therefore needs three things: a lookup of the ids, a client with a `cache`, and a limit
 * ({@link CodeHandlerOptions.ratePerMinute}).
 *
 * @example
 * ```js
 * const wxa = new WxaCode({ appid, secret, cache: true })
 * app.get('/code/:id', codeHandler(wxa, async (req) => {
 *   const shop = await shops.find(req.params.id)
 *   return shop && { scene: `id=${shop.id}`, page: 'pages/index/index' }
 * }))
 *
 * // node:http: the handler logs what your function throws, and responds with a 500 that does not repeat it
 * createServer(codeHandler(wxa, (req) => (req.url === '/code' ? { scene: 'from=web' } : null)))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for an unknown or invalid option, when the handler is made
 */
export function codeHandler<Req extends IncomingMessage = AnyRequest>(
  wxa: Client,
  toCode: ToCode<[req: Req]>,
  options?: CodeHandlerOptions<Req>,
): (req: Req, res: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Makes a handler for the URL to which WeChat pushes tickets and authorisations (授权事件接收 URL). It passes each push to
 * `platform.receivePush`, and responds as WeChat expects, with nothing in the body but `success`.
 *
 * - 200 `success`: the push was saved; authorisation codes are exchanged in the background, and `onEvent` is called
 * - 400: a push that cannot be read, is larger than 64 KiB, compressed, or takes longer than 10 s
 * - 401: not signed by WeChat, or for another platform
 * - 405: a method other than POST
 * - 500: the push could not be saved; WeChat pushes it again
 *
 * The handler reads the body by itself. Where a parser of text or XML was there before, it takes what that has left. `console.error`
 * shows why a push was refused, each reason once a minute.
 *
 * @example
 * ```js
 * app.post('/wechat/push', pushHandler(platform, (event) => {
 *   if (event.type === 'unauthorized') console.log(event)
 * }))
 * ```
 * @throws `InvalidParamsError` of `wxacode` for anything but a platform and a function, when the handler is made
 */
export function pushHandler(
  platform: Platform,
  onEvent?: OnEvent,
): (req: IncomingMessage, res: ServerResponse, next?: (error?: unknown) => void) => void
