// The class of third-party platforms.

import type WxaCode = require('../../index')

import type { AccessToken, CallOptions, CloseOptions } from './options'
import type {
  AuthorizationUrlOptions,
  Authorizer,
  CompletedAuthorization,
  ImportedAuthorizer,
  MerchantOptions,
  PlatformEvent,
  PlatformRequestOptions,
  PlatformStats,
  Push,
  WxaPlatformOptions,
} from './platform'

/**
 * A third-party platform (第三方平台): a provider that makes codes for merchants who have authorised it. Make one and keep it. Making
 * one uses no network. Platforms of a process with the same settings share their tokens, across worker threads too.
 *
 * @example
 * ```ts
 * const platform = new WxaPlatform({ appid, secret, pushToken, encodingAESKey, store: 'file:/var/lib/shop/wechat.json' })
 * const image = await platform.client(merchantAppid).getUnlimitedQRCode({ scene: 'id=42' })
 * ```
 */
export declare class WxaPlatform {
  /** @throws {@link InvalidParamsError} for a missing, unknown or invalid option */
  constructor(options: WxaPlatformOptions)

  /** AppID of the platform. */
  readonly appid: string

  /**
   * Takes a push of WeChat's: checks its signature, decrypts it, and saves what it brings. Tickets are kept, an authorisation is
   * completed in the background, and a merchant that has withdrawn is forgotten in the whole fleet. Answer `success` when the promise
   * has resolved, within 5 s.
   *
   * @example
   * ```ts
   * const event = await platform.receivePush({ query: request.query, body: request.body })
   * if (event.type === 'authorized') console.log(event)
   * ```
   * @throws {@link InvalidPushError} for a push that is not WeChat's, not for this platform, or unreadable; {@link WxaCodeError} with
   * `'ERR_WXA_STORE'` if it could not be saved: answer with an error, and WeChat pushes again
   */
  receivePush(push: Push): Promise<PlatformEvent>

  /**
   * Makes the client of a merchant. It is cheap, works as any other, and has the merchant's own limit of calls.
   *
   * @example
   * ```ts
   * const image = await platform.client(merchantAppid, { cache: true }).getQRCode({ path: 'pages/index/index' })
   * ```
   * @throws {@link InvalidParamsError} for an invalid appid or option
   */
  client(appid: string, options?: MerchantOptions): WxaCode

  /**
   * Gives the URL of the page on which a merchant authorises the platform, for half an hour.
   *
   * @throws as {@link WxaCode.getUnlimitedQRCode} does, and {@link WxaCodeError} with `'ERR_WXA_TICKET'` before the first push
   */
  authorizationUrl(options: AuthorizationUrlOptions, call?: CallOptions): Promise<string>

  /**
   * Exchanges the `auth_code` with which a merchant returns to `redirectUri`. The push of the same authorisation may come before or after it.
   *
   * @throws {@link WeChatAPIError} 61009 or 61010 for a code that was used or has expired
   */
  completeAuthorization(authorizationCode: string, call?: CallOptions): Promise<CompletedAuthorization>

  /**
   * Takes over a merchant from another program: stores its refresh token, and asks WeChat nothing. It can be repeated: the import of
   * a refresh token that is stored keeps the merchant's access token.
   */
  importAuthorizer(authorizer: ImportedAuthorizer, call?: CallOptions): Promise<void>

  /** Forgets a merchant for good: it is not looked up at WeChat until it is imported or authorises anew. */
  removeAuthorizer(appid: string, call?: CallOptions): Promise<void>

  /**
   * Reads all merchants that have authorised the platform, from WeChat, 500 at a time.
   *
   * @example
   * ```ts
   * for await (const { appid, authorizedAt } of platform.authorizers()) console.log(appid, authorizedAt)
   * ```
   */
  authorizers(call?: CallOptions): AsyncGenerator<Authorizer, void, undefined>

  /** Gives the component access token, for calls that you make by yourself. */
  getComponentAccessToken(call?: CallOptions): Promise<AccessToken>

  /** Asks WeChat to push tickets again, after the pushes have stopped. */
  startPushTicket(call?: CallOptions): Promise<void>

  /**
   * Calls any API that takes the component access token, with `POST`. `component_appid` is added to the body where it is missing.
   *
   * @returns the response as JSON; pictures as a Buffer
   */
  request<T = unknown>(path: string, options?: PlatformRequestOptions): Promise<T>

  /**
   * Fetches the component access token, so that a wrong AppSecret, an IP address that is not on the whitelist or a store that does not
   * answer is known at the start. With a good token it sends no request to WeChat.
   *
   * Do not let a new platform's server wait for it before it listens: the first ticket is pushed to that server, every 10 minutes.
   *
   * @throws as {@link getComponentAccessToken} does; `'ERR_WXA_TICKET'` if no ticket was pushed until the deadline
   */
  ready(call?: CallOptions): Promise<void>

  /** Gives counters and the state of ticket, token and store. */
  stats(): PlatformStats

  /**
   * Closes the platform and the clients of its merchants, after the calls that have begun. Then another process can use its file. Later
   * calls fail with `'ERR_WXA_CLOSED'`. `timeoutMs` works as in {@link WxaCode.close}, for the calls and batches of merchants too; after
   * it, what is unsaved is still saved.
   */
  close(options?: CloseOptions): Promise<void>

  /** Does what `close()` does, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
