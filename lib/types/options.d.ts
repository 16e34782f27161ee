// Options of a client and of its calls.

/**
 * Custom source of access tokens, for example a central token service. The client calls it when it has no valid token, and
 * caches the result as {@link ProvidedToken} says. An error that it throws rejects the call unchanged.
 */
export type TokenProvider = (request: {
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
export type ProvidedToken =
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
export interface WxaCodeOptions {
  /**
   * AppID of the mini-program: `wx` and 16 letters or digits. Required. Its type has `undefined` so that
   * `process.env.WXACODE_APPID` compiles; the constructor rejects `undefined`.
   */
  appid: string | undefined
  /**
   * AppSecret of the mini-program, at most 256 bytes without white space. Required with token `'stable'` and `'classic'`. It
   * appears in no error and no event, even if a server repeats it (docs/en/security.md says what is searched for).
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
   * Whether requests carry the `traceparent` that a subscriber of `tracing:wxacode:call:start` has given their call (see
   * {@link CallContext.traceparent}; wxacode-otel gives it), so that a gateway of yours takes part in the trace. WeChat's own
   * hosts, `weixin.qq.com` and those below it, never get it.
   *
   * @defaultValue false
   */
  propagateTraceparent?: boolean
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
export interface RedisOptions {
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
 * How codes are cached. A code is looked for in memory, in `directory`, and in Redis or `store`, in this order; what is found further
 * away is copied to what is nearer. Clients of the same account with the same options share a cache, across worker threads too; with a
 * `store`, those of one thread. A client with a token function or token `'none'` has a separate cache.
 */
export interface CacheOptions {
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
  /**
   * Directory on this machine in which codes are cached too, so that a restart loses none. It is made if it is missing. All processes
   * of the machine can use the same directory, and so can all accounts: files are encrypted with a key that is derived from the AppSecret,
   * and a file that is incomplete, damaged or of another account is never served. It requires a `secret`, which token `'none'` and
   * a token function have none of.
   *
   * The constructor throws if the path is no directory or cannot be written. What goes wrong later, such as a full disk, costs no
   * call: it is reported on `wxacode:cache`, see {@link CacheEvent}.
   *
   * @defaultValue none; an empty string counts as left out
   */
  directory?: string | undefined
  /**
   * Maximum size of the files in `directory`, in bytes, a whole number from 1: of all processes and accounts together. When there is
   * more, one process removes the files that were not used for longest, until nine tenths are left. There can be a twentieth more for
   * each process, which counts after it has written as much, or after a minute.
   *
   * @defaultValue 1073741824 (1 GiB)
   */
  maxDiskBytes?: number
  /**
   * Your own store of codes, such as a bucket or a table, so that a fleet requests each only once. It cannot be combined with `redis:
   * true`. An object with `get` and `set`, such as a `Map`.
   *
   * @defaultValue none
   */
  store?: CodeStore | undefined
}

/**
 * A store of codes of your own. Whatever it does, no call fails: if `get` throws, takes too long, or gives anything but a whole JPEG
 * or PNG, the code is requested from WeChat, and an event reports it, see {@link CacheEvent}. Pictures are stored as they are, so
 * that the store can serve them itself. What is in the store is trusted: a code in it can be replaced by whoever can write there.
 *
 * Both functions run in the async context of the call that the code is for, if that is traced.
 */
export interface CodeStore {
  /**
   * Gives the picture of a code, or `undefined` or `null` if there is none. A call waits for it for a fifth of its time at most, 2 s
   * with the usual `timeoutMs`; a store that did not answer in half a second or more is not asked again for 5 s.
   *
   * @param key the same in all releases: AppID, `/` and {@link codeKey}, of the characters `A-Z a-z 0-9 _ . / -`. Codes of a client with
   *   a token function or token `'none'`, of whose AppID there is no proof, have `/unverified` behind the AppID, and codes that do not
   *   come from WeChat's own hosts `/host-` and 16 digits, which follow from `baseUrl`
   */
  get(key: string, context: CodeStoreContext): Uint8Array | null | undefined | Promise<Uint8Array | null | undefined>
  /**
   * Stores the picture of a code. No call waits for it; `close()` does, 10 s at most.
   *
   * @param image a Buffer of its own
   * @returns a promise, which is awaited, or anything else
   */
  set(key: string, image: Buffer, context: CodeStoreContext): unknown
}

/** What a {@link CodeStore} gets besides the key. */
export interface CodeStoreContext {
  /** AppID of the account. */
  readonly appid: string
  /** Aborts when the result is no longer waited for. */
  readonly signal: AbortSignal
}

/** Options of one call. */
export interface CallOptions {
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

/** Options of {@link WxaCode.close} and {@link WxaPlatform.close}. */
export interface CloseOptions {
  /**
   * How long to wait for running calls and batches, and for codes that are being written to `cache.directory` or `cache.store`, in
   * milliseconds. More than 0, at most 86400000 (a day). After that calls fail with `ERR_WXA_CLOSED`.
   *
   * @defaultValue none: calls are waited for until their own deadlines, and each write for 10 s
   */
  timeoutMs?: number
}

/** Result of {@link WxaCode.getAccessToken}. */
export interface AccessToken {
  /** The token. It is a secret: do not log it. */
  accessToken: string
  /** When the token expires, by the clock of this machine. */
  expiresAt: Date
}
