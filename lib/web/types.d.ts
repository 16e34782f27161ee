import type { AnyWxaCodeError, CreateQRCodeParams, QRCodeParams, UnlimitedQRCodeParams, WxaCode } from '../../index'

/**
 * The client of a handler, or a function that makes it. The function is called for the first request that needs a client and
 * its client is kept, so that a module that makes a handler can be loaded where there is no AppSecret, as `next build` does.
 * Where it throws, that request is answered with a 500 and logged, and the next one calls it again.
 */
export type Client = WxaCode | (() => WxaCode | Promise<WxaCode>)

/** One code, by the same words as in a batch. Without `kind` it is an unlimited one. */
export type CodeParams =
  | ({ kind?: 'unlimited' } & UnlimitedQRCodeParams)
  | ({ kind: 'limited' } & QRCodeParams)
  | ({ kind: 'qrcode' } & CreateQRCodeParams)

/**
 * From a request to the code that it is answered with: the only way in. Nothing of a request reaches WeChat unless it is
 * returned here. `null` and `undefined` say that there is no such code (404): look ids up, for every other one costs a code.
 * What it throws goes to the framework's own error handler, untouched. A misspelt name, a wrong type or an unknown `kind` is a
 * mistake in it, not the visitor's: the answer is a 500 and `onError` hears of it.
 */
export type ToCode<Args extends unknown[]> = (
  ...args: Args
) => CodeParams | null | undefined | Promise<CodeParams | null | undefined>

/** What became of a request that failed. */
export interface FailureNote<Req = unknown> {
  /** What your mapping was given: Express's `req`, Koa's `ctx`, Fastify's `request`, or the `Request`. */
  req: Req
  /** The HTTP status that the visitor gets. */
  status: number
  /** `urn:uuid:...`, the `instance` of the problem that the visitor gets. */
  instance: string
}

export interface CodeHandlerOptions<Req = unknown> {
  /**
   * `Cache-Control` of a code, and of a 304. Errors are always `no-store`. `false` sends none. A browser that has a code
   * asks again by its ETag, which costs no request to WeChat.
   *
   * @defaultValue `'private, max-age=3600'`
   */
  cacheControl?: string | false
  /**
   * The name under which a browser saves the picture, or a function that gives one for this code, or `undefined` for none.
   * It may hold any characters: slashes become `_`. The extension is that of the bytes, whatever the name says.
   *
   * @defaultValue none; with `download` it is `code`
   */
  filename?: string | ((code: CodeParams, req: Req) => string | undefined | Promise<string | undefined>)
  /**
   * Whether a browser is told to save the picture rather than to show it (`Content-Disposition: attachment`).
   *
   * @defaultValue false
   */
  download?: boolean | ((req: Req) => boolean | Promise<boolean>)
  /**
   * Which errors a visitor may see with `code`, `errcode`, `errmsg`, `rid`, `param` and their explanation. Of others a visitor
   * sees the status and an `instance` by which the log knows the rest. No secret is ever in either. A function says yes by
   * `true` and nothing else. What the client's token function throws is never shown.
   *
   * @defaultValue refused parameters, and what WeChat refuses because of page, path, scene or style; nothing about the
   *   account, its credentials and quotas, or about the network
   */
  expose?: boolean | ((error: AnyWxaCodeError) => boolean | Promise<boolean>)
  /**
   * Hears of every error that a visitor is answered with, before the answer is sent: a `WxaCodeError`, or what the client's
   * token function or the function that makes the client threw. It may be async. What it throws goes to the framework's own
   * error handler.
   *
   * @defaultValue one line on `console.error` with status, `instance` and message; of what visitors can order as often as they
   *   like (400, 429) one line a minute for each parameter
   */
  onError?: (error: AnyWxaCodeError | Error, note: FailureNote<Req>) => unknown
  /**
   * How many codes this handler asks WeChat for in any 60 s, in this process; a whole number from 1 on, or `Infinity`. Beyond
   * that a visitor gets a 429 with `Retry-After`. Codes that this process keeps (`cache`), a 304 and a HEAD cost nothing and
   * are answered all the same; nor does one cost anything that Redis had, or that is being asked for already. Each handler
   * counts for itself, and so does each process: the client's `ratePerMinute` is what they have in common.
   *
   * @defaultValue 3000 for `unlimited`; 60 for `limited` and `qrcode` together, at which 100,000 codes last for more than a day
   */
  ratePerMinute?: number
  /**
   * How many codes this handler asks WeChat for at once; a whole number from 1 on, or `Infinity`. Beyond that a visitor gets a
   * 429 with `Retry-After: 1`. What costs nothing above is not counted here either.
   *
   * @defaultValue 256
   */
  concurrency?: number
  /**
   * Milliseconds for one code, more than 0 and at most a day.
   *
   * @defaultValue the client's
   */
  timeoutMs?: number
}
