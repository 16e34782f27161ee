// Errors and their explanations.

/** A text in Chinese and English. */
export interface Bilingual {
  /** In Chinese. */
  zh: string
  /** In English. */
  en: string
}

/** Why something failed and what to do about it. */
export interface Explanation {
  /** Why it failed. */
  cause: Bilingual
  /** What to do about it. */
  fix: Bilingual
  /**
   * Address of the page about the errcode in the documents of wxacode, one for each language. Absent if there is no errcode, or
   * none that the catalogue has.
   */
  docs?: Bilingual
}

/** Values of {@link WxaCodeError.code}. */
export type WxaErrorCode =
  | 'ERR_WXA_API'
  | 'ERR_WXA_PARAMS'
  | 'ERR_WXA_TIMEOUT'
  | 'ERR_WXA_NETWORK'
  | 'ERR_WXA_RESPONSE'
  | 'ERR_WXA_REDIS'
  | 'ERR_WXA_RATE_LIMIT'
  | 'ERR_WXA_PUSH'
  | 'ERR_WXA_TICKET'
  | 'ERR_WXA_STORE'
  | 'ERR_WXA_CLOSED'

/** Values of {@link WxaCodeError.code} whose errors have no class of their own. */
export type CodeWithoutClass = Exclude<WxaErrorCode, 'ERR_WXA_API' | 'ERR_WXA_PARAMS' | 'ERR_WXA_PUSH'>

/** What has a code. */
export interface WithCode<C extends CodeWithoutClass> {
  /** The code. */
  readonly code: C
}

/** What {@link WxaCodeError.from} is told of the error. */
export interface WxaCodeErrorOptions {
  /** What was called: a method, `'stable_token'` or a path. `'getUnlimitedQRCode'` by default. Some codes have none. */
  endpoint?: string
  /** Of `'ERR_WXA_RATE_LIMIT'`: when the call may be repeated, in milliseconds from now. 1000 by default. */
  retryAfterMs?: number
  /** Language of the message, as {@link WxaCodeOptions.lang}. */
  lang?: 'zh' | 'en'
}

/** What {@link WeChatAPIError.from} is told of the error. */
export interface WeChatAPIErrorOptions {
  /**
   * What was called: a method, `'stable_token'` or a path. By default `'getUnlimitedQRCode'`; for an errcode that WeChat does not
   * return there, the first endpoint at which it does, such as `'stable_token'` for 40164.
   */
  endpoint?: string
  /** WeChat's text. By default what WeChat writes for this errcode, or `''` if that is not known. */
  errmsg?: string
  /** WeChat's request id. Absent by default. */
  rid?: string
  /** `page` or `path` of the call, which some messages name. */
  page?: string
  /** Language of the message, as {@link WxaCodeOptions.lang}. */
  lang?: 'zh' | 'en'
}

/**
 * Base class of all errors of this package. A call also rejects with `signal.reason` and with what the token function throws. The
 * message is one line and says what to do, in the language of {@link WxaCodeOptions.lang}. After `instanceof WxaCodeError`, `code`
 * narrows the error in TypeScript, see {@link AnyWxaCodeError}.
 *
 * @example
 * ```ts
 * try {
 *   await wxa.getUnlimitedQRCode({ scene: 'id=42' })
 * } catch (error) {
 *   if (error instanceof WxaCodeError && error.code === 'ERR_WXA_API') console.log(error.errcode)
 * }
 * ```
 */
export declare class WxaCodeError<Code extends WxaErrorCode = WxaErrorCode> extends Error {
  protected constructor(...args: never[])
  /** Every JavaScript class has this. It is declared so that `instanceof` narrows to the union of all errors. */
  static [Symbol.hasInstance](value: unknown): value is AnyWxaCodeError
  /**
   * Makes the error that a call fails with, for a test whose client is a mock. Message, `retryable` and explanation are those of a
   * real error; what only a real call has, such as the host, is an example. {@link WeChatAPIError.from} and
   * {@link InvalidParamsError.from} make the other errors of a call.
   *
   * @example
   * ```ts
   * const codes = { getUnlimitedQRCode: () => Promise.reject(WxaCodeError.from('ERR_WXA_TIMEOUT')) }
   * ```
   * @throws {@link InvalidParamsError} for another code, and for invalid options
   */
  static from<C extends CodeWithoutClass>(code: C, options?: WxaCodeErrorOptions): Extract<AnyWxaCodeError, WithCode<C>>
  /** What kind of error it is. */
  readonly code: Code
  /** What was called: `'getUnlimitedQRCode'`, `'stable_token'`, ..., or the path of {@link WxaCode.request}. */
  readonly endpoint?: string
  /**
   * Whether the same call may succeed later without a change. True for timeouts, rate limits, `ERR_WXA_REDIS`, failed
   * connections (not for a certificate or a proxy's login) and temporary errcodes: WeChat is busy, the token was replaced, a
   * quota resets.
   *
   * If a response says nothing but its HTTP status, true for 408, 425, 429 and 5xx (not 501, 505, 506, 508, 510, 511, 525, 526)
   * and for an empty or incomplete 2xx. Never for 403, 404, 407, 412 and 413.
   */
  readonly retryable: boolean
  /**
   * Whether the next call would be refused for the same reason, whatever its parameters, so that
   * {@link WxaCode.batch} stops: `ERR_WXA_CLOSED`, and a {@link WeChatAPIError} of the scope `'account'`, `'ip'`, `'quota'` or
   * `'configuration'`.
   */
  get stopsBatch(): boolean
  /** When the call may be repeated, in milliseconds from now. Present with `'ERR_WXA_RATE_LIMIT'` only. */
  readonly retryAfterMs?: number
  /**
   * Cause and fix. Absent for an errcode that is not in the catalogue. It is not enumerable: `console.error(error)` shows the
   * message, which says the same.
   */
  readonly explanation?: Explanation
  /** What `JSON.stringify` writes: name, message, all fields and `explanation`, and `cause` if it is an error of this package. */
  toJSON(): Record<string, unknown>
}

/**
 * What WeChat refuses by an errcode, and so which other calls get the same refusal:
 *
 * - `'parameter'`: the parameters of this call, whichever client sends them
 * - `'token'`: the access token; another one may be accepted
 * - `'rate'`: a limit per second or per minute
 * - `'quota'`: a quota of a day or a month
 * - `'account'`: credentials, permissions or state of the account, or a lifetime cap
 * - `'ip'`: WeChat does not accept the IP address that the request came from
 * - `'configuration'`: how requests reach WeChat, such as `baseUrl`, a proxy, cloud run or API signing
 * - `'service'`: WeChat itself, which is busy or not ready
 */
export type ErrcodeScope = 'parameter' | 'token' | 'rate' | 'quota' | 'account' | 'ip' | 'configuration' | 'service'

/** WeChat responded with an errcode. `code` is `'ERR_WXA_API'`. */
export declare class WeChatAPIError extends WxaCodeError<'ERR_WXA_API'> {
  /** See {@link WxaCodeError}. */
  static [Symbol.hasInstance](value: unknown): value is WeChatAPIError
  /**
   * Makes the error of a call that WeChat refuses, for a test whose client is a mock. It is the same as that of a real call with
   * these options.
   *
   * @example
   * ```ts
   * const codes = { getUnlimitedQRCode: () => Promise.reject(WeChatAPIError.from(41030)) }
   * ```
   * @throws {@link InvalidParamsError} for 0 and what is no errcode, for an unknown endpoint, and for invalid options
   */
  static from(errcode: number, options?: WeChatAPIErrorOptions): WeChatAPIError
  /** The other error classes have a `from` of their own. */
  static from(code: never): never
  /** WeChat's error code, such as 41030. */
  readonly errcode: number
  /** What WeChat refused. Absent for an errcode that is not in the catalogue; always present for a token endpoint. */
  readonly scope?: ErrcodeScope
  /** WeChat's text without rid and hint. `***` replaces secrets, and `…` what follows after 2048 characters. */
  readonly errmsg: string
  /** WeChat's request id. Pass it to {@link WxaCode.getRid} within 7 days, or to WeChat's support. */
  readonly rid?: string
  /** Request id of older responses, which have no `rid`. */
  readonly hint?: string
}

/** The client refused parameters or options before sending a request. `code` is `'ERR_WXA_PARAMS'`. */
export declare class InvalidParamsError extends WxaCodeError<'ERR_WXA_PARAMS'> {
  /** See {@link WxaCodeError}. */
  static [Symbol.hasInstance](value: unknown): value is InvalidParamsError
  /**
   * Makes the error of a call with invalid parameters, for a test whose client is a mock.
   *
   * @example
   * ```ts
   * const codes = { getUnlimitedQRCode: () => Promise.reject(InvalidParamsError.from('unlimited', { scene: '' })) }
   * ```
   * @throws {@link InvalidParamsError} with the `param` `'params'` if the parameters are valid, and for an unknown kind
   */
  static from(kind: 'unlimited' | 'limited' | 'qrcode', params: object): InvalidParamsError
  /** The other error classes have a `from` of their own. */
  static from(code: never): never
  /** Name of the invalid parameter: `'scene'`, `'lineColor.r'`, `'secret'`, ... */
  readonly param: string
  /** The errcode that WeChat would respond with, if known. */
  readonly errcode?: number
  /** Cause and fix. */
  readonly explanation: Explanation
}

/**
 * Why a push was refused:
 *
 * - `'query'`: `timestamp`, `nonce` or `msg_signature` is absent from the query, repeated or malformed, or `encrypt_type` is not `aes`
 * - `'size'`: the body is larger than 64 KiB
 * - `'xml'`: the body, or the decrypted message, is not XML as WeChat sends it; a DOCTYPE is refused
 * - `'signature'`: `msg_signature` does not match; check `pushToken`, and that nothing changes the body on its way
 * - `'decrypt'`: the signature is right, but `encodingAESKey` does not decrypt the content
 * - `'appid'`: the push is for another platform
 */
export type PushErrorReason = 'query' | 'size' | 'xml' | 'signature' | 'decrypt' | 'appid'

/**
 * A push to a platform's URL was refused: it is not from WeChat, for another platform, or unreadable. `code` is `'ERR_WXA_PUSH'`.
 * Neither the message nor a property contains anything of the push.
 */
export declare class InvalidPushError extends WxaCodeError<'ERR_WXA_PUSH'> {
  /** See {@link WxaCodeError}. */
  static [Symbol.hasInstance](value: unknown): value is InvalidPushError
  /** There is none: an invalid push that is passed to `receivePush` of a platform gives the error. */
  static from(code: never): never
  /** Why it was refused. */
  readonly reason: PushErrorReason
  /** Cause and fix. */
  readonly explanation: Explanation
}

/**
 * What is wrong with the store of a platform:
 *
 * - `'locked'`: another process, or another platform of this one, uses the file
 * - `'secret'`: the file was encrypted with another AppSecret
 * - `'platform'`: the file belongs to another platform
 * - `'damaged'`: the file, or the value of a key, is not what wxacode has stored there; or, in a store of your own, it was
 *   encrypted with another AppSecret. It is not overwritten, except in Redis
 * - `'file'`: the operating system cannot read or write the file
 * - `'redis'`: Redis does not respond, or refuses
 * - `'threw'`: a function of your own store threw
 * - `'timeout'`: a function of your own store did not end within 3 s, or what a push brought was not saved within 4 s
 */
export type StoreErrorReason = 'locked' | 'secret' | 'platform' | 'damaged' | 'file' | 'redis' | 'threw' | 'timeout'

/** What an errcode means. */
export interface ErrcodeExplanation extends Explanation {
  docs: Bilingual
  /** What WeChat refuses. */
  scope: ErrcodeScope
}

/**
 * Every error that this package makes, discriminated by `code`. `instanceof WxaCodeError` narrows to it.
 *
 * @example
 * ```ts
 * function status(error: AnyWxaCodeError) {
 *   switch (error.code) {
 *     case 'ERR_WXA_PARAMS':
 *       return { status: 400, param: error.param }
 *     case 'ERR_WXA_RATE_LIMIT':
 *       return { status: 429, retryAfterMs: error.retryAfterMs }
 *     default:
 *       return { status: 503 }
 *   }
 * }
 * ```
 */
export type AnyWxaCodeError =
  | WeChatAPIError
  | InvalidParamsError
  | InvalidPushError
  | (WxaCodeError<'ERR_WXA_RATE_LIMIT'> & {
      /** When the call may be repeated, in milliseconds from now. */
      readonly retryAfterMs: number
    })
  | WxaCodeError<'ERR_WXA_TIMEOUT'>
  | WxaCodeError<'ERR_WXA_NETWORK'>
  | WxaCodeError<'ERR_WXA_RESPONSE'>
  | WxaCodeError<'ERR_WXA_REDIS'>
  | WxaCodeError<'ERR_WXA_TICKET'>
  | (WxaCodeError<'ERR_WXA_STORE'> & {
      /** What is wrong with the store. */
      readonly reason: StoreErrorReason
    })
  | WxaCodeError<'ERR_WXA_CLOSED'>
