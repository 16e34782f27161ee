// Events on `node:diagnostics_channel`, and statistics.

import type { StoreErrorReason, WxaErrorCode } from './errors'

/** Counters of one client since it was made. */
export interface Stats {
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
  /**
   * How many of its 100,000 codes the account has used, as WeChat has last told it. Absent until it has: WeChat tells it in answers
   * to {@link WxaCode.getQRCode}. With the option `redis` a client also learns what other processes were told, with its first call.
   */
  lifetimeQuota?: LifetimeQuota
  /** Where this client's codes came from. Absent without the option `cache`. */
  cache?: CacheStats
}

/**
 * Codes of an account that count for ever: those of {@link WxaCode.getQRCode} and {@link WxaCode.createQRCode} together.
 * {@link https://developers.weixin.qq.com/miniprogram/dev/server/API/qrcode-link/qr-code/api_getqrcode.html}
 */
export interface LifetimeQuota {
  /** Codes that the account has used. */
  used: number
  /** Codes that an account has in all: 100000. */
  limit: number
  /** When WeChat told it, in milliseconds since 1970. */
  timestampMs: number
}

/** Counters of one client's calls for codes, and the size of its cache. */
export interface CacheStats {
  /** Calls answered from the memory of this process. */
  hits: number
  /** Calls answered from the directory on this machine. */
  diskHits: number
  /** Calls answered from Redis, with a code that another process put there. */
  redisHits: number
  /** Calls answered from `cache.store`. */
  storeHits: number
  /** Calls that shared the request of another call for the same code. */
  coalesced: number
  /** Calls that had to request the code from WeChat. */
  misses: number
  /** Codes in the memory of this process now, of all clients that share the cache. */
  entries: number
  /** Size of these codes, in bytes. */
  sizeBytes: number
  /**
   * Size of the files in `cache.directory`, of all processes and accounts, in bytes, as far as this process knows. Absent without
   * a directory, and until this process has written there.
   */
  diskBytes?: number
}

/**
 * Members of every event. Events are published on `node:diagnostics_channel`. Their names have the form
 * `subject.what_happened`. They never contain a secret.
 */
export interface WxaEvent {
  /** When it happened, in milliseconds since 1970. */
  timestampMs: number
  /** AppID of the account. */
  appid: string
  /** Where the client's token comes from; absent with token `'none'`. */
  mode?: 'stable' | 'classic' | 'provider' | 'component' | 'authorizer'
}

/** Members of events about a token. */
export interface TokenFields {
  /** Eight hexadecimal digits that identify the token: the same in all processes that know the AppSecret. */
  fingerprint: string
  /** Number of the token among those that this process has had, from 1. */
  tokenNumber: number
}

/** Members of events about a failure. */
export interface ErrorFields {
  /** Code of the error. */
  code: WxaErrorCode
  /** WeChat's errcode, with `'ERR_WXA_API'`. */
  errcode?: number
  /** WeChat's request id, with `'ERR_WXA_API'` if WeChat returned one. */
  rid?: string
  /** What is wrong with the store, with `'ERR_WXA_STORE'`. */
  reason?: StoreErrorReason
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
export type TokenEvent = WxaEvent &
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
export type RedisEvent =
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
 * Events on `wxacode:cache`: what went wrong with the directory or the store of cached codes. No call fails because of it. A thread that
 * subscribes receives the events of the whole process, starting with its next call.
 */
export type CacheEvent = WxaEvent &
  (
    | {
        /**
         * The operating system refused to read or write `cache.directory`, or did not answer in time: the disk is full, for example. At
         * most once in a second.
         */
        event: 'cache_disk.error'
        /** What failed: to read or write a code, or to remove old ones. */
        operation: 'read' | 'write' | 'evict'
        /** Path and cause, in both languages. */
        message: string
      }
    | {
        /** A file in `cache.directory` could not be decrypted: it is incomplete, damaged or forged. The client removes it. */
        event: 'cache_disk.corrupt'
        /** What happened, in both languages. */
        message: string
      }
    | {
        /** A function of `cache.store` failed. */
        event: 'cache_store.error'
        /** Which function. */
        operation: 'get' | 'set'
        /** How: it threw, it took too long, or it gave no whole JPEG or PNG. */
        reason: 'threw' | 'timeout' | 'invalid'
        /** What happened, in both languages. */
        message: string
      }
  )

/**
 * Events on `wxacode:request`: every request to WeChat, including retries. A thread receives only the events of its clients,
 * starting with its next call.
 */
export type RequestEvent = WxaEvent &
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
        /** The call was aborted or timed out, or its request was sent twice and the other one was answered first. */
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
    | ({
        /**
         * The account has used 50, 80, 90, 95 or 99 percent of its codes, see {@link Stats.lifetimeQuota}. Each is told once: by one
         * process of those that share a Redis, else by each process.
         */
        event: 'lifetime_quota.reached'
        /** The highest of these percentages that is reached. */
        percent: 50 | 80 | 90 | 95 | 99
      } & Omit<LifetimeQuota, 'timestampMs'>)
  )

/** Members of events about a request to WeChat. */
export interface RequestFields {
  /** `'getUnlimitedQRCode'`, `'stable_token'`, ..., or the path of {@link WxaCode.request}. */
  endpoint: string
  /** Host, without path. */
  host: string
  /** How long the request took, in milliseconds. */
  durationMs: number
}
