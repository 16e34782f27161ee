/**
 * WeChat mini-program codes (微信小程序码) as Buffers: one access token for the whole process, right images or errors
 * that explain themselves.
 *
 * @module wxacode
 */

import type {
  CloudBase,
  Expiry,
  JumpWxa,
  LinkInfo,
  NFCSchemeParams,
  QuerySchemeParams,
  QueryUrlLinkParams,
  Quota,
  QuotaRateLimit,
  RequestOptions,
  RidInfo,
  SchemeInfo,
  SchemeParams,
  ShortLinkParams,
  UrlLinkInfo,
  UrlLinkParams,
  VisitQuota,
} from './lib/types/apis'
import type {
  BatchJob,
  BatchNote,
  BatchOptions,
  BatchResult,
  CodeKeyParams,
  UnlimitedKind,
  Widened,
  WidenedBatchJob,
} from './lib/types/batch'
import type {
  CodeImage,
  CreateQRCodeParams,
  EnvVersion,
  QRCodeParams,
  RGB,
  Style,
  UnlimitedQRCodeParams,
} from './lib/types/codes'
import {
  type AnyWxaCodeError,
  type Bilingual,
  type CodeWithoutClass,
  type ErrcodeExplanation,
  type ErrcodeScope,
  type Explanation,
  InvalidParamsError,
  InvalidPushError,
  type PushErrorReason,
  type StoreErrorReason,
  WeChatAPIError,
  type WeChatAPIErrorOptions,
  type WithCode,
  WxaCodeError,
  type WxaCodeErrorOptions,
  type WxaErrorCode,
} from './lib/types/errors'
import type {
  CacheEvent,
  CacheStats,
  ErrorFields,
  LifetimeQuota,
  RedisEvent,
  RequestEvent,
  RequestFields,
  Stats,
  TokenEvent,
  TokenFields,
  WxaEvent,
} from './lib/types/events'
import type {
  AccessToken,
  CacheOptions,
  CallOptions,
  CloseOptions,
  CodeStore,
  CodeStoreContext,
  ProvidedToken,
  RedisOptions,
  TokenProvider,
  WxaCodeOptions,
} from './lib/types/options'
import type {
  AuthorizationUrlOptions,
  AuthorizedEvent,
  Authorizer,
  CompletedAuthorization,
  ImportedAuthorizer,
  MerchantOptions,
  OtherPlatformEvent,
  OtherPlatformEventType,
  PlatformEvent,
  PlatformRequestOptions,
  PlatformStateEvent,
  PlatformStats,
  PlatformStore,
  Push,
  TicketEvent,
  UnauthorizedEvent,
  WxaPlatformOptions,
} from './lib/types/platform'
import type { AttemptMessage, CallContext } from './lib/types/tracing'
import { WxaPlatform } from './lib/types/wxa-platform'

/**
 * Client for the codes of one mini-program. Make one for each appid and keep it. Making one is cheap and uses no network. Clients
 * of the same account share one token cache, across worker threads too.
 *
 * @example
 * ```ts
 * const wxa = new WxaCode({ appid, secret })
 * const image = await wxa.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/index/index' })
 * ```
 */
declare class WxaCode {
  /** @throws {@link InvalidParamsError} for a missing, unknown or invalid option */
  constructor(options: WxaCodeOptions)

  /**
   * Makes a client from environment variables: `appid` from `WXACODE_APPID`, `secret` from `WXACODE_SECRET`, `baseUrl` from
   * `WXACODE_BASE_URL`, `redis` from `WXACODE_REDIS`, `proxy` from `WXACODE_PROXY`, as the command line does. An empty variable
   * counts as not set. `options` override variables. `WXACODE_LANG` sets the language of errors, see {@link WxaCodeOptions.lang}.
   *
   * @example
   * ```ts
   * const wxa = WxaCode.fromEnv({ cache: true })
   * ```
   * @throws {@link InvalidParamsError} for a missing or invalid option; the message names the variable
   */
  static fromEnv(options?: Partial<WxaCodeOptions>): WxaCode

  /** AppID of the account that the codes belong to: `fromAppid` if given, else `appid`. */
  readonly appid: string

  /**
   * Makes a round code (小程序码) for a page with a query: `POST /wxa/getwxacode`. An account can make 100,000 different ones in
   * total, including those of {@link createQRCode}.
   *
   * @throws as {@link getUnlimitedQRCode} does
   */
  getQRCode(params: QRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * Makes a round code (小程序码) with a `scene`: `POST /wxa/getwxacodeunlimit`. Their number is not limited; WeChat allows 5000
   * requests a minute.
   *
   * @returns the picture: a JPEG, or a PNG with `isHyaline`
   * @throws {@link InvalidParamsError} for invalid parameters, before anything is sent
   * @throws {@link WeChatAPIError} if WeChat refuses the request
   * @throws {@link WxaCodeError} otherwise: `ERR_WXA_TIMEOUT`, `ERR_WXA_NETWORK`, `ERR_WXA_RESPONSE`, `ERR_WXA_RATE_LIMIT`,
   *   `ERR_WXA_REDIS`, `ERR_WXA_CLOSED`
   * @throws `signal.reason`, and what the token function throws, unchanged
   */
  getUnlimitedQRCode(params: UnlimitedQRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * Makes a square QR code (小程序二维码) for a page with a query: `POST /cgi-bin/wxaapp/createwxaqrcode`. An account can make
   * 100,000 different ones in total, including those of {@link getQRCode}.
   *
   * @throws as {@link getUnlimitedQRCode} does
   */
  createQRCode(params: CreateQRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * Makes many codes and yields results in the order in which jobs finish. It takes jobs only as fast as the caller consumes
   * results, so that a million jobs need no more memory than `concurrency`. A failed job does not stop the others. A job over
   * `ratePerMinute` waits for the next minute.
   *
   * If a job fails with an error that every other job would get too ({@link WxaCodeError.stopsBatch}: a wrong AppSecret, an IP
   * address that is not on the whitelist, 45029, a daily quota), the batch starts no more jobs. It yields the results of those
   * in flight, then throws that error. {@link close} ends a batch in the same way, with `ERR_WXA_CLOSED`.
   *
   * @example
   * ```ts
   * for await (const { job, image, error } of wxa.batch(jobs())) {
   *   if (image) await writeFile(`${job.scene}.jpg`, image)
   *   else console.error(job.scene, error.message)
   * }
   * ```
   * @throws {@link InvalidParamsError} for invalid options; `signal.reason`; what `jobs` throws
   */
  batch<J extends WidenedBatchJob>(
    jobs: (Iterable<J> | AsyncIterable<J>) & (string extends J['kind'] ? unknown : never),
    options?: BatchOptions,
  ): AsyncGenerator<BatchResult<J>, void, undefined>
  batch<J extends BatchJob>(
    jobs: Iterable<J> | AsyncIterable<J>,
    options?: BatchOptions,
  ): AsyncGenerator<BatchResult<J>, void, undefined>

  /**
   * Calls any other API of WeChat, with the same token, retries, replay, deadline and errors as the codes.
   *
   * @example
   * ```ts
   * const { phone_info } = await wxa.request<PhoneNumber>('/wxa/business/getuserphonenumber', { body: { code } })
   * ```
   * @param path of the API, with a leading slash, without host and query: at most 256 bytes of `A-Z a-z 0-9 / - _ .`. Token
   *   endpoints are refused: use {@link getAccessToken}
   * @returns the parsed JSON, or a Buffer if WeChat responds with a JPEG or PNG
   * @throws as {@link getUnlimitedQRCode} does
   */
  // biome-ignore lint/suspicious/noExplicitAny: what an API answers is known to who calls it
  request<T = any>(path: string, options?: RequestOptions): Promise<T>

  /**
   * Returns the quota of an API and how much of it is used today: `POST /cgi-bin/openapi/quota/get`.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html}
   *
   * @param path of the API, such as `/wxa/getwxacodeunlimit`: with a leading slash, without host and query
   * @throws as {@link getUnlimitedQRCode} does
   */
  getQuota(path: string, call?: CallOptions): Promise<Quota>

  /**
   * Resets all daily counters of the account to 0: `POST /cgi-bin/clear_quota`. WeChat allows this 10 times a month, so the
   * client never retries it. It does not reset the total of 100,000 codes.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html}
   *
   * @throws as {@link getUnlimitedQRCode} does
   */
  clearQuota(call?: CallOptions): Promise<void>

  /**
   * Returns what WeChat recorded about a request of this account that it refused in the last 7 days:
   * `POST /cgi-bin/openapi/rid/get`.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html}
   *
   * @param rid of the request, as in {@link WeChatAPIError.rid}: hexadecimal digits and `-`
   * @throws as {@link getUnlimitedQRCode} does
   */
  getRid(rid: string, call?: CallOptions): Promise<RidInfo>

  /**
   * Makes a URL scheme for text messages and web pages: `POST /wxa/generatescheme`. WeChat allows 500,000 a day and 100 a
   * second, including those of {@link generateUrlLink}. Without `expireTime` and `expireInterval` it expires after 30 days.
   *
   * @returns `weixin://dl/business/?t=...`
   * @throws as {@link getUnlimitedQRCode} does
   */
  generateScheme(params?: SchemeParams, call?: CallOptions): Promise<string>

  /**
   * Makes a URL link for text messages, mails and web pages: `POST /wxa/generate_urllink`. WeChat allows 500,000 a day and 100 a
   * second, including those of {@link generateScheme}. Without `expireTime` and `expireInterval` it expires after 30 days.
   *
   * @returns `https://wxaurl.cn/...`
   * @throws as {@link getUnlimitedQRCode} does
   */
  generateUrlLink(params?: UrlLinkParams, call?: CallOptions): Promise<string>

  /**
   * Makes a short link, which opens inside WeChat: `POST /wxa/genwxashortlink`. WeChat allows 10,000,000 a day, and 100,000
   * permanent ones in total.
   *
   * @returns `#小程序://...`
   * @throws as {@link getUnlimitedQRCode} does
   */
  generateShortLink(params: ShortLinkParams, call?: CallOptions): Promise<string>

  /**
   * Makes a URL scheme for an NFC tag: `POST /wxa/generatenfcscheme`.
   *
   * @returns `weixin://dl/business/?t=...`
   * @throws as {@link getUnlimitedQRCode} does
   */
  generateNFCScheme(params: NFCSchemeParams, call?: CallOptions): Promise<string>

  /**
   * Looks a URL scheme up, or returns how many visits are left today: `POST /wxa/queryscheme`.
   *
   * @throws as {@link getUnlimitedQRCode} does
   */
  queryScheme(params: QuerySchemeParams, call?: CallOptions): Promise<SchemeInfo>

  /**
   * Looks a URL link up, or returns how many visits are left today: `POST /wxa/query_urllink`.
   *
   * @throws as {@link getUnlimitedQRCode} does
   */
  queryUrlLink(params: QueryUrlLinkParams, call?: CallOptions): Promise<UrlLinkInfo>

  /**
   * Returns the token that the client uses, for requests to WeChat that the caller sends itself.
   *
   * `forceRefresh` replaces the token and makes the current one invalid at once. Use it after a leak. Forced refreshes are at
   * least 30 s apart and at most 10 a day; otherwise the call fails with `ERR_WXA_RATE_LIMIT`.
   *
   * @throws {@link InvalidParamsError} with token `'none'`, otherwise as {@link getUnlimitedQRCode} does
   */
  getAccessToken(
    call?: CallOptions & {
      /**
       * Whether to replace the current token.
       *
       * @defaultValue false
       */
      forceRefresh?: boolean
    },
  ): Promise<AccessToken>

  /**
   * Reports that an API rejected a token (40001, 40014, 42001), so that the next call fetches another. The client ignores
   * this if it already has another token, and for 30 s after it discarded one, so that an API that rejects every token does not
   * cause a refresh each time.
   *
   * @throws {@link InvalidParamsError} if `accessToken` is not a string
   */
  invalidateAccessToken(accessToken: string): void

  /**
   * Fetches the access token, so that a wrong AppSecret (40125), an IP address that is not on the whitelist (40164) or a network
   * failure is known at the start of a service and not with its first visitor. With a good token, of this process or of `redis`, it
   * sends no request to WeChat. With a token function it calls that, unless its last token is still good; with token `'none'` it
   * does nothing.
   *
   * @example
   * ```ts
   * await wxa.ready({ timeoutMs: 5000 })
   * app.listen(3000)
   * ```
   * @throws as {@link getAccessToken} does
   */
  ready(call?: CallOptions): Promise<void>

  /** Returns the counters of this client. */
  stats(): Stats

  /**
   * Rejects new calls with `ERR_WXA_CLOSED` and resolves once pending calls have finished. A {@link batch} starts no more jobs: it
   * yields the results of those in flight, then throws `ERR_WXA_CLOSED`. It is not required for the process to exit.
   *
   * With `cache.directory` or `cache.store` it also waits until fetched codes are written there: without it a process that exits may
   * lose the last ones.
   *
   * With `timeoutMs` it also waits until the loops over batches have taken their results. What still runs after that time fails with
   * `ERR_WXA_CLOSED`. Without it a call may take its own `timeoutMs`, and a loop is not waited for, so that it may close the client
   * itself.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => wxa.close({ timeoutMs: 10_000 }))
   * ```
   * @throws {@link InvalidParamsError} for invalid options; then nothing is closed
   */
  close(options?: CloseOptions): Promise<void>

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Explains an errcode without a request.
 *
 * @param endpoint where WeChat returned it: `'getUnlimitedQRCode'`, `'getwxacodeunlimit'`, `'stable_token'`, ... Some errcodes
 *   mean something else at another endpoint. Without it the first meaning in the catalogue is returned
 * @returns the explanation, or `undefined` if the catalogue does not have the errcode, or not for that endpoint
 * @throws {@link InvalidParamsError} if `errcode` is not a number, or `endpoint` not a string
 */
declare function explain(errcode: number, endpoint?: string): ErrcodeExplanation | undefined

/**
 * Checks the parameters of a code without a request. Only WeChat knows whether a page exists.
 *
 * @returns the error that a call would reject with before it sends anything, or `undefined` if the parameters are valid
 * @throws {@link InvalidParamsError} if `kind` is none of the three
 */
declare function check(kind: 'unlimited', params: UnlimitedQRCodeParams): InvalidParamsError | undefined
declare function check(kind: 'limited', params: QRCodeParams): InvalidParamsError | undefined
declare function check(kind: 'qrcode', params: CreateQRCodeParams): InvalidParamsError | undefined

/**
 * Returns the type of a picture. It reads the first bytes, because WeChat labels transparent PNGs `image/jpeg`.
 *
 * @returns `undefined` if the bytes begin like neither a JPEG nor a PNG
 * @throws {@link InvalidParamsError} if `image` is neither a Buffer nor a Uint8Array
 */
declare function imageType(image: Uint8Array): 'image/jpeg' | 'image/png' | undefined

/**
 * Returns the extension of a file for a picture, without a dot, by its first bytes as {@link imageType} does.
 *
 * @returns `undefined` if the bytes begin like neither a JPEG nor a PNG
 * @throws {@link InvalidParamsError} if `image` is neither a Buffer nor a Uint8Array
 */
declare function imageExtension(image: Uint8Array): 'jpg' | 'png' | undefined

/**
 * Returns a name for the picture of a code: the same for parameters that give the same picture, in each process and each release,
 * whether a default is spelt out or not and whatever the order of properties. It begins with the version of its rule and suits file
 * names and object stores. The AppID is not part of it: put that in front where several mini-programs share a store.
 *
 * @param code parameters with their `kind`, `'unlimited'` if it is left out, as in a {@link BatchJob}; `meta` does not count
 * @returns `'v1-'` and 32 hexadecimal digits
 * @example
 * ```ts
 * const image = await wxa.getUnlimitedQRCode(params)
 * await bucket.put(`${wxa.appid}/${codeKey(params)}.${imageExtension(image)}`, image)
 * ```
 * @throws {@link InvalidParamsError} for parameters that a call would refuse
 */
declare function codeKey(code: CodeKeyParams): string

/**
 * The module is the class itself, which has everything else as properties: `const WxaCode = require('wxacode')`,
 * `import WxaCode from 'wxacode'` and `import { WxaCode } from 'wxacode'` are the same class.
 */
declare namespace WxaCode {
  export {
    AccessToken,
    AnyWxaCodeError,
    AttemptMessage,
    AuthorizationUrlOptions,
    AuthorizedEvent,
    Authorizer,
    BatchJob,
    BatchNote,
    BatchOptions,
    BatchResult,
    Bilingual,
    CacheEvent,
    CacheOptions,
    CacheStats,
    CallContext,
    CallOptions,
    CloseOptions,
    CloudBase,
    CodeImage,
    CodeKeyParams,
    CodeStore,
    CodeStoreContext,
    CodeWithoutClass,
    CompletedAuthorization,
    CreateQRCodeParams,
    check,
    codeKey,
    EnvVersion,
    ErrcodeExplanation,
    ErrcodeScope,
    ErrorFields,
    Expiry,
    Explanation,
    explain,
    ImportedAuthorizer,
    InvalidParamsError,
    InvalidPushError,
    imageExtension,
    imageType,
    JumpWxa,
    LifetimeQuota,
    LinkInfo,
    MerchantOptions,
    NFCSchemeParams,
    OtherPlatformEvent,
    OtherPlatformEventType,
    PlatformEvent,
    PlatformRequestOptions,
    PlatformStateEvent,
    PlatformStats,
    PlatformStore,
    ProvidedToken,
    Push,
    PushErrorReason,
    QRCodeParams,
    QuerySchemeParams,
    QueryUrlLinkParams,
    Quota,
    QuotaRateLimit,
    RedisEvent,
    RedisOptions,
    RequestEvent,
    RequestFields,
    RequestOptions,
    RGB,
    RidInfo,
    SchemeInfo,
    SchemeParams,
    ShortLinkParams,
    Stats,
    StoreErrorReason,
    Style,
    TicketEvent,
    TokenEvent,
    TokenFields,
    TokenProvider,
    UnauthorizedEvent,
    UnlimitedKind,
    UnlimitedQRCodeParams,
    UrlLinkInfo,
    UrlLinkParams,
    VisitQuota,
    WeChatAPIError,
    WeChatAPIErrorOptions,
    Widened,
    WidenedBatchJob,
    WithCode,
    WxaCode,
    WxaCode as default,
    WxaCodeError,
    WxaCodeErrorOptions,
    WxaCodeOptions,
    WxaErrorCode,
    WxaEvent,
    WxaPlatform,
    WxaPlatformOptions,
  }
}

export = WxaCode
