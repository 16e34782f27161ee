// Traces on `node:diagnostics_channel`: calls, and the HTTP requests that they make.

import type { ErrorFields } from './events'

/**
 * One call, as published on the channels of `diagnostics_channel.tracingChannel('wxacode:call')`: `start`, `end`, `asyncStart`,
 * `asyncEnd` and `error`, as `TracingChannel.tracePromise` publishes them. All five get the same object, in the async context of
 * the caller.
 *
 * @example
 * ```js
 * const start = diagnostics_channel.channel('tracing:wxacode:call:start')
 * start.bindStore(storage, (call) => ({ method: call.method }))
 * ```
 */
export interface CallContext {
  /** Name of the method: `'getUnlimitedQRCode'`, `'request'`, `'getComponentAccessToken'`, ... */
  method: string
  /** AppID of the client, or of the platform. */
  appid: string
  /** AppID of the platform, if the method is a platform's or that of a merchant's client. */
  componentAppid?: string
  /** Path at WeChat, such as `'/wxa/getwxacodeunlimit'`; absent if the method stands for no one endpoint. */
  path?: string
  /**
   * For a subscriber of `start` to set: the `traceparent` of its span, as W3C's Trace Context has it. With
   * {@link WxaCodeOptions.propagateTraceparent} the requests of the call carry it. Anything else is ignored.
   */
  traceparent?: string
  /**
   * Where the picture of a code came from: a request of this call, the memory of this process, `cache.directory`, Redis, `cache.store`,
   * or the request of another call for the same picture. Absent for other methods, before `asyncStart`, and if the call failed.
   */
  source?: 'wechat' | 'memory' | 'disk' | 'redis' | 'store' | 'joined'
  /**
   * What the call resolved with, from `asyncStart` on. Absent where it is a secret or may hold one: `getAccessToken`,
   * `getComponentAccessToken`, `authorizationUrl`, `authorizers`, `receivePush` and `request`.
   */
  result?: unknown
  /** What the call rejected with, from `error` on. An error of wxacode contains no secret. */
  error?: unknown
  /** Set if the caller's own signal ended the call. Then `error` is not set, and not published. */
  aborted?: true
}

/**
 * One HTTP request to WeChat, as published on `wxacode:attempt` when it has ended, in the async context of the call. It never
 * contains a secret: neither a query nor a body.
 *
 * @example
 * ```js
 * diagnostics_channel.subscribe('wxacode:attempt', ({ call, purpose, status }) => logger.info(call?.method, purpose, status))
 * ```
 */
export interface AttemptMessage extends Partial<ErrorFields> {
  /**
   * The call that waited for the request: the object of {@link CallContext}. A token request that several calls wait for belongs
   * to the one that started it. Absent if no call waited, as for a token that is refreshed ahead of time.
   */
  call?: CallContext
  /** When the request began, in milliseconds since 1970, with fractions. */
  startTimeMs: number
  /** How long it took, connecting included, in milliseconds. */
  durationMs: number
  /** Scheme of the URL. */
  scheme: 'http' | 'https'
  /** Host of the URL, without port. */
  host: string
  /** Port of the URL, also if it is the usual one. */
  port: number
  /** HTTP method. */
  method: 'GET' | 'POST'
  /** Path of the URL, that of `baseUrl` included, without query. */
  path: string
  /** `'getUnlimitedQRCode'`, `'stable_token'`, ..., or the path of {@link WxaCode.request}, as in {@link RequestFields.endpoint}. */
  endpoint: string
  /**
   * What it was for: the picture of a code, a token (`stable_token`, `token`, `api_component_token`, `api_authorizer_token`), or
   * another API.
   */
  purpose: 'code' | 'token' | 'api'
  /** How many requests of this purpose the call had sent before: 0 for the first. */
  resendCount: number
  /** Whether it went out on a connection that was there; absent if it got none. */
  connectionReused?: boolean
  /** HTTP status; absent without a response. */
  status?: number
  /** Size of the response body, in bytes; absent if it did not arrive in full. */
  bodyBytes?: number
  /**
   * `true` if the call was aborted, or if its request was sent twice and the other one was answered first. There is no `code`
   * then. A request that was under way when its call timed out has `'ERR_WXA_TIMEOUT'`.
   */
  aborted?: true
}
