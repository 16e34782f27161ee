// The third-party platform: what a fake plays of it, and what it pushes.

import type { FakeOptions, FakeWeChat } from '../index.js'

/** One third-party platform (第三方平台), which calls WeChat on behalf of the merchants that have authorised it. */
export interface Platform {
  /**
   * AppID of the platform (`component_appid`).
   *
   * @defaultValue a new one
   */
  appid?: string
  /**
   * AppSecret of the platform (`component_appsecret`).
   *
   * @defaultValue a new one
   */
  secret?: string
  /**
   * Token that signs pushes (消息校验 Token).
   *
   * @defaultValue a new one
   */
  pushToken?: string
  /**
   * Key that encrypts pushes (消息加解密 Key): 43 letters and digits.
   *
   * @defaultValue a new one
   */
  encodingAESKey?: string
  /**
   * URL that receives the pushes (授权事件接收 URL), http or https with a certificate that Node trusts. It may have a query.
   *
   * @defaultValue none: a control that pushes then throws a TypeError, unless its option `push` is false
   */
  pushUrl?: string
  /**
   * Whether the fake pushes the ticket every 10 minutes of {@link FakeWeChat.clock} by itself: when the clock is moved over such
   * a time, or when it gets there.
   *
   * @defaultValue false: tickets are pushed by {@link FakeWeChat.pushTicket} and by `api_start_push_ticket` only
   */
  automaticPushes?: boolean
  /**
   * IP addresses that may call with the platform's AppSecret and with any token of the platform or of its merchants, in the
   * form of {@link FakeOptions.ipWhitelist}. The fake refuses all others with 61004.
   *
   * @defaultValue none: no check
   */
  ipWhitelist?: string[]
}

/** What a platform is configured with, including what the fake generated. */
export interface PlatformCredentials {
  /** AppID of the platform. */
  readonly appid: string
  /** AppSecret of the platform. */
  readonly secret: string
  /** Token that signs pushes. */
  readonly pushToken: string
  /** Key that encrypts pushes. */
  readonly encodingAESKey: string
}

/** Which platform a control is for. */
export interface PlatformChoice {
  /**
   * AppID of the platform.
   *
   * @defaultValue that of the first platform
   */
  platform?: string
}

/** Options of a push. All but `platform` and `createTime` make pushes that WeChat does not usually send. */
export interface PushOptions extends PlatformChoice {
  /**
   * `CreateTime` of the message, as a date or in milliseconds since 1970.
   *
   * @defaultValue the time of {@link FakeWeChat.clock}
   */
  createTime?: Date | number
  /**
   * Query parameter `msg_signature`.
   *
   * @defaultValue the right one
   */
  msgSignature?: string
  /**
   * AppID that is encrypted behind the message. Another one than the platform's makes a push that is for somebody else.
   *
   * @defaultValue that of the platform
   */
  encryptedAppid?: string
  /**
   * Key that encrypts this push.
   *
   * @defaultValue that of the platform
   */
  encodingAESKey?: string
  /**
   * Name of the element beside `Encrypt`: some pushes of WeChat have `ToUserName`.
   *
   * @defaultValue `'AppId'`
   */
  receiverElement?: 'AppId' | 'ToUserName'
}

/** Options of {@link FakeWeChat.pushTicket}. */
export interface TicketPushOptions extends PushOptions {
  /**
   * Ticket to push: an earlier one of {@link FakeWeChat.liveTickets}, or a text that the fake will refuse with 61006.
   *
   * @defaultValue the current one; it is replaced an hour after it was made
   */
  ticket?: string
  /**
   * Whether to make a new ticket first. Earlier ones stay valid for their 12 hours.
   *
   * @defaultValue false
   */
  newTicket?: boolean
}

/** Options of {@link FakeWeChat.unauthorize}, and some of {@link FakeWeChat.authorize}. */
export interface AuthorizationPushOptions extends PushOptions {
  /**
   * Whether the change is pushed. False plays a push that was lost.
   *
   * @defaultValue true
   */
  push?: boolean
}

/** Options of {@link FakeWeChat.authorize}. */
export interface AuthorizeOptions extends AuthorizationPushOptions {
  /**
   * Ids of the permission sets (权限集) that the merchant grants. Codes need 17, schemes and links need 88; without it they get
   * 61007.
   *
   * @defaultValue `[17, 88]`
   */
  permissions?: readonly number[]
}

/** A push that the fake has sent. `url` and `body` can be sent again as they are: a replay. */
export interface RecordedPush {
  /** When it was sent, in milliseconds since 1970 by the fake's clock. */
  readonly at: number
  /** AppID of the platform. */
  readonly platform: string
  /** The `InfoType` of the message; undefined if it has none. */
  readonly infoType: string | undefined
  /** The message before its encryption, in XML. */
  readonly message: string
  /** URL with the query that was sent. */
  readonly url: string
  /** Body that was sent. */
  readonly body: string
  /** HTTP status of the receiver's answer; absent until there is one. */
  readonly status?: number
  /** Body of the receiver's answer; absent until there is one. WeChat expects `success`. */
  readonly answer?: string
  /** Why there was no answer within 5 seconds. */
  readonly error?: Error
}

/**
 * The part of a fake WeChat that plays third-party platforms. Without the option `platforms` its methods throw a TypeError, or
 * reject with one.
 */
export interface FakePlatforms {
  /** All platforms, in the order of the option `platforms`, as they were when the fake started. */
  readonly platforms: readonly PlatformCredentials[]
  /** The latest pushes, oldest first, at most `keepRequests`. Always the same array. */
  readonly pushes: RecordedPush[]
  /**
   * Whether `api_authorizer_token` returns a new refresh token each time. The previous one stays valid for 300 s. False, as
   * users saw it, unless a test sets it.
   */
  rotateRefreshTokens: boolean
  /**
   * Whether the previous access token of a platform or a merchant stays valid for 300 s after a refresh. WeChat does not
   * document it. True, as for `/cgi-bin/token`, unless a test sets it.
   */
  overlapAccessTokens: boolean
  /**
   * Pushes `component_verify_ticket`, stopped or not.
   *
   * @returns the push, with the receiver's answer whatever it is
   * @throws an error if the receiver does not answer within 5 seconds, a TypeError without a `pushUrl`
   */
  pushTicket(options?: TicketPushOptions): Promise<RecordedPush>
  /**
   * Pushes any message.
   *
   * @param message - elements by name; `AppId` and `CreateTime` are put before them unless they are there. A string is sent as
   * it is.
   * @returns as `pushTicket`
   * @throws as `pushTicket`
   */
  push(message: string | Readonly<Record<string, string | number>>, options?: PushOptions): Promise<RecordedPush>
  /**
   * Authorises the platform on behalf of a merchant, and pushes `authorized`. A merchant that is none of `apps` becomes an
   * app with the default pages. A second authorisation replaces the refresh token, and pushes `updateauthorized`, but only if
   * the permission sets differ.
   *
   * @returns the authorization code, for `api_query_auth`: once, within 600 s
   * @throws as `pushTicket`; the merchant has authorised nevertheless
   */
  authorize(merchantAppid: string, options?: AuthorizeOptions): Promise<string>
  /**
   * Withdraws a merchant's authorisation, and pushes `unauthorized`. Its codes, its access tokens and its refresh token of
   * this platform are then refused.
   *
   * @returns the push, or undefined with `push: false`
   * @throws as `pushTicket`, a TypeError if the merchant has not authorised the platform
   */
  unauthorize(merchantAppid: string, options?: AuthorizationPushOptions): Promise<RecordedPush | undefined>
  /**
   * Stops automatic pushes. `api_start_push_ticket` then starts them again and pushes a ticket; as long as they are not
   * stopped it only responds `in a normal state`.
   */
  stopPushes(options?: PlatformChoice): void
  /** Returns the tickets that the fake accepts now, newest first. */
  liveTickets(options?: PlatformChoice): string[]
}
