// Parameters and responses of `request`, of links and of the methods for debugging.

import type { EnvVersion } from './codes'
import type { CallOptions } from './options'

/** Options of {@link WxaCode.request}. */
export interface RequestOptions extends CallOptions {
  /**
   * HTTP method. A `GET` cannot have a `body`.
   *
   * @defaultValue `'POST'` with a `body`, else `'GET'`
   */
  method?: 'GET' | 'POST'
  /**
   * Query parameters, at most 7000 bytes when encoded. Strings, finite numbers and booleans. The client adds the token itself:
   * `access_token` is refused.
   */
  query?: Record<string, string | number | boolean>
  /**
   * Body, which the client sends as JSON. Use WeChat's names. It is an object or array of what JSON can represent, or of
   * values with a `toJSON`, such as a `Date`. The client refuses what JSON would change into `{}` or `null`: bytes, a `Map`,
   * `FormData`, a Promise, `NaN`, a function and the like.
   *
   * @defaultValue `{}` with `method: 'POST'`
   */
  body?: object
  /**
   * Maximum number of retries, a whole number from 0 to 10, see {@link WxaCodeOptions.retries}. Use 0 for an API that must not
   * run twice: after a connection breaks, the client cannot know whether WeChat has processed the request.
   *
   * @defaultValue the client's `retries`
   */
  retries?: number
}

/** A rate limit: at most `callCount` calls in `refreshSecond` seconds. */
export interface QuotaRateLimit {
  /** Number of calls in each period. */
  callCount: number
  /** Length of the period in seconds. */
  refreshSecond: number
}

/** Daily quota and rate limit of an API, as WeChat reports them. */
export interface Quota {
  /** Calls that the account may make in a day. */
  dailyLimit: number
  /** Calls made today. */
  used: number
  /** Calls left today. */
  remain: number
  /** Rate limit of the account; absent if WeChat reports none. */
  rateLimit?: QuotaRateLimit
  /** Rate limit of the third-party platform that calls for the account; absent if WeChat reports none. */
  componentRateLimit?: QuotaRateLimit
}

/**
 * What WeChat recorded about a refused request. Each text is cut after 16,384 characters. `***` replaces the AppSecret, the
 * account's last three tokens, and every value whose name is that of a secret (`access_token`, `session_key`, ...).
 */
export interface RidInfo {
  /** When WeChat received the request. */
  invokeTime: Date
  /** How long WeChat took, in milliseconds. */
  costInMs: number
  /** URL of the request; `''` if WeChat returns none. */
  requestUrl: string
  /** Body of the request; `''` if it had none. */
  requestBody: string
  /** Body of WeChat's response; `''` if WeChat returns none. */
  responseBody: string
  /** IP address that the request came from. This is the address for the IP whitelist. */
  clientIp: string
}

/** Page that a scheme or URL link opens. */
export interface JumpWxa {
  // <params JumpWxa>
  /** Published page, without a query. If it is left out, WeChat opens the main page. */
  path?: string
  /**
   * Query that the page receives: at most 1024 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~ %`.
   */
  query?: string
  /**
   * Version of the mini-program that opens: `release` (the published one), `trial` (体验版, for testers) or `develop`
   * (开发版, for developers). It only applies outside WeChat.
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/**
 * When a scheme or URL link expires: at a time, or after a number of days, at most 30 days from now. Without either it expires
 * after 30 days. WeChat no longer makes permanent ones.
 */
export interface Expiry {
  // <params Expiry>
  /** Time at which the link expires, from 1 minute to 30 days from now. It excludes `expireInterval`. */
  expireTime?: Date
  /**
   * Days until the link expires, a whole number from 1 to 30. It excludes `expireTime`. Default: 30, if `expireTime`
   * is left out too.
   */
  expireInterval?: number
  // </params>
}

/** Static page on WeChat cloud hosting (云开发静态网站). */
export interface CloudBase {
  // <params CloudBase>
  /** Id of the cloud environment, not empty. */
  env: string
  /** Custom domain of the static site. If it is left out, the default domain of the environment is used. */
  domain?: string
  /** Path of the page on that site, without a query. */
  path?: string
  /** Query of that page: at most 1024 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~ %`. */
  query?: string
  /** AppID of the mini-program that owns the environment, if it is another one. */
  resourceAppid?: string
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateScheme}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html}
 */
export interface SchemeParams extends Expiry {
  // <params generateScheme>
  /** Page that the scheme opens. If it is left out, WeChat opens the main page. */
  jumpWxa?: JumpWxa
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateUrlLink}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html}
 */
export interface UrlLinkParams extends JumpWxa, Expiry {
  // <params generateUrlLink>
  /** Page on WeChat cloud hosting that the link passes through, instead of WeChat's own page. */
  cloudBase?: CloudBase
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateShortLink}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html}
 */
export interface ShortLinkParams {
  // <params generateShortLink>
  /** Published page, optionally with a query: 1 to 1024 characters, without a leading slash. */
  pageUrl: string
  /** Title of the link. WeChat cuts it after 20 characters. */
  pageTitle?: string
  /**
   * Whether the link never expires. An account can create 100,000 such links in total; others expire after 30 days.
   *
   * @defaultValue false, by WeChat
   */
  isPermanent?: boolean
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateNFCScheme}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html}
 */
export interface NFCSchemeParams {
  // <params generateNFCScheme>
  /** Page that the tag opens. If it is left out, WeChat opens the main page. */
  jumpWxa?: JumpWxa
  /** Model of the device (`model_id`), not empty. */
  modelId: string
  /** Serial number of the device. Required if each device has its own scheme (一机一码). */
  sn?: string
  // </params>
}

/**
 * Parameters of {@link WxaCode.queryScheme}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html}
 */
export interface QuerySchemeParams {
  // <params queryScheme>
  /** Scheme to look up. Required if `queryType` is 0. */
  scheme?: string
  /**
   * 0 looks the scheme up, 1 returns how many visits are left today.
   *
   * @defaultValue 0
   */
  queryType?: 0 | 1
  // </params>
}

/**
 * Parameters of {@link WxaCode.queryUrlLink}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_queryurllink.html}
 */
export interface QueryUrlLinkParams {
  // <params queryUrlLink>
  /** URL link to look up. Required if `queryType` is 0. */
  urlLink?: string
  /**
   * 0 looks the link up, 1 returns how many visits are left today.
   *
   * @defaultValue 0
   */
  queryType?: 0 | 1
  // </params>
}

/** A scheme or URL link, as WeChat describes it. */
export interface LinkInfo {
  /** AppID of the mini-program that it opens. */
  appid: string
  /** Page that it opens. */
  path: string
  /** Query that the page receives. */
  query: string
  /** When it was created. */
  createTime: Date
  /** When it expires; absent if it never does. */
  expireTime?: Date
  /** Version of the mini-program that it opens. */
  envVersion: EnvVersion
}

/** Remaining visits of an account by schemes and URL links. */
export interface VisitQuota {
  /** Visits left today. */
  remainVisitQuota: number
}

/** Result of {@link WxaCode.queryScheme}. */
export interface SchemeInfo {
  /** The scheme; present with `queryType` 0. */
  schemeInfo?: LinkInfo
  /** The remaining visits; present with `queryType` 1. */
  quotaInfo?: VisitQuota
}

/** Result of {@link WxaCode.queryUrlLink}. */
export interface UrlLinkInfo {
  /** The URL link; present with `queryType` 0. */
  urlLinkInfo?: LinkInfo
  /** The remaining visits; present with `queryType` 1. */
  quotaInfo?: VisitQuota
}
