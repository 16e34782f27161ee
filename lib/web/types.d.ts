import type {
  AnyWxaCodeError,
  CreateQRCodeParams,
  PlatformEvent,
  QRCodeParams,
  UnlimitedQRCodeParams,
  WxaCode,
  WxaPlatform,
} from '../../index'

/**
 * The client of a handler, or a function that makes it. The handler calls the function for the first request that needs a client,
 * and keeps the client. A module that makes a handler can therefore be loaded where there is no AppSecret, as `next build` does.
 * If the function throws, the handler responds to that request with a 500, logs the error, and calls the function again for the
 * next request.
 */
export type Client = WxaCode | (() => WxaCode | Promise<WxaCode>)

/** Parameters of a code, with its kind as in a batch. */
export type CodeParams =
  | ({
      /**
       * A code of `getUnlimitedQRCode`.
       *
       * @defaultValue `'unlimited'`
       */
      kind?: 'unlimited'
    } & UnlimitedQRCodeParams)
  | ({
      /** A code of `getQRCode`. */
      kind: 'limited'
    } & QRCodeParams)
  | ({
      /** A code of `createQRCode`. */
      kind: 'qrcode'
    } & CreateQRCodeParams)

/**
 * Returns the parameters of the code for a request. Nothing of the request reaches WeChat unless this function returns it. Return
 * `null` or `undefined` if there is no such code (404). Look ids up first, because WeChat counts every other code.
 *
 * The framework's error handler receives what this function throws, unchanged. An unknown parameter, a wrong type or an unknown
 * `kind` is a mistake of this function, not of the visitor: the handler responds with a 500 and calls `onError`.
 */
export type ToCode<Args extends unknown[]> = (
  ...args: Args
) => CodeParams | null | undefined | Promise<CodeParams | null | undefined>

/** The request that failed, and the response to it. */
export interface FailureNote<Req = unknown> {
  /** The request, as `toCode` received it: `req` of Express, `ctx` of Koa, `request` of Fastify, or the `Request`. */
  req: Req
  /** HTTP status of the response. */
  status: number
  /** Id of the failure, `urn:uuid:...`. The response has it as `instance`. */
  instance: string
}

/** Options of `codeHandler`. */
export interface CodeHandlerOptions<Req = unknown> {
  /**
   * `Cache-Control` header of a code and of a 304, printable ASCII. `false` sends none. Errors always have `no-store`. A browser
   * that has the code revalidates it with its ETag, which costs no request to WeChat.
   *
   * @defaultValue `'private, max-age=3600'`
   */
  cacheControl?: string | false
  /**
   * Name under which a browser saves the picture, or a function that returns one for this code, or `undefined` for no name. Any
   * characters are allowed: slashes become `_`. The handler sets the extension by the type of the picture.
   *
   * @defaultValue none; with `download` it is `code`
   */
  filename?: string | ((code: CodeParams, req: Req) => string | undefined | Promise<string | undefined>)
  /**
   * Whether a browser saves the picture instead of showing it (`Content-Disposition: attachment`).
   *
   * @defaultValue false
   */
  download?: boolean | ((req: Req) => boolean | Promise<boolean>)
  /**
   * Which errors the response describes, with `code`, `errcode`, `errmsg`, `rid`, `param`, cause and fix. For all other errors the
   * response contains only the status and an `instance` id that also appears in the log. A function must return exactly `true` to
   * expose the error. Neither contains a secret. Errors of the client's token function are never exposed.
   *
   * @defaultValue refused parameters, and what WeChat refuses because of page, path, scene or style; not errors about the
   *   account, its credentials and quotas, or the network
   */
  expose?: boolean | ((error: AnyWxaCodeError) => boolean | Promise<boolean>)
  /**
   * Called with every error before the response is sent: a `WxaCodeError`, or what the client's token function or the function that
   * makes the client threw. It may be async. The framework's error handler receives what it throws.
   *
   * @defaultValue logs a line with status, `instance` and message by `console.error`; of errors that visitors can cause (400, 429)
   *   one line a minute for each parameter
   */
  onError?: (error: AnyWxaCodeError | Error, note: FailureNote<Req>) => unknown
  /**
   * Maximum number of codes that this handler requests from WeChat in any 60 s, in this process: a whole number from 1, or
   * `Infinity`. Over the limit the handler responds with a 429 and `Retry-After`.
   *
   * Responses that need no request to WeChat do not count: codes in the memory of this process (`cache`) or in Redis, calls that
   * share a request, a 304 and a HEAD. Each handler and each process counts for itself; the client's `ratePerMinute` applies to
   * all of them.
   *
   * @defaultValue 3000 for `unlimited`; 60 for `limited` and `qrcode` together, so that 100,000 codes last for more than a day
   */
  ratePerMinute?: number
  /**
   * Maximum number of codes that this handler requests from WeChat at the same time: a whole number from 1, or `Infinity`. Over
   * the limit the handler responds with a 429 and `Retry-After: 1`. Responses that `ratePerMinute` does not count do not count
   * here either.
   *
   * @defaultValue 256
   */
  concurrency?: number
  /**
   * Deadline of a code in milliseconds. More than 0, at most 86400000 (a day).
   *
   * @defaultValue the client's `timeoutMs`
   */
  timeoutMs?: number
}

/** The platform of a push handler, or a function that makes it at the first push, as {@link Client} does for codes. */
export type Platform = WxaPlatform | (() => WxaPlatform | Promise<WxaPlatform>)

/**
 * Called with what each push says, after the push was saved and answered. The answer does not wait for it: what it throws, or
 * rejects with, is logged and changes nothing.
 */
export type OnEvent = (event: PlatformEvent) => unknown
