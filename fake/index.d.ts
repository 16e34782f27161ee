/**
 * A fake WeChat for tests.
 *
 * @module wxacode-fake
 */

import type { FakePlatforms, Platform } from './types/platform.js'

export * from './types/platform.js'

/** Shape of a mini-program code that the fake draws. */
export type CodeShape = 'square' | 'round'

/** Name of an endpoint: the last segment of its path, or the last two or three if it is not unique. */
export type EndpointName =
  | 'token'
  | 'stable_token'
  | 'getwxacode'
  | 'getwxacodeunlimit'
  | 'createwxaqrcode'
  | 'generatescheme'
  | 'generate_urllink'
  | 'genwxashortlink'
  | 'generatenfcscheme'
  | 'queryscheme'
  | 'query_urllink'
  | 'quota/get'
  | 'clear_quota'
  | 'clear_quota/v2'
  | 'quota/clear'
  | 'rid/get'
  | 'api_start_push_ticket'
  | 'api_component_token'
  | 'api_create_preauthcode'
  | 'api_query_auth'
  | 'api_authorizer_token'
  | 'api_get_authorizer_list'
  | 'api_get_authorizer_info'
  | 'component/clear_quota/v2'

/**
 * The two token endpoints, the three code endpoints, the six for schemes and links, the five for debugging, or the eight of
 * third-party platforms.
 */
export type EndpointGroup = 'tokens' | 'codes' | 'links' | 'debug' | 'platform'

/** One endpoint, or a group of them. */
export type EndpointScope = EndpointName | EndpointGroup

/**
 * Starts a fake WeChat on 127.0.0.1.
 *
 * @example
 * ```js
 * const fake = await startFakeWeChat()
 * const answer = await fetch(`${fake.url}/cgi-bin/token?grant_type=client_credential&appid=${fake.appid}&secret=${fake.secret}`)
 * await fake.close()
 * ```
 * @throws an error with `code` `'EADDRINUSE'` if the port is in use, a TypeError if `apps` is empty
 *   or `shape` is unknown
 */
export function startFakeWeChat(options?: FakeOptions): Promise<FakeWeChat>

/** Default of {@link App.pages}. Frozen. */
export const DEFAULT_PAGES: readonly string[]

/** Options of {@link startFakeWeChat}. */
export interface FakeOptions {
  /**
   * Port to listen on.
   *
   * @defaultValue 0, any free port
   */
  port?: number
  /**
   * Key and certificate for HTTPS.
   *
   * @defaultValue none: plain HTTP
   */
  tls?: {
    /** Private key in PEM. */
    key: string | Uint8Array
    /** Certificate in PEM. */
    cert: string | Uint8Array
  }
  /**
   * Apps that the fake knows. It reads their `pages`, `released` and `nfcModels` at every request, so that a test can change
   * them.
   *
   * @defaultValue one released app, whose appid and AppSecret no other fake has
   */
  apps?: App[]
  /**
   * Third-party platforms (第三方平台) that the fake knows. It reads all but their `appid` whenever it is needed, so that a test
   * can change them.
   *
   * @defaultValue none
   */
  platforms?: Platform[]
  /**
   * IP addresses that may use an AppSecret (the token endpoints and clear_quota/v2): single addresses, `a.b.c.*`, CIDR. The
   * fake responds to all others with 40164. An empty list allows no address.
   *
   * @defaultValue none: no check
   */
  ipWhitelist?: string[]
  /**
   * Lifetime of a token in seconds. After a refresh the old token stays valid for 300 s, or for half the lifetime if that is
   * below 600 s.
   *
   * @defaultValue 7200
   */
  tokenLife?: number
  /**
   * Delay of each response in milliseconds of real time, for all endpoints or by group. The fake decides before the delay.
   *
   * @defaultValue 0
   */
  latency?:
    | number
    | {
        /** Delay of the group `'tokens'`, in milliseconds. */
        token?: number
        /** Delay of the group `'codes'`, in milliseconds. */
        code?: number
        /** Delay of the group `'links'`, in milliseconds. */
        link?: number
        /** Delay of the group `'debug'`, in milliseconds. */
        debug?: number
        /** Delay of the group `'platform'`, in milliseconds. */
        platform?: number
      }
  /**
   * Shape of the codes of getwxacode and getwxacodeunlimit: a QR code, which scans, or a round code that looks like WeChat's, with
   * rays, three finders, a badge and a logo. No scanner reads the round one; its text is the comment of the picture (a COM
   * segment of a JPEG, an iTXt chunk of a PNG, in UTF-8). Codes of createwxaqrcode are always square, as WeChat's are.
   *
   * @defaultValue 'square'
   */
  shape?: CodeShape
  /** Quotas and rate limits, each per app or platform. */
  limits?: Limits
  /**
   * Maximum number of records in {@link FakeWeChat.requests} and {@link FakeWeChat.pushes}, and of refusals that `rid/get`
   * knows. It does not affect {@link FakeWeChat.count}.
   *
   * @defaultValue 10000
   */
  keepRequests?: number
}

/** One mini-program account. */
export interface App {
  /**
   * AppID: `wx` and 16 hexadecimal digits. A client may keep state by appid (its token, its rate limit), so use the same one
   * twice only in a test about that.
   *
   * @defaultValue a new one
   */
  appid?: string
  /**
   * AppSecret: 32 hexadecimal digits.
   *
   * @defaultValue a new one
   */
  secret?: string
  /**
   * Published pages. The fake refuses any other page: with 41030 in a code unless `check_path` is false, 40165 in a scheme or
   * URL link, 40066 in a short link.
   *
   * @defaultValue {@link DEFAULT_PAGES}
   */
  pages?: readonly string[]
  /**
   * Whether the app has a published version. Without one the fake refuses getwxacodeunlimit with 41030 unless `check_path` is
   * false, and schemes and URL links with 85079.
   *
   * @defaultValue true
   */
  released?: boolean
  /**
   * Device models that generatenfcscheme knows, with their capability: one scheme for all devices of a model (一型一码), one for
   * each device (一机一码), or not granted yet.
   *
   * @defaultValue any model, with or without `sn`
   */
  nfcModels?: Readonly<Record<string, 'perModel' | 'perDevice' | 'notGranted'>>
}

/**
 * Maximum numbers of calls, per app or platform. A window starts with its first call and lasts a second, minute, day or month (30 days) by
 * {@link FakeWeChat.clock}. Refused calls do not count. `Infinity` means no limit.
 */
export interface Limits {
  /** Calls of getwxacodeunlimit per minute, then `unlimitedErrcode`. Default 5000. */
  unlimitedPerMinute?: number
  /** Errcode for calls over `unlimitedPerMinute`; WeChat has two. Default 45009. */
  unlimitedErrcode?: 45009 | 45011
  /** Calls of getwxacode per day, then 45009. Default 10 000. */
  limitedPerDay?: number
  /** Distinct codes of getwxacode and createwxaqrcode together in total, then 45029. Default 100 000. */
  codesForLife?: number
  /** Calls of /cgi-bin/token per day, then 45009. Default 2000. */
  classicPerDay?: number
  /** Calls of /cgi-bin/stable_token per minute, then 45011. Default 10 000. */
  stablePerMinute?: number
  /** Calls of /cgi-bin/stable_token per day, then 45009. Default 500 000. */
  stablePerDay?: number
  /** Forced refreshes per day that replace the token, then 45009. Default 20. */
  forcedPerDay?: number
  /** Calls per second of each endpoint that makes schemes or URL links, then 44990. Default 100. */
  linksPerSecond?: number
  /** Calls of all endpoints that make schemes or URL links per day together, then `linksErrcode`. Default 500 000. */
  linksPerDay?: number
  /** Errcode for calls over `linksPerDay`; WeChat has two. Default 44993. */
  linksErrcode?: 44993 | 45009
  /** Visits left each day, as queryscheme and query_urllink return them; a fake has no visitors. Default 3 000 000. */
  visitsPerDay?: number
  /** Calls of genwxashortlink per day, then 45009. Default 10 000 000. */
  shortLinksPerDay?: number
  /** Permanent short links in total, then 85400. Default 100 000. */
  permanentShortLinks?: number
  /** Calls of api_component_token per day, then 45009. Default 2000. */
  componentTokensPerDay?: number
  /** Calls of clear_quota and clear_quota/v2 together, or of component/clear_quota/v2, per month, then 48006. Default 10. */
  clearsPerMonth?: number
  /** Calls of quota/clear per month, then 48006. Default 50. */
  clearsOfOnePerMonth?: number
  /** Calls per day of each endpoint that has no daily limit above, then 45009. Default 10 000 000. */
  callsPerDay?: number
}

/**
 * The fake's time. Tokens, quotas, rids and records use it. It runs with real time until it is moved here. A mocked `Date` does
 * not affect it.
 */
export interface Clock {
  /** Returns the time in milliseconds since 1970. */
  now(): number
  /** Moves the clock forward by this number of seconds. It continues from there. */
  advance(seconds: number): void
  /** Sets the clock to a date or to milliseconds since 1970. It continues from there. */
  set(time: Date | number): void
}

/** A request and the outcome. */
export interface RecordedRequest {
  /** When its headers arrived, in milliseconds since 1970 by the fake's clock. */
  at: number
  /** Name of the endpoint; undefined for a path that WeChat does not have. */
  endpoint: EndpointName | undefined
  /** HTTP method. */
  method: string
  /** Path without the query. */
  path: string
  /** Query, decoded. */
  query: Record<string, string>
  /** Headers, with names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** Body as text. It is incomplete if the client disconnected early. */
  body: string
  /** HTTP status of the response; absent until there is one. */
  status?: number
  /** Errcode of the response; absent if it is no error. */
  errcode?: number
  /** Whether the client disconnected before the response was complete. */
  closed: boolean
  /**
   * What the fake or a `where` threw during this request. The fake then responds with a 500 that has its message, and emits a
   * process warning with the code `WXACODE_FAKE_FAILED`.
   */
  error?: unknown
}

/**
 * How a request can fail.
 *
 * - a number: that errcode, with WeChat's text and a rid
 * - `{ errcode, errmsg }`: exactly these; without `errmsg` as above
 * - `'hang'`: no response
 * - `'reset'`: the connection is reset (RST)
 * - `'close'`: the connection is closed (FIN) without a byte
 * - `'html'`: a proxy's HTML page under status 200
 * - `'empty'`: status 200 and no body
 * - `'truncate'`: the first half of a valid response, with a Content-Length that matches it
 * - `'cut'`: the first half of a valid response, with the Content-Length of all of it, then the connection is closed
 * - `'drip'`: a valid response, one byte per 100 ms
 * - `'huge'`: a body of more than 9 MiB
 * - `'redirect'`: 307 to another path of the same fake; if the client follows, that request has `endpoint` undefined
 * - `{ status, headers, body }`: exactly these; Content-Length is added unless the headers frame the body
 */
export type Failure =
  | number
  | {
      /** The errcode; a string is sent as a string. */
      errcode: number | string
      /** The message; WeChat's text and a rid if it is left out. */
      errmsg?: string
    }
  | 'hang'
  | 'reset'
  | 'close'
  | 'html'
  | 'empty'
  | 'truncate'
  | 'cut'
  | 'drip'
  | 'huge'
  | 'redirect'
  | {
      /** HTTP status. */
      status: number
      /** Headers of the response. */
      headers?: Record<string, string>
      /** Body of the response; empty if it is left out. */
      body?: string | Uint8Array
    }

/** Options of {@link FakeWeChat.fail}. */
export interface FailOptions {
  /**
   * Endpoint or group whose requests fail.
   *
   * @defaultValue for an errcode the endpoints where WeChat returns it (an errcode of calls and of token endpoints fails the
   *   call), for any other failure all endpoints
   */
  endpoint?: EndpointScope
  /**
   * How many requests fail. `Infinity` means all until `stop()`.
   *
   * @defaultValue 1
   */
  times?: number
  /**
   * Content-Type of the response with an errcode.
   *
   * @defaultValue `'application/json; encoding=utf-8'`
   */
  contentType?: string
  /** Limits the failure to requests for which this function returns true. */
  where?: (request: RecordedRequest) => boolean
}

/** A failure that {@link FakeWeChat.fail} has set up. */
export interface FailureHandle {
  /** How many requests it has failed so far. */
  readonly used: number
  /** Cancels it for further requests. */
  stop(): void
}

/** A hold on requests that {@link FakeWeChat.hold} has set up. */
export interface Hold {
  /** How many requests it holds now, without those whose client has disconnected. */
  readonly waiting: number
  /** Ends the hold. The fake responds to the held requests in the order of arrival, and no longer holds new ones. */
  release(): void
}

/** A running fake WeChat. */
export interface FakeWeChat extends FakePlatforms {
  /** Base URL: `http://127.0.0.1:<port>`, or `https` with `tls`, without a trailing slash. */
  readonly url: string
  /** AppID of the first app. */
  readonly appid: string
  /** AppSecret of the first app. */
  readonly secret: string
  /** Credentials of all apps, in the order of the option `apps`, including those that the fake generated. */
  readonly apps: readonly {
    /** AppID. */
    readonly appid: string
    /** AppSecret. */
    readonly secret: string
  }[]
  /** The fake's time. */
  readonly clock: Clock
  /** The latest requests, oldest first, at most `keepRequests`. Always the same array. */
  readonly requests: RecordedRequest[]
  /** Returns how many requests have arrived. Without an argument it includes those to unknown paths. */
  count(endpoint?: EndpointScope): number
  /** Resolves when at least `n` requests have arrived in total, with their bodies. Rejects if the fake is closed first. */
  arrived(n: number, endpoint?: EndpointScope): Promise<void>
  /**
   * Makes the next matching request fail. Failures queue: a request gets the first one that matches it. The fake then issues and
   * replaces no token.
   *
   * @throws TypeError for an unknown failure or endpoint
   */
  fail(what: Failure, options?: FailOptions): FailureHandle
  /** Holds requests until the hold is released, and decides then. Without an argument it holds those to all endpoints. */
  hold(endpoint?: EndpointScope): Hold
  /**
   * Makes all valid access tokens invalid (40001), as if another system had forced a refresh. The next token request gets a new
   * one. With the appid of a merchant it affects the merchant's tokens of all platforms too, with that of a platform the
   * platform's own. Without an argument it affects all.
   */
  revokeTokens(appid?: string): void
  /**
   * Returns the access tokens that the fake accepts now: stable ones, classic ones, those of merchants and those of platforms,
   * newest first. Without an argument it returns all.
   */
  liveTokens(appid?: string): string[]
  /** How many requests have no complete response yet. */
  readonly open: number
  /** Resolves when `open` is 0. */
  idle(): Promise<void>
  /** Stops the server and closes open connections. */
  close(): Promise<void>
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
