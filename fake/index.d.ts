/**
 * A fake WeChat for tests.
 *
 * @module wxacode-fake
 */

/** The name of an endpoint: the last part of its path, or the last two where one would not tell. */
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

/** Both token endpoints, all three code endpoints, the six around schemes and links, or the five for debugging. */
export type EndpointGroup = 'tokens' | 'codes' | 'links' | 'debug'

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
 * @throws when the port is taken (`error.code === 'EADDRINUSE'`)
 */
export function startFakeWeChat(options?: FakeOptions): Promise<FakeWeChat>

/** The published pages of an app unless its `pages` says otherwise. Frozen. */
export const DEFAULT_PAGES: readonly string[]

/** How a fake is set up. */
export interface FakeOptions {
  /** The port to listen on. Default 0: any free one. */
  port?: number
  /** Key and certificate in PEM; makes the fake speak HTTPS. Default: plain HTTP. */
  tls?: { key: string | Uint8Array; cert: string | Uint8Array }
  /**
   * The apps WeChat knows. Default: one, released, with an appid and an AppSecret that no other fake has. `pages`,
   * `released` and `nfcModels` are read at every request, so a test may change them.
   */
  apps?: App[]
  /**
   * The addresses that may call with an AppSecret (the token endpoints and clear_quota/v2): single ones, `a.b.c.*`, CIDR.
   * All others get 40164 (an empty list refuses everybody). Default: no check.
   */
  ipWhitelist?: string[]
  /** Life of a token in seconds. Default 7200. Below 600 the overlap of old and new is half the life instead of 300 s. */
  tokenLife?: number
  /** Milliseconds of real time between decision and answer, for all or by group. Default 0. */
  latency?: number | { token?: number; code?: number; link?: number; debug?: number }
  /** Quotas, each per app. */
  limits?: Limits
  /**
   * How many request records {@link FakeWeChat.requests} keeps, and how many refusals `rid/get` knows; counts stay exact.
   * Default 10 000.
   */
  keepRequests?: number
}

/** One mini-program account. */
export interface App {
  /**
   * `wx` and 16 hexadecimal digits. Default: a new one. A client may remember what it has learnt of an appid (its token, that
   * its minute is full), so give the same one twice only where a test is about that.
   */
  appid?: string
  /** The AppSecret, 32 hexadecimal digits. Default: a new one. */
  secret?: string
  /**
   * The published pages. Any other is 41030 in a code unless `check_path` is false, 40165 in a scheme or URL link, 40066 in a
   * short link. Default: {@link DEFAULT_PAGES}.
   */
  pages?: readonly string[]
  /**
   * False for an app that was never released: getwxacodeunlimit answers 41030 unless `check_path` is false, schemes and URL
   * links get 85079. Default true.
   */
  released?: boolean
  /**
   * The device models that generatenfcscheme knows, and their capability: one scheme for all devices of a model
   * (一型一码), one for each device (一机一码), or none yet. Default: any model, with `sn` or without.
   */
  nfcModels?: Readonly<Record<string, 'perModel' | 'perDevice' | 'notGranted'>>
}

/**
 * Calls allowed, per app. A window opens with its first call and lasts a whole second, minute, day or month (30 days) of
 * {@link FakeWeChat.clock}; calls over the limit do not count against it. `Infinity` lifts a limit.
 */
export interface Limits {
  /** Calls of getwxacodeunlimit per minute, then `unlimitedErrcode`. Default 5000. */
  unlimitedPerMinute?: number
  /** Which of its two codes WeChat answers over `unlimitedPerMinute`. Default 45009. */
  unlimitedErrcode?: 45009 | 45011
  /** Calls of getwxacode per day, then 45009. Default 10 000. */
  limitedPerDay?: number
  /** Distinct codes of getwxacode and createwxaqrcode together, for ever, then 45029. Default 100 000. */
  codesForLife?: number
  /** Calls of /cgi-bin/token per day, then 45009. Default 2000. */
  classicPerDay?: number
  /** Calls of /cgi-bin/stable_token per minute, then 45011. Default 10 000. */
  stablePerMinute?: number
  /** Calls of /cgi-bin/stable_token per day, then 45009. Default 500 000. */
  stablePerDay?: number
  /** Forced refreshes per day that really refresh, then 45009. Default 20. */
  forcedPerDay?: number
  /** Calls per second of each endpoint that makes schemes or URL links, then 44990. Default 100. */
  linksPerSecond?: number
  /** Calls of all endpoints that make schemes or URL links per day together, then `linksErrcode`. Default 500 000. */
  linksPerDay?: number
  /** Which of its two codes WeChat answers over `linksPerDay`. Default 44993. */
  linksErrcode?: 44993 | 45009
  /** Visits by schemes and URL links that are left each day, as the queries tell; a fake has no visitors. Default 3 000 000. */
  visitsPerDay?: number
  /** Calls of genwxashortlink per day, then 45009. Default 10 000 000. */
  shortLinksPerDay?: number
  /** Permanent short links, for ever, then 85400. Default 100 000. */
  permanentShortLinks?: number
  /** Calls of clear_quota and clear_quota/v2 together per month, then 48006. Default 10. */
  clearsPerMonth?: number
  /** Calls of quota/clear per month, then 48006. Default 50. */
  clearsOfOnePerMonth?: number
  /** Calls per day of each endpoint that has no daily limit above, then 45009. Default 10 000 000. */
  callsPerDay?: number
}

/**
 * The fake's time, which token lives, quotas, rids and records go by. It runs with real time until it is moved here; a faked
 * `Date` neither moves nor stops it.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Moves the clock by so many seconds; it runs on from there. */
  advance(seconds: number): void
  /** Sets the clock, to a date or to milliseconds since 1970; it runs on from there. */
  set(time: Date | number): void
}

/** A request as it arrived, with what became of it. */
export interface RecordedRequest {
  /** When its headers arrived, in milliseconds of the fake's clock. */
  at: number
  /** The endpoint; undefined for a path that WeChat does not have. */
  endpoint: EndpointName | undefined
  /** The HTTP method. */
  method: string
  /** The path without the query. */
  path: string
  /** The query, decoded. */
  query: Record<string, string>
  /** The headers, names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** The body as text; what had arrived of it when the client closed early. */
  body: string
  /** The HTTP status of the answer, once there is one. */
  status?: number
  /** The errcode of the answer, if it is an error. */
  errcode?: number
  /** The client closed before the answer was complete. */
  closed: boolean
  /**
   * What was thrown while the fake saw to this request, by the fake itself or by a `where`: the client got a 500 with its
   * message, and the process a warning with the code `WXACODE_FAKE_FAILED`.
   */
  error?: unknown
}

/**
 * How a request can fail.
 *
 * - a number: that errcode, with WeChat's own text and a rid
 * - `{ errcode, errmsg }`: exactly these; without `errmsg` as above
 * - `'hang'`: no answer, ever
 * - `'reset'`: the connection is reset (RST)
 * - `'close'`: the connection is closed (FIN) without a byte
 * - `'html'`: a proxy's HTML page under status 200
 * - `'empty'`: status 200 and no body
 * - `'truncate'`: the first half of a good answer, as if that were all (a matching Content-Length)
 * - `'cut'`: announces the full length, closes after half of it
 * - `'drip'`: a good-looking answer, one byte per 100 ms
 * - `'huge'`: a body of more than 9 MiB
 * - `'redirect'`: 307 to another path of the same fake; a client that follows is recorded with `endpoint` undefined
 * - `{ status, headers, body }`: exactly these; Content-Length is added unless the headers frame the body
 */
export type Failure =
  | number
  | { errcode: number | string; errmsg?: string }
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
  | { status: number; headers?: Record<string, string>; body?: string | Uint8Array }

/** Which requests fail, and how often. */
export interface FailOptions {
  /**
   * Only requests to these. Default: for an errcode every endpoint that WeChat answers it at; what both a call and the request
   * for its token may be answered is for the call. For any other failure: every endpoint.
   */
  endpoint?: EndpointScope
  /** How many requests; `Infinity` until `stop()`. Default 1. */
  times?: number
  /** The Content-Type of an errcode failure. Default `application/json; encoding=utf-8`. */
  contentType?: string
  /** Of these, only requests for which this returns true. */
  where?: (request: RecordedRequest) => boolean
}

/** A failure that was ordered. */
export interface FailureHandle {
  /** How many requests it has spoilt. */
  readonly used: number
  /** Takes back what is not used up. */
  stop(): void
}

/** A closed door. */
export interface Hold {
  /** How many requests stand before it now; those whose client left are not counted. */
  readonly waiting: number
  /** Opens it for good: who waits is answered in the order of arrival, later requests pass. */
  release(): void
}

/** A running fake. */
export interface FakeWeChat {
  /** Where it listens: `http://127.0.0.1:<port>`, `https` with `tls`. No slash at the end. */
  readonly url: string
  /** The appid of the first app. */
  readonly appid: string
  /** The AppSecret of the first app. */
  readonly secret: string
  /** What each app is called, in the order of `apps`: also where the fake made it up. */
  readonly apps: readonly { readonly appid: string; readonly secret: string }[]
  /** The fake's time. */
  readonly clock: Clock
  /** The latest requests, oldest first; always the same array. See `keepRequests`. */
  readonly requests: RecordedRequest[]
  /** How many requests have arrived, exactly; without an argument those to unknown paths too. */
  count(endpoint?: EndpointScope): number
  /** Resolves when at least `n` have arrived in all, with their bodies. Rejects if the fake is closed first. */
  arrived(n: number, endpoint?: EndpointScope): Promise<void>
  /**
   * Lets the next request that it fits fail. Several failures queue; a request takes the first that fits it. No token is made
   * or replaced.
   * @throws TypeError for a failure or an endpoint that there is not
   */
  fail(what: Failure, options?: FailOptions): FailureHandle
  /** Keeps requests waiting, undecided, until the hold is released. Default: those to every endpoint. */
  hold(endpoint?: EndpointScope): Hold
  /**
   * All live tokens die at once (40001), as if another system had force-refreshed them; the next ordinary call gives a new
   * one. Default: those of every app.
   */
  revokeTokens(appid?: string): void
  /** The tokens that WeChat accepts now, stable ones first, newest first. Default: those of every app. */
  liveTokens(appid?: string): string[]
  /** How many requests have no complete answer yet. */
  readonly open: number
  /** Resolves when `open` is 0. */
  idle(): Promise<void>
  /** Stops the server and destroys open connections. */
  close(): Promise<void>
  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
