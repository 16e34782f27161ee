import type { CreateQRCodeParams, QRCodeParams, UnlimitedQRCodeParams, WxaCodeError } from '../../index'

/** One code, by the same words as in a batch. Without `kind` it is an unlimited one. */
export type CodeParams =
  | ({ kind?: 'unlimited' } & UnlimitedQRCodeParams)
  | ({ kind: 'limited' } & QRCodeParams)
  | ({ kind: 'qrcode' } & CreateQRCodeParams)

/**
 * From a request to the code that it is answered with: the only way in. Nothing of a request reaches WeChat unless it is
 * returned here. `null` and `undefined` say that there is no such code (404). What it throws goes to the framework's
 * own error handler, untouched.
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
  expose?: boolean | ((error: WxaCodeError) => boolean | Promise<boolean>)
  /**
   * Hears of every error that a visitor is answered with, before the answer is sent: a `WxaCodeError`, or what the client's
   * token function threw. It may be async. What it throws goes to the framework's own error handler.
   *
   * @defaultValue one line on `console.error` with status, `instance` and message, but not for refused parameters (400)
   */
  onError?: (error: WxaCodeError | Error, note: FailureNote<Req>) => unknown
  /**
   * Milliseconds for one code, more than 0 and at most a day.
   *
   * @defaultValue the client's
   */
  timeoutMs?: number
}
