/**
 * WeChat mini-program codes (微信小程序码) as Buffers: one access token for the whole process, right images or errors
 * that explain themselves.
 *
 * @module wxacode
 */

/**
 * Version of the mini-program that a code or link opens: `'release'` is the published one, `'trial'` the trial version for
 * testers (体验版), `'develop'` the development version for its developers (开发版).
 */
type EnvVersion = 'release' | 'trial' | 'develop'

/**
 * Custom source of access tokens, for example a central token service. The client calls it when it has no valid token, and
 * caches the result as {@link ProvidedToken} says. An error that it throws rejects the call unchanged.
 */
type TokenProvider = (request: {
  /** AppID of the account that the token is for. */
  appid: string
  /** The token that WeChat has just rejected, if that is the reason for this request. Do not return it again. */
  rejected?: {
    /** The rejected token. */
    accessToken: string
    /** WeChat's errcode, such as 40001. */
    errcode: number
  }
}) => ProvidedToken | Promise<ProvidedToken>

/**
 * A token of 1 to 4096 visible ASCII characters. A plain string is cached for 60 s, an object with `expiresIn` until the
 * token expires, at most 2 h. WeChat's own response can be returned as it is: if it has an `errcode` instead of a token, the
 * call rejects with an {@link InvalidParamsError} that explains it.
 */
type ProvidedToken =
  | string
  | {
      /** The token. */
      accessToken: string
      /** Seconds until the token expires, more than 0. */
      expiresIn: number
    }
  | {
      /** The token, as WeChat spells it. */
      access_token: string
      /** Seconds until the token expires, more than 0. */
      expires_in: number
    }

/**
 * Options of a client. Like all parameters they are an object's own properties and the getters of its class; properties of
 * `Object.prototype` are ignored. The client reads each of them once. An empty string counts as left out, because
 * docker-compose passes one for a variable that is not set; only `redis.keyPrefix` may be empty.
 */
interface WxaCodeOptions {
  /**
   * AppID of the mini-program: `wx` and 16 letters or digits. Required. Its type has `undefined` so that
   * `process.env.WXACODE_APPID` compiles; the constructor rejects `undefined`.
   */
  appid: string | undefined
  /**
   * AppSecret of the mini-program, at most 256 bytes without white space. Required with token `'stable'` and `'classic'`. It
   * appears in no error and no event, even if a server repeats it (SECURITY.md says what is searched for).
   */
  secret?: string | undefined
  /**
   * Where the access token comes from.
   * - `'stable'`: `POST /cgi-bin/stable_token`. Two requests return the same token, so that several processes do not disturb
   *   each other.
   *   {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getstableaccesstoken.html}
   * - `'classic'`: `GET /cgi-bin/token`. Every request, by any process, replaces the token; the old one stays valid for
   *   5 minutes.
   *   {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/mp-access-token/api_getaccesstoken.html}
   * - `'none'`: no token. For WeChat cloud run (微信云托管), where a proxy adds it.
   * - a function: your own token service. Such a client does not share its token cache with other clients.
   *
   * @defaultValue `'stable'`
   */
  token?: 'stable' | 'classic' | 'none' | TokenProvider
  /**
   * Redis used to share the access token and the rate limit between processes and machines. A string is shorthand for
   * `{ url }`. It requires token `'stable'` or `'classic'`.
   *
   * If Redis is down, a call with token `'stable'` waits at most `redis.timeoutMs` for it, and once more with `cache.redis`.
   * With `'classic'` the client uses the last token until it expires; then calls fail with `ERR_WXA_REDIS`.
   *
   * @defaultValue none: clients share the token within this process
   */
  redis?: string | RedisOptions | undefined
  /**
   * Base URL of WeChat, or several in order of preference. If the client cannot reach one, it uses the next, and tries the
   * preferred one again after 30 s. Plain `http:` is allowed for this machine or with token `'none'`. A gateway may have a path
   * prefix, such as `https://gateway.example/weixin`; the path of an API is refused. Empty strings are ignored.
   *
   * @defaultValue `'https://api.weixin.qq.com'`
   */
  baseUrl?: string | string[] | undefined
  /**
   * AppID of the account that a shared cloud-run environment acts for: `wx` and 16 letters or digits. It requires token
   * `'none'`.
   *
   * @defaultValue none: WeChat uses the account that owns the environment
   */
  fromAppid?: string
  /**
   * Language of the `message` of this client's errors. An empty string counts as left out. Without it, the environment variable
   * `WXACODE_LANG` (`zh` or `en`, anything else is ignored) decides, for {@link check}, {@link explain} and a constructor
   * that throws too. With neither, a message has both languages and shortens what to do; {@link WxaCodeError.explanation} has
   * it in full, and always in both.
   *
   * Process warnings and events are not errors of one client: their texts have both languages.
   *
   * @defaultValue the environment variable `WXACODE_LANG`, else both languages
   */
  lang?: 'zh' | 'en'
  /**
   * Deadline of a call in milliseconds, including token, retries and replay. More than 0, at most 86400000 (a day).
   *
   * @defaultValue 10000
   */
  timeoutMs?: number
  /**
   * Maximum number of retries of a request, a whole number from 0 to 10. The client retries after errcode -1 (WeChat is
   * busy), a failed connection, and the HTTP statuses 408, 425 and 5xx except permanent ones such as 501 and 505. It never
   * repeats a request that WeChat refused. The delays are 0.5 s, 1 s, 2 s, ... times a random number.
   *
   * Requests to `stable_token` are always retried up to 4 times. Requests to the classic token endpoint are never retried.
   *
   * @defaultValue 2
   */
  retries?: number
  /**
   * Maximum number of requests to `getUnlimitedQRCode` in any 60 s: a whole number from 1, or `Infinity` for no limit. Retries
   * count; requests that are not sent do not. WeChat allows 5000 a minute to all your processes together.
   *
   * The limit is shared by all clients of this process with the same appid (or `fromAppid`) and `baseUrl`. With `redis` it is
   * shared by all processes that use the same Redis; while Redis is down, each process counts for itself. A client with a token
   * function or token `'none'` counts for itself until WeChat accepts one of its requests.
   *
   * A call over the limit waits until it may be sent. It fails with `ERR_WXA_RATE_LIMIT` if that is later than its deadline.
   * Calls wait in the same way after WeChat itself reports that the minute is full (45009, 45011).
   *
   * @defaultValue 5000
   */
  ratePerMinute?: number
  /**
   * Caches codes, which never expire, so that the client requests each only once. `true` is shorthand for `{}`. A parameter that
   * has its default (`width: 430`) makes no difference. Concurrent calls for the same code share one request. Errors are not
   * cached, and every call returns its own copy of the Buffer.
   *
   * @defaultValue false
   */
  cache?: boolean | CacheOptions
  /**
   * HTTP proxy for all requests: `http://[user:password@]host:port`, or `https:` if the proxy itself uses TLS. The client logs in
   * with Basic authentication; percent-encode special characters. `'env'` uses `HTTPS_PROXY` for `https:` hosts, except those in
   * `NO_PROXY`, as these variables are when the client is made.
   *
   * A proxy on another machine is refused if it would receive the AppSecret or a token unencrypted, because `baseUrl` is plain
   * `http:`.
   *
   * @defaultValue none: the environment is not read
   */
  proxy?: string | undefined
  /**
   * Additional root certificates in PEM, or a server's self-signed certificate (`openssl req -x509`), which is accepted from its
   * hosts while it is valid. The client also reads the file that `NODE_EXTRA_CA_CERTS` names when the first client is made; it
   * reads that file for the first request over TLS.
   *
   * @defaultValue none: the built-in root certificates only
   */
  ca?: string | Uint8Array
}

/** Redis connection. Tokens and codes are stored encrypted with a key that is derived from the AppSecret. */
interface RedisOptions {
  /**
   * URL of the server. Required.
   * - `redis://[user:password@]host:6379/0`, `rediss://` for TLS. For a cluster give any of its nodes.
   * - `unix:///path/to/redis.sock`
   * - `redis-sentinel://[user:password@]host:26379,host:26379/0#master`, `rediss-sentinel://` for TLS. User and password are
   *   those of the master.
   */
  url: string
  /**
   * Root certificates in PEM for `rediss:`, instead of the system's. A self-signed certificate is accepted too, if it was
   * made with `basicConstraints` `CA:FALSE`.
   *
   * @defaultValue the system's root certificates
   */
  ca?: string | Uint8Array
  /**
   * Maximum time that a call waits for Redis, in milliseconds, including connecting and queueing. More than 0, at most 86400000
   * (a day).
   *
   * After a timeout the client treats Redis as down: later calls skip it until a background probe, every 0.1 to 2 s, succeeds.
   * Once per outage the process emits a warning (`process.emitWarning`, code `WXA_REDIS`) with the next call.
   *
   * @defaultValue 250
   */
  timeoutMs?: number
  /**
   * Prefix of every key, without `{` and `}`. The client adds `{appid:mode:hash}:name`. The empty string means no prefix.
   *
   * @defaultValue `'wxacode:'`
   */
  keyPrefix?: string
  /**
   * Whether each process may fetch its own token while Redis is down, with token `'classic'`. Every such request replaces the
   * token of all other processes.
   *
   * @defaultValue false
   */
  allowUnsharedRotation?: boolean
}

/**
 * How codes are cached. Clients of the same account with the same options share a cache, across worker threads too. A client
 * with a token function or token `'none'` has a separate cache.
 */
interface CacheOptions {
  /**
   * Maximum size of the cache in this process, in bytes, a whole number from 1. The least recently used codes are removed
   * first. A code of 430 pixels takes about 85 KB.
   *
   * @defaultValue 67108864 (64 MiB)
   */
  maxBytes?: number
  /**
   * How long a code stays in the cache, in milliseconds. More than 0.
   *
   * @defaultValue Infinity
   */
  ttlMs?: number
  /**
   * Whether codes are cached in Redis too, so that a fleet requests each only once. It requires the option `redis`. Codes are
   * stored encrypted, for `ttlMs` but at most 30 days.
   *
   * While one process requests a code, the others wait for it, at most a fifth of their call's deadline. If that process is
   * slower or fails, they request the code themselves. A refusal of the parameters (such as 41030) is passed to the waiting
   * processes and not cached. While Redis is down, each process requests for itself.
   *
   * @defaultValue false
   */
  redis?: boolean
  /**
   * Maximum size of a picture in Redis, in bytes, a whole number from 1. Larger pictures are cached in this process only.
   *
   * @defaultValue 524288 (512 KiB)
   */
  maxEntryBytes?: number
}

/** Options of one call. */
interface CallOptions {
  /**
   * Aborts this call and its request. The call rejects with `signal.reason`, or with an `AbortError` if the signal has none
   * (polyfills). A token refresh that other calls wait for continues.
   */
  signal?: AbortSignal
  /**
   * Deadline of this call in milliseconds. More than 0, at most 86400000 (a day).
   *
   * @defaultValue {@link WxaCodeOptions.timeoutMs} of the client
   */
  timeoutMs?: number
}

/**
 * The bytes of a picture, as a Buffer that does not use shared memory. TypeScript 5.7 and later distinguish the two, so that
 * it is a `BodyInit`, a `BlobPart` and a `BufferSource`.
 */
type CodeImage = ReturnType<typeof Buffer.alloc>

/** A colour. */
interface RGB {
  // <params RGB>
  /** Red, a whole number from 0 to 255. */
  r: number
  /** Green, a whole number from 0 to 255. */
  g: number
  /** Blue, a whole number from 0 to 255. */
  b: number
  // </params>
}

/** Appearance of a code. */
interface Style {
  // <params Style>
  /**
   * Side length of the picture in pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  /**
   * Whether WeChat picks the colour of the lines. `lineColor` is then ignored. WeChat still draws black lines if it
   * considers the theme colour unsuitable.
   *
   * @defaultValue false, by WeChat
   */
  autoColor?: boolean
  /**
   * Colour of the lines, as three whole numbers from 0 to 255 or in hexadecimal: `'#ff0000'`, `'#f00'`, with or
   * without `#`. It is ignored if `autoColor` is `true`. WeChat draws light colours in black without an error.
   *
   * @defaultValue `{ r: 0, g: 0, b: 0 }`, by WeChat
   */
  lineColor?: RGB | string
  /**
   * Whether the background is transparent. The picture is then a PNG instead of a JPEG.
   *
   * @defaultValue false, by WeChat
   */
  isHyaline?: boolean
  // </params>
}

/**
 * Parameters of {@link WxaCode.getQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html}
 */
interface QRCodeParams extends Style {
  // <params getQRCode>
  /**
   * Page and query, such as `pages/index/index?id=42`: 1 to 1024 characters (WeChat may count bytes). The query must
   * not contain `scancode_time`.
   */
  path: string
  /**
   * Version of the mini-program that the code opens: `release` (the published one), `trial` (体验版, for testers) or
   * `develop` (开发版, for developers).
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/**
 * Parameters of {@link WxaCode.getUnlimitedQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getunlimitedqrcode.html}
 */
interface UnlimitedQRCodeParams extends Style {
  // <params getUnlimitedQRCode>
  /**
   * Value that the page receives: 1 to 32 characters of `0-9 A-Z a-z ! # $ & ' ( ) * + , / : ; = ? @ - . _ ~`. The
   * page reads it by `decodeURIComponent(query.scene)`.
   */
  scene: string
  /**
   * Page such as `pages/index/index`, without a leading slash and without a query; at most 1024 characters. If it is
   * left out, WeChat opens the main page.
   */
  page?: string
  /**
   * Whether WeChat checks that the published version has the page. Pass `false` for an unpublished page and for the
   * versions `trial` and `develop`.
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
   * Version of the mini-program that the code opens: `release` (the published one), `trial` (体验版, for testers) or
   * `develop` (开发版, for developers).
   *
   * @defaultValue `'release'`, by WeChat
   */
  envVersion?: EnvVersion
  // </params>
}

/**
 * Parameters of {@link WxaCode.createQRCode}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_createqrcode.html}
 */
interface CreateQRCodeParams {
  // <params createQRCode>
  /**
   * Page and query, such as `pages/index/index?id=42`: 1 to 128 bytes of UTF-8 (a Chinese character has 3). The query
   * must not contain `scancode_time`.
   */
  path: string
  /**
   * Side length of the picture in pixels, a whole number from 280 to 1280.
   *
   * @defaultValue 430, by WeChat
   */
  width?: number
  // </params>
}

/** One code of a batch: its kind, the parameters of that kind, and a note. */
type BatchJob =
  | ({
      /** A code of {@link WxaCode.getUnlimitedQRCode}. */
      kind: 'unlimited'
    } & UnlimitedQRCodeParams &
      BatchNote)
  | ({
      /** A code of {@link WxaCode.getQRCode}. */
      kind: 'limited'
    } & QRCodeParams &
      BatchNote)
  | ({
      /** A code of {@link WxaCode.createQRCode}. */
      kind: 'qrcode'
    } & CreateQRCodeParams &
      BatchNote)

/** What a job carries for the caller. */
interface BatchNote {
  /** Any value. The batch does not read it; the result has it in `job`. */
  meta?: unknown
}

/**
 * A {@link BatchJob} whose `kind` and `envVersion` TypeScript knows only as strings, as in the objects that a generator yields. A
 * wrong value makes that job fail with an {@link InvalidParamsError}.
 */
type WidenedBatchJob = {
  /** `'unlimited'`, `'limited'` or `'qrcode'`. */
  kind: BatchJob['kind'] | (string & {})
} & BatchNote &
  (Widened<UnlimitedQRCodeParams> | Widened<QRCodeParams> | CreateQRCodeParams)

/** Parameters whose `envVersion` TypeScript knows only as a string. */
type Widened<
  P extends {
    /** Narrow, as in the parameters of a call. */
    envVersion?: EnvVersion
  },
> = Omit<P, 'envVersion'> & {
  /** `'release'`, `'trial'` or `'develop'`, see {@link EnvVersion}. */
  envVersion?: string
}

/** Options of {@link WxaCode.batch}. */
interface BatchOptions {
  /**
   * Maximum number of jobs in flight, including finished results that the caller has not consumed yet. A whole number from 1 to
   * 1000.
   *
   * @defaultValue 16
   */
  concurrency?: number
  /** Aborts the batch and its requests. The generator throws `signal.reason`. */
  signal?: AbortSignal
  /**
   * Deadline of each code in milliseconds. More than 0, at most 86400000 (a day). Time spent waiting for the next minute does
   * not count.
   *
   * @defaultValue {@link WxaCodeOptions.timeoutMs} of the client
   */
  timeoutMs?: number
}

/** Outcome of a job: an image or an error. */
type BatchResult<J extends WidenedBatchJob = BatchJob> =
  | {
      /** The job, as the caller passed it. */
      job: J
      /** Position of the job in the input, from 0. */
      index: number
      /** The picture. */
      image: CodeImage
      /** Absent if the job succeeded. */
      error?: undefined
    }
  | {
      /** The job, as the caller passed it. */
      job: J
      /** Position of the job in the input, from 0. */
      index: number
      /** Why the job failed. */
      error: Error
      /** Absent if the job failed. */
      image?: undefined
    }

/** Options of {@link WxaCode.request}. */
interface RequestOptions extends CallOptions {
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
interface QuotaRateLimit {
  /** Number of calls in each period. */
  callCount: number
  /** Length of the period in seconds. */
  refreshSecond: number
}

/** Daily quota and rate limit of an API, as WeChat reports them. */
interface Quota {
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
interface RidInfo {
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
interface JumpWxa {
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
interface Expiry {
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
interface CloudBase {
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
interface SchemeParams extends Expiry {
  // <params generateScheme>
  /** Page that the scheme opens. If it is left out, WeChat opens the main page. */
  jumpWxa?: JumpWxa
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateUrlLink}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/url-link/api_generateurllink.html}
 */
interface UrlLinkParams extends JumpWxa, Expiry {
  // <params generateUrlLink>
  /** Page on WeChat cloud hosting that the link passes through, instead of WeChat's own page. */
  cloudBase?: CloudBase
  // </params>
}

/**
 * Parameters of {@link WxaCode.generateShortLink}.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/short-link/api_generateshortlink.html}
 */
interface ShortLinkParams {
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
interface NFCSchemeParams {
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
interface QuerySchemeParams {
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
interface QueryUrlLinkParams {
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
interface LinkInfo {
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
interface VisitQuota {
  /** Visits left today. */
  remainVisitQuota: number
}

/** Result of {@link WxaCode.queryScheme}. */
interface SchemeInfo {
  /** The scheme; present with `queryType` 0. */
  schemeInfo?: LinkInfo
  /** The remaining visits; present with `queryType` 1. */
  quotaInfo?: VisitQuota
}

/** Result of {@link WxaCode.queryUrlLink}. */
interface UrlLinkInfo {
  /** The URL link; present with `queryType` 0. */
  urlLinkInfo?: LinkInfo
  /** The remaining visits; present with `queryType` 1. */
  quotaInfo?: VisitQuota
}

/** Result of {@link WxaCode.getAccessToken}. */
interface AccessToken {
  /** The token. It is a secret: do not log it. */
  accessToken: string
  /** When the token expires, by the clock of this machine. */
  expiresAt: Date
}

/** Counters of one client since it was made. */
interface Stats {
  /** Code requests sent to WeChat, including retries and replays. */
  requests: number
  /** Pictures received from WeChat. */
  images: number
  /** Total size of these pictures, in bytes. */
  imageBytes: number
  /** Calls repeated with another token, because WeChat rejected the first. */
  replays: number
  /** Tokens that this process has fetched for the account. Tokens that other processes fetched do not count. */
  refreshes: number
  /**
   * Failed calls, by WeChat's errcode (`'41030'`) or else by {@link WxaCodeError.code} (`'ERR_WXA_TIMEOUT'`). Refused parameters,
   * aborted calls and errors that the token function throws do not count.
   */
  errors: Record<string, number>
  /** Age of the current token, in milliseconds since this process first had it; absent if there is none. */
  tokenAgeMs?: number
  /** State of Redis: `'down'` if it does not respond, or refuses what this account needs. Absent without the option `redis`. */
  redis?: 'up' | 'down'
  /** Where this client's codes came from. Absent without the option `cache`. */
  cache?: CacheStats
}

/** Counters of one client's calls for codes, and the size of its cache. */
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
  /** Size of these codes, in bytes. */
  sizeBytes: number
}

/**
 * Members of every event. Events are published on `node:diagnostics_channel`. Their names have the form
 * `subject.what_happened`. They never contain a secret.
 */
interface WxaEvent {
  /** When it happened, in milliseconds since 1970. */
  timestampMs: number
  /** AppID of the account. */
  appid: string
  /** Where the client's token comes from; absent with token `'none'`. */
  mode?: 'stable' | 'classic' | 'provider'
}

/** Members of events about a token. */
interface TokenFields {
  /** Eight hexadecimal digits that identify the token: the same in all processes that know the AppSecret. */
  fingerprint: string
  /** Number of the token among those that this process has had, from 1. */
  generation: number
}

/** Members of events about a failure. */
interface ErrorFields {
  /** Code of the error. */
  code: WxaErrorCode
  /** WeChat's errcode, with `'ERR_WXA_API'`. */
  errcode?: number
  /** WeChat's request id, with `'ERR_WXA_API'` if WeChat returned one. */
  rid?: string
  /** Message of the error, in both languages. */
  message: string
}

/**
 * Events on `wxacode:token`: the access token. A thread that subscribes receives the events of all tokens of the process,
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
        /** The client starts to refresh the token. */
        event: 'refresh.start'
        /**
         * Why the token is refreshed: there is none yet, it expires soon, it has expired, WeChat rejected it, or a call
         * used `forceRefresh`.
         */
        reason: 'missing' | 'expiring' | 'expired' | 'rejected' | 'forced'
      } & Partial<TokenFields>)
    | ({
        /** The refresh succeeded. */
        event: 'refresh.ok'
        /**
         * Where the token came from: WeChat, the token function, or another process through Redis; `'unchanged'` if the
         * current one is still valid.
         */
        source: 'wechat' | 'provider' | 'redis' | 'unchanged'
        /** How long the refresh took, in milliseconds. */
        durationMs: number
        /** How long the token is valid, in milliseconds; absent for `'unchanged'`. */
        expiresInMs?: number
      } & TokenFields)
    | ({
        /** The refresh failed. */
        event: 'refresh.error'
        /** How long the refresh took, in milliseconds. */
        durationMs: number
      } & ErrorFields)
    | ({
        /** The refresh failed, and calls continue with the current token, which is still valid. `code` and `message` say why. */
        event: 'token.served_stale'
        /** How long the current token is still valid, in milliseconds. */
        expiresInMs: number
      } & TokenFields &
        ErrorFields)
    | ({
        /** An API rejected the current token, and the client discarded it. */
        event: 'token.invalidated'
        /** WeChat's errcode. */
        errcode: number
      } & TokenFields)
    | {
        /** An API rejected a token, and the client kept the current one. */
        event: 'token.invalidate_ignored'
        /**
         * Why: the rejected token had already been replaced, or another token was discarded less than 30 s ago (then the fault is
         * most likely the API's).
         */
        reason: 'already_replaced' | 'cooldown'
        /** WeChat's errcode. */
        errcode: number
        /** Fingerprint of the rejected token, as in {@link TokenFields.fingerprint}. */
        fingerprint: string
      }
    | ({
        /**
         * Another system uses this appid: WeChat replaced the token before it expired, and no process here requested that. With
         * `'classic'` this is a guess, because every request replaces the token.
         */
        event: 'token.replaced_externally'
        /** WeChat's errcode for the replaced token. */
        errcode: number
        /** What happened and what to do, in both languages. */
        message: string
      } & TokenFields)
    | {
        /** A call with `forceRefresh` failed: forced refreshes are at least 30 s apart and at most 10 a day. */
        event: 'rate_limit.exceeded'
        /** Which limit. */
        reason: 'forced_refresh_limit'
        /** When the next forced refresh is possible, in milliseconds from now. */
        retryAfterMs: number
      }
  )

/**
 * Events on `wxacode:redis`: the connection, and the locks in Redis. A thread that subscribes receives the events of the whole
 * process, starting with its next call.
 */
type RedisEvent =
  | {
      /** Redis became unreachable. Calls no longer wait for it; a background probe checks for recovery. */
      event: 'redis.down'
      /** When it happened, in milliseconds since 1970. */
      timestampMs: number
      /** Host and port, without user and password. */
      host: string
      /** Why, in both languages. */
      message: string
    }
  | {
      /** Redis is reachable again. */
      event: 'redis.up'
      /** When it happened, in milliseconds since 1970. */
      timestampMs: number
      /** Host and port, without user and password. */
      host: string
      /** How long it was down, in milliseconds. */
      outageMs: number
    }
  | {
      /**
       * Redis is reachable, but refuses what one account needs: the user has no permission for these keys or commands
       * (NOPERM), or a script fails. That account continues without Redis; other accounts are not affected. At most once a
       * minute.
       */
      event: 'redis.error'
      /** When it happened, in milliseconds since 1970. */
      timestampMs: number
      /** Host and port, without user and password. */
      host: string
      /** AppID of the account. */
      appid: string
      /** Code of the error. */
      code: 'ERR_WXA_REDIS'
      /** What Redis refused and what to do, in both languages. */
      message: string
    }
  | (WxaEvent & {
      /**
       * The value of a token or a code in Redis cannot be decrypted: it is incomplete, forged, or from another deployment.
       * The client replaces it.
       */
      event: 'redis.corrupt'
      /** Which value, in both languages. */
      message: string
    })
  | (WxaEvent & {
      /** Another process is fetching the token, and this one waits. */
      event: 'lock.wait'
      /** Maximum time that it waits, in milliseconds. */
      maxWaitMs: number
    })
  | (WxaEvent & {
      /** The lock expired before the other process had a token; this process fetches it instead. */
      event: 'lock.takeover'
    })
  | (WxaEvent & {
      /** With `cache.redis`: another process is requesting the same code, and this one waits. */
      event: 'qr_code_lock.wait'
      /** Maximum time that it waits, in milliseconds. */
      maxWaitMs: number
    })
  | (WxaEvent & {
      /** With `cache.redis`: this process requests the code itself. */
      event: 'qr_code_lock.skip'
      /** Why: the other process took too long, or failed. */
      reason: 'timeout' | 'error'
    })

/**
 * Events on `wxacode:request`: every request to WeChat, including retries. A thread receives only the events of its clients,
 * starting with its next call.
 */
type RequestEvent = WxaEvent &
  (
    | ({
        /** The request succeeded. */
        event: 'request.ok'
        /** HTTP status. */
        status: number
        /** Size of the response body, in bytes. */
        bodyBytes: number
      } & RequestFields)
    | ({
        /** The request failed. */
        event: 'request.error'
        /** HTTP status; absent if there was no response. */
        status?: number
      } & RequestFields &
        ErrorFields)
    | ({
        /** The call was aborted or timed out. */
        event: 'request.abort'
      } & RequestFields)
    | {
        /** A call of `getUnlimitedQRCode` could not be sent before its deadline. */
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

/** Members of events about a request to WeChat. */
interface RequestFields {
  /** `'getUnlimitedQRCode'`, `'stable_token'`, ..., or the path of {@link WxaCode.request}. */
  endpoint: string
  /** Host, without path. */
  host: string
  /** How long the request took, in milliseconds. */
  durationMs: number
}

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
   * in flight, then throws that error.
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

  /** Returns the counters of this client. */
  stats(): Stats

  /**
   * Rejects new calls with `ERR_WXA_CLOSED` and resolves once pending calls have finished. It is not required for the process to
   * exit.
   */
  close(): Promise<void>

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A text in Chinese and English. */
interface Bilingual {
  /** In Chinese. */
  zh: string
  /** In English. */
  en: string
}

/** Why something failed and what to do about it. */
interface Explanation {
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
declare class WxaCodeError<Code extends WxaErrorCode = WxaErrorCode> extends Error {
  protected constructor(...args: never[])
  /** Every JavaScript class has this. It is declared so that `instanceof` narrows to the union of all errors. */
  static [Symbol.hasInstance](value: unknown): value is AnyWxaCodeError
  /** What kind of error it is. */
  readonly code: Code
  /** What was called: `'getUnlimitedQRCode'`, `'stable_token'`, ..., or the path of {@link WxaCode.request}. */
  readonly endpoint?: string
  /**
   * Whether the same call may succeed later without a change. True for time-outs, rate limits, `ERR_WXA_REDIS`, failed
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
type ErrcodeScope = 'parameter' | 'token' | 'rate' | 'quota' | 'account' | 'ip' | 'configuration' | 'service'

/** WeChat responded with an errcode. `code` is `'ERR_WXA_API'`. */
declare class WeChatAPIError extends WxaCodeError<'ERR_WXA_API'> {
  /** See {@link WxaCodeError}. */
  static [Symbol.hasInstance](value: unknown): value is WeChatAPIError
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
declare class InvalidParamsError extends WxaCodeError<'ERR_WXA_PARAMS'> {
  /** See {@link WxaCodeError}. */
  static [Symbol.hasInstance](value: unknown): value is InvalidParamsError
  /** Name of the invalid parameter: `'scene'`, `'lineColor.r'`, `'secret'`, ... */
  readonly param: string
  /** The errcode that WeChat would respond with, if known. */
  readonly errcode?: number
  /** Cause and fix. */
  readonly explanation: Explanation
}

/** What an errcode means. */
interface ErrcodeExplanation extends Explanation {
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
type AnyWxaCodeError =
  | WeChatAPIError
  | InvalidParamsError
  | (WxaCodeError<'ERR_WXA_RATE_LIMIT'> & {
      /** When the call may be repeated, in milliseconds from now. */
      readonly retryAfterMs: number
    })
  | WxaCodeError<'ERR_WXA_TIMEOUT'>
  | WxaCodeError<'ERR_WXA_NETWORK'>
  | WxaCodeError<'ERR_WXA_RESPONSE'>
  | WxaCodeError<'ERR_WXA_REDIS'>
  | WxaCodeError<'ERR_WXA_CLOSED'>

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
    Bilingual,
    CacheOptions,
    CacheStats,
    CallOptions,
    CloudBase,
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
