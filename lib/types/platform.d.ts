// Third-party platforms (第三方平台): one object for the provider, a client for each of its merchants.

import type { ErrorFields, WxaEvent } from './events'
import type { CacheOptions, CallOptions, RedisOptions } from './options'

/**
 * Keeps what WeChat gives only once: tickets and refresh tokens. The values are encrypted with a key that follows from the platform's
 * AppSecret. Each operation has 3 s.
 */
export interface PlatformStore {
  /** Gives the bytes of a key, or `undefined` if there are none. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Stores bytes. When the promise resolves, they must outlast a crash. */
  set(key: string, value: Uint8Array): Promise<void>
  /** Deletes a key, whether or not it is there. */
  delete(key: string): Promise<void>
}

/** Options of a platform. Unknown ones are refused. */
export interface WxaPlatformOptions {
  /** AppID of the platform (`component_appid`). */
  appid: string
  /** AppSecret of the platform. */
  secret: string
  /** 消息校验 Token of the platform's page on open.weixin.qq.com. Needed in processes that receive pushes. */
  pushToken?: string | undefined
  /** 消息加解密 Key of that page; while it is being changed, `[current, previous]`. Needed in processes that receive pushes. */
  encodingAESKey?: string | readonly [string, string] | undefined
  /**
   * Where tickets and refresh tokens are kept. Without it they are in `redis`.
   *
   * - `'file:/var/lib/shop/wechat.json'`: one file, for one process. Every change is on the disk before it counts.
   * - an object of your own, such as a table of your database; with several processes, give `redis` too
   * - `'memory'`: for tests. After a restart nothing works before the next push.
   */
  store?: string | PlatformStore | undefined
  /** Redis in which the processes of a fleet share tokens and locks, and the records unless there is a `store`. */
  redis?: string | RedisOptions | undefined
  /** As {@link WxaCodeOptions.baseUrl}. */
  baseUrl?: string | readonly string[] | undefined
  /** As {@link WxaCodeOptions.propagateTraceparent}. */
  propagateTraceparent?: boolean | undefined
  /** As {@link WxaCodeOptions.proxy}. */
  proxy?: string | undefined
  /** As {@link WxaCodeOptions.ca}. */
  ca?: string | Uint8Array | undefined
  /**
   * Time limit of a call in milliseconds, for merchants' clients too unless they have one of their own.
   *
   * @defaultValue 10000
   */
  timeoutMs?: number | undefined
  /**
   * How often a call is retried after a transient failure, for merchants' clients too unless they have their own number.
   *
   * @defaultValue 2
   */
  retries?: number | undefined
  /** As {@link WxaCodeOptions.lang}. */
  lang?: 'zh' | 'en' | undefined
}

/** Options of a merchant's client. */
export interface MerchantOptions {
  /** As {@link WxaCodeOptions.cache}. */
  cache?: boolean | CacheOptions | undefined
  /** As {@link WxaCodeOptions.ratePerMinute}. Every merchant has its own 5000 calls a minute. */
  ratePerMinute?: number | undefined
  /** Time limit of a call in milliseconds. The default is that of the platform. */
  timeoutMs?: number | undefined
  /** How often a call is retried after a transient failure. The default is that of the platform. */
  retries?: number | undefined
}

/** A push as it arrived. */
export interface Push {
  /** The query of the URL. A value that is an array is refused. */
  query: Readonly<Record<string, unknown>> | URLSearchParams
  /** The body: a string, bytes, or what an XML parser has made of it, `{ xml: { Encrypt } }`. At most 64 KiB. */
  body: unknown
}

/** A push that brought a ticket. The ticket itself is not in it. */
export interface TicketEvent {
  /** What was pushed. */
  type: 'component_verify_ticket'
  /** When WeChat made the push. */
  createTime: Date
}

/** A merchant has authorised the platform, or changed what it has granted. */
export interface AuthorizedEvent {
  /** What was pushed. */
  type: 'authorized' | 'updateauthorized'
  /** When WeChat made the push. */
  createTime: Date
  /** AppID of the merchant. */
  authorizerAppid: string
  /** The code, which wxacode exchanges by itself. */
  authorizationCode: string
  /** When the code expires. */
  authorizationCodeExpiresAt?: Date
  /** Code of the page on which the merchant authorised. */
  preAuthCode?: string
}

/** A merchant has withdrawn its authorisation. */
export interface UnauthorizedEvent {
  /** What was pushed. */
  type: 'unauthorized'
  /** When WeChat made the push. */
  createTime: Date
  /** AppID of the merchant. */
  authorizerAppid: string
}

/** Never made: TypeScript narrows by a property only where every type of it is one value. */
declare enum Unlisted {
  Type = 'any other',
}

/**
 * A string that is none of the types above, such as `'notify_third_fasteregister'`. TypeScript takes it for one value, so that
 * `event.type === 'authorized'` narrows the event. To compare it, make it a string: `const type: string | undefined = event.type`.
 */
export type OtherPlatformEventType = Unlisted.Type

/** Any other push. */
export interface OtherPlatformEvent {
  /** `InfoType`, else `Event`, else `MsgType`; absent if the message has none of them. */
  type?: OtherPlatformEventType
  /** The message by WeChat's names: strings, objects without prototype, and arrays of what is repeated. */
  fields: Readonly<Record<string, unknown>>
}

/** What a push says. A comparison of `type` with one of the names above narrows it. */
export type PlatformEvent = TicketEvent | AuthorizedEvent | UnauthorizedEvent | OtherPlatformEvent

/** The page on which a merchant authorises the platform. */
export interface AuthorizationUrlOptions {
  /** Where the merchant returns to, with `auth_code` in the query. Its host must be the one of the platform's page on open.weixin.qq.com. */
  redirectUri: string
  /** Which accounts the page offers: 1 official accounts, 2 mini-programs, 3 both, and WeChat's other numbers. */
  authType?: number | undefined
  /** AppID of the only account that may be chosen. */
  bizAppid?: string | undefined
  /**
   * Whether the page is for a browser inside WeChat on a phone, in place of one that shows a QR code.
   *
   * @defaultValue false
   */
  mobile?: boolean | undefined
}

/** A merchant that another program has served so far. */
export interface ImportedAuthorizer {
  /** AppID of the merchant. */
  appid: string
  /** Its `authorizer_refresh_token`. */
  refreshToken: string
}

/** A merchant that was authorised. */
export interface CompletedAuthorization {
  /** AppID of the merchant. */
  appid: string
  /** The permission sets that it has granted: 17 for codes, 88 for links. */
  permissions: number[]
}

/** A merchant in WeChat's list. */
export interface Authorizer {
  /** AppID of the merchant. */
  appid: string
  /** When it has authorised the platform. */
  authorizedAt: Date
}

/** Options of {@link WxaPlatform.request}. */
export interface PlatformRequestOptions extends CallOptions {
  /** Added to the query. The token is there already. */
  query?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Sent as JSON, with `component_appid` where it has none. */
  body?: object | undefined
  /** As {@link WxaCodeOptions.retries}, for this call. */
  retries?: number | undefined
}

/** Counters and state of a platform. */
export interface PlatformStats {
  /** Requests with the component access token, including retries and replays. */
  requests: number
  /** Component access tokens that this process has fetched. */
  refreshes: number
  /**
   * How long ago the last ticket came, in milliseconds; absent if none has come yet. It is known as soon as the store was read, a
   * moment after the platform was made.
   */
  ticketAgeMs?: number
  /** Whether WeChat has refused the last ticket. */
  ticketRefused: boolean
  /** Age of the component access token, in milliseconds; absent if there is none. */
  tokenAgeMs?: number
  /** Whether the store worked when it was last used. */
  store: 'up' | 'down'
  /** Records that wait in memory to be saved. */
  unsaved: number
  /** State of Redis. Absent without the option `redis`. */
  redis?: 'up' | 'down'
}

/** Events on `wxacode:platform`. `appid` is that of the platform, or of the merchant that the event is about. */
export type PlatformStateEvent = WxaEvent &
  (
    | {
        /** A newer ticket was pushed. */
        event: 'ticket.received'
      }
    | ({
        /** Calls wait for a ticket: none has come yet, or WeChat has refused the last one. Once for all calls that wait. */
        event: 'ticket.awaited'
      } & ErrorFields)
    | ({
        /** WeChat refused the ticket. It is not sent again. */
        event: 'ticket.refused'
      } & ErrorFields)
    | {
        /** An authorization code was exchanged for the tokens of the merchant. */
        event: 'authorization.completed'
      }
    | ({
        /** An authorization code that was pushed could not be exchanged. */
        event: 'authorization.failed'
      } & ErrorFields)
    | {
        /** The tokens of the merchant were forgotten. */
        event: 'authorization.ended'
        /** Whether the merchant has withdrawn, or was removed here. */
        reason: 'withdrawn' | 'removed'
      }
    | ({
        /**
         * A refresh token could not be saved: it is in memory, and saved before its access token is used. Or, with the reason
         * `'damaged'`, a value in Redis cannot be decrypted: it counts as absent and is replaced.
         */
        event: 'store.error'
      } & ErrorFields)
    | {
        /** The store was empty and was filled again, from memory or from WeChat's list. */
        event: 'store.restored'
        /** Number of records. */
        count: number
      }
    | {
        /** All merchants were read at WeChat. */
        event: 'list.read'
        /** Number of merchants. */
        count: number
        /** How long that took, in milliseconds. */
        durationMs: number
      }
  )
