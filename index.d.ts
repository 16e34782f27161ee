/**
 * WeChat mini-program codes (微信小程序码) as Buffers: one access token for the whole process, right images or errors
 * that explain themselves.
 *
 * @module wxacode
 */

/** Which version of the mini-program a code opens. */
type EnvVersion = 'release' | 'trial' | 'develop'

/** Your own way to a token, for a backend whose tokens a central service hands out. */
type TokenProvider = (request: {
  /** Whose token. */
  appid: string
  /** The token that WeChat has just refused, where that is the reason for this request. Do not return it again. */
  rejected?: { accessToken: string; errcode: number }
}) => ProvidedToken | Promise<ProvidedToken>

/**
 * A token of 1 to 4096 visible ASCII characters. A bare one is kept for 60 s; with `expiresIn` (seconds) it is kept for its
 * life, at most 2 h. WeChat's own answer may be handed
 * through: with an `errcode` instead of a token the call rejects with an {@link InvalidParamsError} that explains it.
 */
type ProvidedToken = string | { accessToken: string; expiresIn: number } | { access_token: string; expires_in: number }

/**
 * Options, like all parameters, are an object's own properties and the getters of its class; what stands on
 * `Object.prototype` does not count. Each is read once. `''`, which docker-compose makes of a variable that is not set, is as
 * good as absent, but for `redis.keyPrefix`.
 */
interface WxaCodeOptions {
  /**
   * The mini-program's AppID: `wx` and 16 letters or digits. Required; `undefined` is in its type so that
   * `process.env.WXACODE_APPID` can be given as it is, and is refused when the client is made.
   */
  appid: string | undefined
  /**
   * The AppSecret, at most 256 bytes without white space. Required for token `'stable'` and `'classic'`. It appears in no error
   * and no event, also where a server repeats it (what is looked for is in SECURITY.md).
   */
  secret?: string | undefined
  /**
   * Where the access token comes from.
   * - `'stable'` (default): `POST /cgi-bin/stable_token`. Asking twice gives the same token, so several processes do not disturb each other.
   *   {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html}
   * - `'classic'`: `GET /cgi-bin/token`. Every request replaces the token, whoever asks; the old one lives 5 minutes more.
   *   {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html}
   * - `'none'`: no token at all, inside WeChat cloud run (微信云托管), where a proxy adds it.
   * - a function: your own token service. A client with one has a token cache of its own.
   */
  token?: 'stable' | 'classic' | 'none' | TokenProvider
  /**
   * A Redis through which processes and machines share one token and one rate limit. Its URL is short for
   * {@link RedisOptions}. With token `'stable'` a Redis that is down costs a call 250 ms at most (`timeoutMs`), once, and with
   * `cache.redis` once more; with `'classic'` the last token is used to its end and then calls fail with `ERR_WXA_REDIS`.
   *
   * @defaultValue none: the token is shared in this process
   */
  redis?: string | RedisOptions | undefined
  /**
   * WeChat's host, or several in order of preference. When one cannot be reached the next is used, and the preferred
   * one is tried again after 30 s. Plain `http` is for this machine, or `token: 'none'`, only. A gateway may have a prefix,
   * `https://gateway.example/weixin`, which the paths of APIs are added to; a path of an API itself is refused. An empty one
   * is as if it were not there.
   *
   * @defaultValue `'https://api.weixin.qq.com'`
   */
  baseUrl?: string | string[] | undefined
  /** With token `'none'`: the account that a shared cloud-run environment acts for. */
  fromAppid?: string
  /**
   * Milliseconds for one call, everything included: token, retries, replay. More than 0, at most a day.
   *
   * @defaultValue 10000
   */
  timeoutMs?: number
  /**
   * How often a code request is tried again after -1 (WeChat is busy), a connection that failed, 408, 425 or a 5xx that may
   * pass (not 501, 505 and the like). 0 to 10. A request for a `stable_token` on its way is tried again up to four times all
   * the same, one of `token: 'classic'` never.
   * A refusal is never repeated. Pauses are 0.5 s, 1 s, 2 s, ... times a random number.
   *
   * @defaultValue 2
   */
  retries?: number
  /**
   * How many requests of `getUnlimitedQRCode` leave in any 60 s. They are counted by appid (`fromAppid` where that is given) and
   * `baseUrl` in this process, or with `redis` by account in all that share it (while that is down each process counts for
   * itself). A request that does not leave costs nothing, a retry counts like any other. A client with a token function or
   * token `'none'` counts for itself alone until WeChat has accepted a request of it.
   *
   * WeChat allows 5000 a minute to all your processes together. A call waits for its turn inside its own time, else it fails
   * with `ERR_WXA_RATE_LIMIT`. If WeChat itself says that the minute is full (45009, 45011), calls wait for the next one in the same
   * way. `Infinity` turns the counting off.
   *
   * @defaultValue 5000
   */
  ratePerMinute?: number
  /**
   * Keeps codes, which never expire: the same question is asked once. `true` is `{}`. Questions are the same if they differ
   * only in a default that is spelt out (`width: 430`). Calls that ask the same at the same time share one request.
   * An error is never kept, and every call gets a Buffer of its own.
   *
   * @defaultValue false
   */
  cache?: boolean | CacheOptions
  /**
   * A proxy for all requests, `http://[user:password@]host:port` (`https:` if the proxy itself speaks TLS), login by Basic,
   * its special characters percent-encoded. Or `'env'`: `HTTPS_PROXY` for `https:` hosts but those of `NO_PROXY`, as they are
   * when the client is made. An empty one is none. A proxy on another machine is refused where `baseUrl` is plain `http:` on
   * this one and there is a secret or a token to lose.
   *
   * @defaultValue none: the environment is not asked
   */
  proxy?: string | undefined
  /**
   * Extra root certificates, PEM, or a server's own certificate that has signed itself (`openssl req -x509`): that one is
   * accepted from its hosts while it is valid. `NODE_EXTRA_CA_CERTS` is honoured too: the file that it names when the first
   * client is made, read for the first request over TLS.
   */
  ca?: string | Uint8Array
}

/** The Redis of a fleet. Whatever lies there shows neither secrets nor tokens: they are encrypted with a key made of AppSecret. */
interface RedisOptions {
  /**
   * - `redis://[user:password@]host:6379/0`, `rediss://` for TLS. Any node of a cluster will do.
   * - `unix:///path/to/redis.sock`
   * - `redis-sentinel://[user:password@]host:26379,host:26379/0#master`, `rediss-sentinel://` for TLS; the login is the
   *   master's.
   */
  url: string
  /**
   * PEM roots for `rediss:`, instead of the system's. A certificate that has signed itself is one too if it was made with
   * `basicConstraints` `CA:FALSE`.
   */
  ca?: string | Uint8Array
  /**
   * The most that a call waits for it, in milliseconds, connecting and waiting for its turn included. After that Redis counts
   * as down, which it does for nobody's next call: a look every 0.1 to 2 s in the background finds out when it is back. Once
   * in an outage the process is warned (`process.emitWarning`, code `WXA_REDIS`), with its next call.
   *
   * @defaultValue 250
   */
  timeoutMs?: number
  /**
   * What every key begins with. The rest is `{appid:mode:hash}:name`.
   *
   * @defaultValue `'wxacode:'`
   */
  keyPrefix?: string
  /**
   * With token `'classic'`, while Redis is down: each process may fetch for itself. Every fetch then replaces the token of
   * all the others.
   *
   * @defaultValue false
   */
  allowUnsharedRotation?: boolean
}

/**
 * How codes are kept. Clients of the same account that are given the same options share what they keep, across worker
 * threads too; a client with a token function or token `'none'` keeps its own.
 */
interface CacheOptions {
  /**
   * The most that is kept in this process, in bytes; what was used least recently goes first. A code of 430 pixels has
   * some 85 KB.
   *
   * @defaultValue 67108864 (64 MiB)
   */
  maxBytes?: number
  /**
   * For how long, in milliseconds.
   *
   * @defaultValue Infinity
   */
  ttlMs?: number
  /**
   * Keeps them in the `redis` of the client too, so that a fleet asks once: encrypted like the token, for `ttlMs`, at most
   * 30 days. While one process asks for a code the others wait for it, each for a fifth of its call's time at most; then, or
   * when that process fails, they ask for themselves. A refusal that is about the code (such as 41030) goes to those who
   * wait and is not kept. While Redis is down each process asks for itself.
   *
   * @defaultValue false
   */
  redis?: boolean
  /**
   * A larger picture is not put into Redis, in bytes.
   *
   * @defaultValue 524288 (512 KiB)
   */
  maxEntryBytes?: number
}

interface CallOptions {
  /**
   * Ends this call and its request; the call rejects with `signal.reason`, or an `AbortError` where it has none (polyfills).
   * A token refresh that others wait for goes on.
   */
  signal?: AbortSignal
  /** Milliseconds for this call, instead of the client's. */
  timeoutMs?: number
}

/**
 * The bytes of a picture. A Buffer of its own memory, which TypeScript 5.7 and later tell apart from shared memory: it is a
 * `BodyInit`, a `BlobPart` and a `BufferSource`.
 */
type CodeImage = ReturnType<typeof Buffer.alloc>

/** How a code looks. */
interface Style {
  // <params Style>
  /**
   * Pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  /**
   * WeChat picks the colour of the lines. It may still be black, where WeChat thinks the theme colour unfit.
   *
   * @defaultValue false, by WeChat
   */
  autoColor?: boolean
  /**
   * The colour of the lines, each part a whole number from 0 to 255, or as designers write it: `'#ff0000'`, `'#f00'`,
   * with or without `#`. WeChat silently draws light colours in black.
   *
   * @defaultValue `{ r: 0, g: 0, b: 0 }`, by WeChat
   */
  lineColor?: { r: number; g: number; b: number } | string
  /**
   * A transparent background. The picture is then a PNG.
   *
   * @defaultValue false, by WeChat
   */
  isHyaline?: boolean
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html} */
interface QRCodeParams extends Style {
  // <params getQRCode>
  /**
   * Page and query, like `pages/index/index?id=42`: 1 to 1024 characters (WeChat may count bytes), without
   * `scancode_time`.
   */
  path: string
  /**
   * Which version of the mini-program the code opens.
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html} */
interface UnlimitedQRCodeParams extends Style {
  // <params getUnlimitedQRCode>
  /**
   * 1 to 32 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~`. The page gets it as
   * `decodeURIComponent(query.scene)`.
   */
  scene: string
  /**
   * A page like `pages/index/index`, without a leading slash and without a query; at most 1024 characters. WeChat
   * opens the main page without it.
   */
  page?: string
  /**
   * Whether WeChat checks that the released version has the page. Send `false` for an unpublished page, trial or
   * develop.
   *
   * @defaultValue true, by WeChat
   */
  checkPath?: boolean
  /**
   * Whether WeChat shows a cover ad when the code is opened.
   * {@link https://developers.weixin.qq.com/miniprogram/analysis/wedata/tool/coverad.html}
   *
   * @defaultValue true, by WeChat
   */
  showSplashAd?: boolean
  /**
   * Which version of the mini-program the code opens.
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html} */
interface CreateQRCodeParams {
  // <params createQRCode>
  /** Page and query: 1 to 128 bytes of UTF-8 (a Chinese character has 3), without `scancode_time`. */
  path: string
  /**
   * Pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  // </params>
}

/** One code of a batch. */
type BatchJob =
  | ({ kind: 'unlimited' } & UnlimitedQRCodeParams & BatchNote)
  | ({ kind: 'limited' } & QRCodeParams & BatchNote)
  | ({ kind: 'qrcode' } & CreateQRCodeParams & BatchNote)

interface BatchNote {
  /** Whatever you like: it is not looked at and comes back with the job. */
  meta?: unknown
}

/**
 * The same where TypeScript knows of `kind` and `envVersion` only that they are strings, as it does of what a generator
 * yields. Whether they are right shows when the job is done.
 */
type WidenedBatchJob = { kind: BatchJob['kind'] | (string & {}) } & BatchNote &
  (Widened<UnlimitedQRCodeParams> | Widened<QRCodeParams> | CreateQRCodeParams)

type Widened<P extends { envVersion?: EnvVersion }> = Omit<P, 'envVersion'> & { envVersion?: string }

interface BatchOptions {
  /**
   * How many are under way at once, those that wait for you to take them included. 1 to 1000.
   *
   * @defaultValue 16
   */
  concurrency?: number
  /** Ends the batch and its requests; the generator throws `signal.reason`. */
  signal?: AbortSignal
  /** Milliseconds for each code, instead of the client's: more than 0, at most a day. Waiting for the next minute does not count. */
  timeoutMs?: number
}

/** What became of a job; `index` counts from 0 in the order in which jobs were given. */
type BatchResult<J extends WidenedBatchJob = BatchJob> =
  | { job: J; index: number; image: CodeImage; error?: undefined }
  | { job: J; index: number; error: Error; image?: undefined }

interface RequestOptions extends CallOptions {
  /** @defaultValue `'POST'` with a `body`, else `'GET'` */
  method?: 'GET' | 'POST'
  /** For the URL, beside the token: at most 7000 bytes when encoded. */
  query?: Record<string, string | number | boolean>
  /**
   * Sent as JSON, names as WeChat has them. An object or array of what JSON can carry, or of what has a `toJSON`, like a
   * `Date`: bytes, a `Map`, `FormData`, a Promise, `NaN`, a function and the like are refused and not sent as `{}` or `null`.
   */
  body?: object
  /**
   * How often it is tried again, see {@link WxaCodeOptions.retries}. Use 0 where WeChat must not do the same thing twice:
   * after a connection that broke nobody knows whether it has been done.
   *
   * @defaultValue the client's `retries`
   */
  retries?: number
}

/** How often an API may be called today, and how fast. */
interface Quota {
  dailyLimit: number
  used: number
  remain: number
  /** So many calls in so many seconds. */
  rateLimit?: { callCount: number; refreshSecond: number }
  /** The same for third-party platforms. */
  componentRateLimit?: { callCount: number; refreshSecond: number }
}

/**
 * What WeChat remembers of a request that it refused. Each text is cut after 16,384 characters. Replaced by `***` are the
 * AppSecret, the account's last three tokens, and whatever stands behind the name of a secret (`access_token`, `session_key`, ...).
 */
interface RidInfo {
  invokeTime: Date
  costInMs: number
  requestUrl: string
  requestBody: string
  responseBody: string
  /** The address that WeChat saw: the one for the IP whitelist. */
  clientIp: string
}

/** Where a scheme leads. */
interface JumpWxa {
  // <params JumpWxa>
  /** A published page without a query. WeChat opens the main page without it. */
  path?: string
  /** At most 1024 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~ %`. */
  query?: string
  /**
   * Which version of the mini-program opens. It matters only outside WeChat.
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/** When it ends: at a time, or after so many days. At most 30 days from now; there are no permanent ones any more. */
interface Expiry {
  // <params Expiry>
  /** A time from a minute to 30 days from now. Not together with `expireInterval`. */
  expireTime?: Date
  /** Days, a whole number from 1 to 30. Without this and `expireTime` it is 30. */
  expireInterval?: number
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatescheme.html} */
interface SchemeParams extends Expiry {
  // <params generateScheme>
  /** The page that the scheme opens. WeChat opens the main page without it. */
  jumpWxa?: JumpWxa
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html} */
interface UrlLinkParams extends JumpWxa, Expiry {
  // <params generateUrlLink>
  /** A page of WeChat's cloud to pass through, instead of WeChat's own. */
  cloudBase?: { env: string; domain?: string; path?: string; query?: string; resourceAppid?: string }
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html} */
interface ShortLinkParams {
  // <params generateShortLink>
  /** A published page, with a query if you like; 1 to 1024 characters, without a leading slash. */
  pageUrl: string
  /** The title. WeChat cuts it after 20 characters. */
  pageTitle?: string
  /**
   * An account has 100,000 permanent ones for ever; others live 30 days.
   *
   * @defaultValue false, by WeChat
   */
  isPermanent?: boolean
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_generatenfcscheme.html} */
interface NFCSchemeParams {
  // <params generateNFCScheme>
  /** The page that the tag opens. WeChat opens the main page without it. */
  jumpWxa?: JumpWxa
  /** The device's model. */
  modelId: string
  /** The device's serial number, where each has a code of its own. */
  sn?: string
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-scheme/api_queryscheme.html} */
interface QuerySchemeParams {
  // <params queryScheme>
  /** Required for `queryType` 0. */
  scheme?: string
  /**
   * 0 asks what a scheme is, 1 how many visits are left today.
   *
   * @defaultValue 0
   */
  queryType?: 0 | 1
  // </params>
}

/** {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_queryurllink.html} */
interface QueryUrlLinkParams {
  // <params queryUrlLink>
  /** Required for `queryType` 0. */
  urlLink?: string
  /**
   * 0 asks what a link is, 1 how many visits are left today.
   *
   * @defaultValue 0
   */
  queryType?: 0 | 1
  // </params>
}

interface LinkInfo {
  appid: string
  path: string
  query: string
  createTime: Date
  /** Absent for one that never ends. */
  expireTime?: Date
  envVersion: EnvVersion
}

/** How many visits by schemes and links are left today. */
interface VisitQuota {
  remainVisitQuota: number
}

interface SchemeInfo {
  /** With `queryType` 0. */
  schemeInfo?: LinkInfo
  /** With `queryType` 1. */
  quotaInfo?: VisitQuota
}

interface UrlLinkInfo {
  /** With `queryType` 0. */
  urlLinkInfo?: LinkInfo
  /** With `queryType` 1. */
  quotaInfo?: VisitQuota
}

interface AccessToken {
  accessToken: string
  /** By this machine's clock. */
  expiresAt: Date
}

/** Counters of one client since it was made. */
interface Stats {
  /** Code requests sent to WeChat, retries and replays included. */
  requests: number
  /** Pictures received from WeChat. */
  images: number
  /** The bytes of these pictures. */
  imageBytes: number
  /** Calls that were repeated with another token, because WeChat refused the first. */
  replays: number
  /** Tokens that this process has fetched for the account; those that others of a fleet fetched are not counted. */
  refreshes: number
  /**
   * Codes that could not be fetched, by errcode (`'41030'`) or, without one, by code (`'ERR_WXA_TIMEOUT'`). Refused
   * parameters, aborted calls and your provider's own exceptions are not among them.
   */
  errors: Record<string, number>
  /** Milliseconds since the present token was first handed out. */
  tokenAgeMs?: number
  /** With the option `redis`: `'down'` while it does not answer, or refuses what this account needs. */
  redis?: 'up' | 'down'
  /** With the option `cache`: where this client's codes came from. */
  cache?: CacheStats
}

interface CacheStats {
  /** Calls answered from the memory of this process. */
  hits: number
  /** Calls answered from Redis, with a code that another process put there. */
  redisHits: number
  /** Calls that shared the request of another call for the same code. */
  coalesced: number
  /** Calls that had to request the code from WeChat. */
  misses: number
  /** Codes in the memory of this process now, of all clients that share the cache. */
  entries: number
  /** The bytes that these entries take. */
  sizeBytes: number
}

/**
 * The fields of every event. Events are published on `node:diagnostics_channel`, are named `subject.what_happened`, and
 * never contain a secret.
 */
interface WxaEvent {
  /** When it happened, in milliseconds since 1970. */
  timestampMs: number
  /** The account. */
  appid: string
  /** Where the client's token comes from; absent with token `'none'`. */
  mode?: 'stable' | 'classic' | 'provider'
}

/** In events about a token. */
interface TokenFields {
  /** Eight hexadecimal digits that name the token: the same in all processes that know the AppSecret. */
  fingerprint: string
  /** Counts the tokens that this process has held, from 1. */
  generation: number
}

/** In events about a failure. */
interface ErrorFields {
  /** The code of the error. */
  code: WxaErrorCode
  /** WeChat's errcode, with `'ERR_WXA_API'`. */
  errcode?: number
  /** WeChat's request id, with `'ERR_WXA_API'`. */
  rid?: string
  /** The message of the error, in both languages. */
  message: string
}

/**
 * On `wxacode:token`: the access token. A thread that subscribes receives the events of all tokens of the process,
 * starting with its next call.
 *
 * @example
 * ```js
 * diagnostics_channel.subscribe('wxacode:token', (event) => logger.info(event))
 * ```
 */
type TokenEvent = WxaEvent &
  (
    | ({
        event: 'refresh.start'
        /**
         * Why the token is refreshed: there is none yet, it expires soon, it has expired, WeChat rejected it, or a call
         * used `forceRefresh`.
         */
        reason: 'missing' | 'expiring' | 'expired' | 'rejected' | 'forced'
      } & Partial<TokenFields>)
    | ({
        event: 'refresh.ok'
        /**
         * Where the token came from: WeChat, the token function, another process through Redis; `'unchanged'` where the
         * present one is still valid.
         */
        source: 'wechat' | 'provider' | 'redis' | 'unchanged'
        /** How long the refresh took, in milliseconds. */
        durationMs: number
        /** How long the token is valid, in milliseconds; absent for `'unchanged'`. */
        expiresInMs?: number
      } & TokenFields)
    | ({
        event: 'refresh.error'
        /** How long the refresh took, in milliseconds. */
        durationMs: number
      } & ErrorFields)
    /** The refresh failed; calls go on with the present token, which is still valid. `code` and `message` say why. */
    | ({
        event: 'token.served_stale'
        /** How long the present token is still valid, in milliseconds. */
        expiresInMs: number
      } & TokenFields &
        ErrorFields)
    /** An API rejected the present token, and the client discarded it. */
    | ({ event: 'token.invalidated'; errcode: number } & TokenFields)
    /**
     * An API rejected a token, and the client kept the present one: because the rejected one had already been replaced, or
     * because another token was discarded less than 30 s ago (then the fault is most likely the API's).
     */
    | {
        event: 'token.invalidate_ignored'
        reason: 'already_replaced' | 'cooldown'
        errcode: number
        fingerprint: string
      }
    /**
     * Another system shares this appid: WeChat replaced the token before it expired, and no process here requested that. With
     * `'classic'` this is a guess, because every request makes another token.
     */
    | ({ event: 'token.replaced_externally'; errcode: number; message: string } & TokenFields)
    /** A call with `forceRefresh` failed: forced refreshes are at least 30 s apart and at most 10 a day. */
    | {
        event: 'rate_limit.exceeded'
        reason: 'forced_refresh_limit'
        /** When the next forced refresh is possible, in milliseconds from now. */
        retryAfterMs: number
      }
  )

/** On `wxacode:redis`: the connection, and the locks in Redis. Received like {@link TokenEvent}. */
type RedisEvent =
  /** Redis became unreachable. Calls no longer wait for it; a background probe checks for recovery. */
  | {
      event: 'redis.down'
      timestampMs: number
      /** Host and port, without login. */
      host: string
      message: string
    }
  /** Redis is reachable again. */
  | {
      event: 'redis.up'
      timestampMs: number
      host: string
      /** How long it was down, in milliseconds. */
      outageMs: number
    }
  /**
   * Redis is reachable, and refuses what one account needs: the user may not have these keys or commands (NOPERM), or a
   * script fails. That account goes on without Redis, other accounts are not affected. At most once a minute.
   */
  | { event: 'redis.error'; timestampMs: number; host: string; appid: string; code: 'ERR_WXA_REDIS'; message: string }
  /** The value of a token or a code in Redis cannot be decrypted: torn, restored from elsewhere, forged. It is replaced. */
  | (WxaEvent & { event: 'redis.corrupt'; message: string })
  /** Another process is fetching the token, and this one waits. */
  | (WxaEvent & {
      event: 'lock.wait'
      /** The longest that it waits, in milliseconds. */
      maxWaitMs: number
    })
  /** The lock expired before the other process had a token; this process fetches it instead. */
  | (WxaEvent & { event: 'lock.takeover' })
  /** With `cache.redis`: another process is requesting the same code, and this one waits. */
  | (WxaEvent & {
      event: 'qr_code_lock.wait'
      /** The longest that it waits, in milliseconds. */
      maxWaitMs: number
    })
  /** This process requests the code itself: the other one took too long, or failed. */
  | (WxaEvent & { event: 'qr_code_lock.skip'; reason: 'timeout' | 'error' })

/**
 * On `wxacode:request`: every request to WeChat, retries included. A thread receives the events of its own clients only,
 * starting with its next call.
 */
type RequestEvent = WxaEvent &
  (
    | ({
        event: 'request.ok'
        /** The HTTP status. */
        status: number
        /** The size of the response body, in bytes. */
        bodyBytes: number
      } & RequestFields)
    /** The request failed; `status` is there if a response came. */
    | ({ event: 'request.error'; status?: number } & RequestFields & ErrorFields)
    /** The call was aborted or timed out. */
    | ({ event: 'request.abort' } & RequestFields)
    /** A call of `getUnlimitedQRCode` could not be sent in its time. */
    | {
        event: 'rate_limit.exceeded'
        /**
         * Which limit: `ratePerMinute` in this process, `ratePerMinute` in the Redis that processes share, or WeChat's own,
         * after its 45009 or 45011.
         */
        reason: 'process_limit' | 'redis_limit' | 'wechat_limit'
        /** When the next request is possible, in milliseconds from now. */
        retryAfterMs: number
      }
  )

/** In events about a request to WeChat. */
interface RequestFields {
  /** `'getUnlimitedQRCode'`, `'stable_token'`, ... */
  endpoint: string
  /** The host, without path. */
  host: string
  /** How long the request took, in milliseconds. */
  durationMs: number
}

/**
 * A mini-program's codes. Make one per appid and keep it; making one is cheap and never touches the network.
 * Clients of the same account share one token cache, across worker threads too.
 *
 * @example
 * ```ts
 * const wxa = new WxaCode({ appid, secret })
 * const image = await wxa.getUnlimitedQRCode({ scene: 'id=42', page: 'pages/index/index' })
 * ```
 */
declare class WxaCode {
  /** @throws {@link InvalidParamsError} for a missing, misspelt or impossible option */
  constructor(options: WxaCodeOptions)

  /**
   * A client whose options come from the environment: `appid` from `WXACODE_APPID`, `secret` from `WXACODE_SECRET`, `baseUrl`
   * from `WXACODE_BASE_URL`, `redis` from `WXACODE_REDIS`, `proxy` from `WXACODE_PROXY`, as for the command line. A variable
   * that is empty counts as not set, and an option that is given goes before its variable.
   *
   * @example
   * ```ts
   * const wxa = WxaCode.fromEnv({ cache: true })
   * ```
   * @throws {@link InvalidParamsError} for an option that is missing or impossible; the message names the variable
   */
  static fromEnv(options?: Partial<WxaCodeOptions>): WxaCode

  /** The account whose codes these are: `fromAppid` where that was given, else `appid`. */
  readonly appid: string

  /**
   * A round code for a page with a query; `POST /wxa/getwxacode`. At most 100,000 different ones for the life of the
   * account, together with {@link createQRCode}. Rejects like {@link getUnlimitedQRCode}.
   */
  getQRCode(params: QRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * A round code with a `scene`, in any number; `POST /wxa/getwxacodeunlimit`, 5000 a minute.
   *
   * Rejects with {@link InvalidParamsError} before anything is sent, {@link WeChatAPIError} where WeChat refuses, else with
   * a {@link WxaCodeError}: `ERR_WXA_TIMEOUT`, `ERR_WXA_NETWORK`, `ERR_WXA_RESPONSE`, `ERR_WXA_RATE_LIMIT`, `ERR_WXA_CLOSED`.
   * With `signal.reason`, or what your token provider threw, as it is.
   */
  getUnlimitedQRCode(params: UnlimitedQRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * A square QR code for a page with a query; `POST /cgi-bin/wxaapp/createwxaqrcode`. Counts with {@link getQRCode}.
   * Rejects like {@link getUnlimitedQRCode}.
   */
  createQRCode(params: CreateQRCodeParams, call?: CallOptions): Promise<CodeImage>

  /**
   * Many codes, in the order in which they are done. Takes jobs only as fast as you take results, so that a million of them
   * need no more memory than `concurrency`. A job that fails does not stop the others; one that is over
   * `ratePerMinute` waits for the next minute.
   *
   * When a job fails with an error that every other job would meet ({@link WxaCodeError.stopsBatch}: a wrong AppSecret, an
   * address that is not listed, 45029, a daily quota), no more jobs are started: those in flight still come, each with its error
   * or image, and then the generator throws that error.
   *
   * @example
   * ```ts
   * for await (const { job, image, error } of wxa.batch(jobs())) {
   *   if (image) await writeFile(`${job.scene}.jpg`, image)
   *   else console.error(job.scene, error.message)
   * }
   * ```
   * @throws {@link InvalidParamsError} for impossible options; `signal.reason`; what `jobs` throws
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
   * Any other API of WeChat's, with the token, retries, replay, deadline and errors of the codes. Gives the parsed JSON, or
   * a Buffer where WeChat answers with a JPEG or PNG.
   *
   * @example
   * ```ts
   * const { phone_info } = await wxa.request<PhoneNumber>('/wxa/business/getuserphonenumber', { body: { code } })
   * ```
   * Rejects like {@link getUnlimitedQRCode}.
   *
   * @param path with its leading slash, without host and query
   */
  // biome-ignore lint/suspicious/noExplicitAny: what an API answers is known to who calls it
  request<T = any>(path: string, options?: RequestOptions): Promise<T>

  /**
   * How often an API may be called today: `POST /cgi-bin/openapi/quota/get`.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getapiquota.html}
   *
   * @param path like `/wxa/getwxacodeunlimit`
   */
  getQuota(path: string, call?: CallOptions): Promise<Quota>

  /**
   * Sets all daily counters of the account back to 0: `POST /cgi-bin/clear_quota`, at most 10 times a month. Not the 100,000
   * codes for life.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_clearquota.html}
   */
  clearQuota(call?: CallOptions): Promise<void>

  /**
   * What WeChat remembers of a request of this account that it refused in the last 7 days: `POST /cgi-bin/openapi/rid/get`.
   * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/openApi-mgnt/api_getridinfo.html}
   *
   * @param rid as in {@link WeChatAPIError.rid}
   */
  getRid(rid: string, call?: CallOptions): Promise<RidInfo>

  /** `weixin://dl/business/?t=...` for text messages and web pages. 500,000 a day together with URL links. */
  generateScheme(params?: SchemeParams, call?: CallOptions): Promise<string>
  /** `https://wxaurl.cn/...` for text messages, mails and web pages. */
  generateUrlLink(params?: UrlLinkParams, call?: CallOptions): Promise<string>
  /** `#小程序://...` to be opened inside WeChat. */
  generateShortLink(params: ShortLinkParams, call?: CallOptions): Promise<string>
  /** A scheme for an NFC tag. */
  generateNFCScheme(params: NFCSchemeParams, call?: CallOptions): Promise<string>
  queryScheme(params: QuerySchemeParams, call?: CallOptions): Promise<SchemeInfo>
  queryUrlLink(params: QueryUrlLinkParams, call?: CallOptions): Promise<UrlLinkInfo>

  /**
   * The token that the codes use, for other WeChat APIs.
   *
   * `forceRefresh` gets another one and kills the present one at once: for a token that leaked. At least 30 s apart and
   * at most 10 a day, else `ERR_WXA_RATE_LIMIT`.
   *
   * @throws {@link InvalidParamsError} with token `'none'`
   */
  getAccessToken(call?: CallOptions & { forceRefresh?: boolean }): Promise<AccessToken>

  /**
   * Tells the cache that another API refused this token (40001, 40014, 42001): the next call fetches another. A no-op
   * unless it is the present one, and for 30 s after another token was given up, so that an API that refuses every
   * token does not cost a refresh each time.
   *
   * @throws {@link InvalidParamsError} for anything but a string
   */
  invalidateAccessToken(accessToken: string): void

  stats(): Stats

  /** No more calls; resolves when those under way have ended. An idle client keeps no process alive without it. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Why something failed and what to do about it. */
interface Explanation {
  cause: { zh: string; en: string }
  fix: { zh: string; en: string }
}

/** What {@link WxaCodeError.code} may be. */
type WxaErrorCode =
  | 'ERR_WXA_API'
  | 'ERR_WXA_PARAMS'
  | 'ERR_WXA_TIMEOUT'
  | 'ERR_WXA_NETWORK'
  | 'ERR_WXA_RESPONSE'
  | 'ERR_WXA_REDIS'
  | 'ERR_WXA_RATE_LIMIT'
  | 'ERR_WXA_CLOSED'

/**
 * The base class of all errors that this package makes. A call also rejects with `signal.reason` and with what your token
 * function throws. The message is one line and says what to do. After `instanceof WxaCodeError`, `code` tells TypeScript the
 * rest, see {@link AnyWxaCodeError}.
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
declare class WxaCodeError<Code extends WxaErrorCode = WxaErrorCode> extends Error {
  protected constructor(...args: never[])
  /** Of every JavaScript class; typed here so that `instanceof` gives TypeScript the union of all errors. */
  static [Symbol.hasInstance](value: unknown): value is AnyWxaCodeError
  readonly code: Code
  /** `'getUnlimitedQRCode'`, `'stable_token'`, ... */
  readonly endpoint?: string
  /**
   * Whether the same call may well succeed later without anybody changing anything. True for time-outs, rate limits,
   * `ERR_WXA_REDIS`, connections that failed (not for a certificate or a proxy's login) and errcodes that pass: WeChat is busy,
   * the token was replaced, a quota comes back. Where an answer says nothing but its HTTP status, true for 408, 425, 429 and 5xx
   * (not 501, 505, 506, 508, 510, 511, 525, 526) and for one under 2xx that is empty or cut short. Never for 403, 404, 407, 412, 413.
   */
  readonly retryable: boolean
  /**
   * Whether the next call would be refused for the same reason, whatever its parameters, so that
   * {@link WxaCode.batch} stops: `ERR_WXA_CLOSED`, and a {@link WeChatAPIError} of the scope `'account'`, `'ip'`, `'quota'` or
   * `'configuration'`.
   */
  get stopsBatch(): boolean
  /** When the call may be repeated, in milliseconds from now; always there with `'ERR_WXA_RATE_LIMIT'` and only there. */
  readonly retryAfterMs?: number
  /** Missing for an errcode that is not in the catalogue. */
  readonly explanation?: Explanation
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
type ErrcodeScope = 'parameter' | 'token' | 'rate' | 'quota' | 'account' | 'ip' | 'configuration' | 'service'

/** WeChat answered with an errcode; `code` is `'ERR_WXA_API'`. */
declare class WeChatAPIError extends WxaCodeError<'ERR_WXA_API'> {
  static [Symbol.hasInstance](value: unknown): value is WeChatAPIError
  readonly errcode: number
  /** What WeChat refused. Missing for an errcode that the catalogue does not have; always there from a token endpoint. */
  readonly scope?: ErrcodeScope
  /** WeChat's text without its rid and hint, secrets replaced by `***`, and `…` after 2048 characters. */
  readonly errmsg: string
  /** For WeChat's support, and to look the request up for 7 days. */
  readonly rid?: string
  /** What older answers have instead of a rid. */
  readonly hint?: string
}

/** Refused here, before any request. */
declare class InvalidParamsError extends WxaCodeError<'ERR_WXA_PARAMS'> {
  static [Symbol.hasInstance](value: unknown): value is InvalidParamsError
  /** The one at fault: `'scene'`, `'lineColor.r'`, `'secret'`, ... */
  readonly param: string
  /** What WeChat would have answered, where that is known. */
  readonly errcode?: number
  readonly explanation: Explanation
}

/** What an errcode means. */
interface ErrcodeExplanation extends Explanation {
  scope: ErrcodeScope
}

/**
 * Every error that this package makes, told apart by `code`. `instanceof WxaCodeError` narrows to it.
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
type AnyWxaCodeError =
  | WeChatAPIError
  | InvalidParamsError
  | (WxaCodeError<'ERR_WXA_RATE_LIMIT'> & { readonly retryAfterMs: number })
  | WxaCodeError<'ERR_WXA_TIMEOUT'>
  | WxaCodeError<'ERR_WXA_NETWORK'>
  | WxaCodeError<'ERR_WXA_RESPONSE'>
  | WxaCodeError<'ERR_WXA_REDIS'>
  | WxaCodeError<'ERR_WXA_CLOSED'>

/**
 * What an errcode means at an endpoint (`'getUnlimitedQRCode'`, `'getwxacodeunlimit'`, `'stable_token'`, ...), or its
 * first meaning without one.
 *
 * @throws {@link InvalidParamsError} for an errcode that is not a number
 */
declare function explain(errcode: number, endpoint?: string): ErrcodeExplanation | undefined

/**
 * What is wrong with the parameters of a code, without asking WeChat: what a call would reject with before it sends anything.
 * Whether a page exists only WeChat knows.
 *
 * @throws {@link InvalidParamsError} for another kind
 */
declare function check(kind: 'unlimited', params: UnlimitedQRCodeParams): InvalidParamsError | undefined
declare function check(kind: 'limited', params: QRCodeParams): InvalidParamsError | undefined
declare function check(kind: 'qrcode', params: CreateQRCodeParams): InvalidParamsError | undefined

/**
 * What a picture is, by its bytes: WeChat labels transparent PNGs `image/jpeg`.
 *
 * @throws {@link InvalidParamsError} for anything but a Buffer or Uint8Array
 */
declare function imageType(image: Uint8Array): 'image/jpeg' | 'image/png' | undefined

/**
 * The module is the class itself, which has everything else as properties: `const WxaCode = require('wxacode')`,
 * `import WxaCode from 'wxacode'` and `import { WxaCode } from 'wxacode'` are the same class.
 */
declare namespace WxaCode {
  export {
    AccessToken,
    AnyWxaCodeError,
    BatchJob,
    BatchNote,
    BatchOptions,
    BatchResult,
    CacheOptions,
    CacheStats,
    CallOptions,
    CodeImage,
    CreateQRCodeParams,
    check,
    EnvVersion,
    ErrcodeExplanation,
    ErrcodeScope,
    ErrorFields,
    Expiry,
    Explanation,
    explain,
    InvalidParamsError,
    imageType,
    JumpWxa,
    LinkInfo,
    NFCSchemeParams,
    ProvidedToken,
    QRCodeParams,
    QuerySchemeParams,
    QueryUrlLinkParams,
    Quota,
    RedisEvent,
    RedisOptions,
    RequestEvent,
    RequestFields,
    RequestOptions,
    RidInfo,
    SchemeInfo,
    SchemeParams,
    ShortLinkParams,
    Stats,
    Style,
    TokenEvent,
    TokenFields,
    TokenProvider,
    UnlimitedQRCodeParams,
    UrlLinkInfo,
    UrlLinkParams,
    VisitQuota,
    WeChatAPIError,
    Widened,
    WidenedBatchJob,
    WxaCode,
    WxaCode as default,
    WxaCodeError,
    WxaCodeOptions,
    WxaErrorCode,
    WxaEvent,
  }
}

export = WxaCode
