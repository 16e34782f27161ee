/** How the package is used from TypeScript. It is compiled and never run. */

import { subscribe } from 'node:diagnostics_channel'
import DefaultWxaCode, {
  type AccessToken,
  type AnyWxaCodeError,
  type AttemptMessage,
  type BatchJob,
  type BatchResult,
  type CacheEvent,
  type CacheStats,
  type CallContext,
  type CallOptions,
  type CloseOptions,
  type CodeImage,
  type CreateQRCodeParams,
  check,
  type EnvVersion,
  type ErrcodeExplanation,
  type ErrcodeScope,
  type Explanation,
  explain,
  InvalidParamsError,
  type InvalidPushError,
  imageType,
  type ProvidedToken,
  type PushErrorReason,
  type QRCodeParams,
  type Quota,
  type RedisEvent,
  type RequestEvent,
  type RidInfo,
  type SchemeInfo,
  type Stats,
  type StoreErrorReason,
  type Style,
  type TokenEvent,
  type TokenProvider,
  type UnlimitedQRCodeParams,
  type UrlLinkInfo,
  WeChatAPIError,
  WxaCode,
  WxaCodeError,
  type WxaCodeOptions,
  type WxaErrorCode,
} from 'wxacode'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

const appid = 'wx0123456789abcdef'
const secret = 'secret'

export const options: WxaCodeOptions[] = [
  { appid, secret },
  { appid, secret, token: 'stable', baseUrl: 'https://api.weixin.qq.com' },
  { appid, secret, token: 'classic', baseUrl: ['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'] },
  { appid, token: 'none', fromAppid: appid },
  { appid, token: () => 'token' },
  { appid, token: async ({ appid, rejected }) => `${appid} ${rejected?.accessToken} ${rejected?.errcode.toFixed()}` },
  { appid, token: async () => ({ accessToken: 'token', expiresIn: 7200 }) },
  { appid, token: async () => ({ access_token: 'token', expires_in: 7200 }) },
  { appid, secret, timeoutMs: 5000, retries: 0, ratePerMinute: Number.POSITIVE_INFINITY, proxy: 'env', ca: 'PEM' },
  { appid, secret, ca: Buffer.from('PEM') },
  { appid, secret, cache: true },
  { appid, secret, cache: { directory: process.env.CODES, maxDiskBytes: 1e9, store: new Map<string, Buffer>() } },
  { appid, secret, cache: { store: { get: async (_, { signal }) => (signal.aborted ? null : undefined), set() {} } } },
  // @ts-expect-error set is missing
  { appid, secret, cache: { store: { get: () => undefined } } },
  // @ts-expect-error a picture is bytes
  { appid, secret, cache: { store: { get: () => 'picture', set() {} } } },
  { appid, secret, redis: 'redis://h', cache: { maxBytes: 1e6, ttlMs: 1000, redis: true, maxEntryBytes: 1e5 } },
  // @ts-expect-error the name is ttlMs
  { appid, secret, cache: { ttl: 1000 } },
  { appid, secret, baseUrl: undefined, token: undefined },
  { appid: process.env.WXACODE_APPID, secret: process.env.WXACODE_SECRET, redis: process.env.WXACODE_REDIS },
  // @ts-expect-error appid is missing
  { secret },
  // @ts-expect-error a word that there is not
  { appid, secret, token: 'stabel' },
  // @ts-expect-error the name is appid
  { appId: appid, secret },
  // @ts-expect-error the name is timeoutMs
  { appid, secret, timeout: 5000 },
  // @ts-expect-error a number
  { appid, secret, retries: '2' },
  // @ts-expect-error expiresIn is missing
  { appid, token: () => ({ accessToken: 'token' }) },
  // @ts-expect-error a provider always gives a token
  { appid, token: () => undefined },
]

export const provider: TokenProvider = (request) => {
  same<typeof request.appid, string>(true)
  same<typeof request.rejected, { accessToken: string; errcode: number } | undefined>(true)
  return request.rejected ? Promise.resolve('another') : { accessToken: 'token', expiresIn: 7200 }
}
same<ProvidedToken, string | { accessToken: string; expiresIn: number } | { access_token: string; expires_in: number }>(
  true,
)
same<EnvVersion, 'release' | 'trial' | 'develop'>(true)

const style: Style = { width: 430, autoColor: false, lineColor: { r: 0, g: 0, b: 0 }, isHyaline: true }
const red: Style = { lineColor: '#ff0000' }
const unlimited: UnlimitedQRCodeParams = {
  scene: 'id=42',
  page: 'pages/a',
  checkPath: false,
  showSplashAd: false,
  envVersion: 'trial',
  ...style,
}
const limited: QRCodeParams = { path: 'pages/a?id=42', envVersion: 'release', ...style, ...red }
const square: CreateQRCodeParams = { path: 'pages/a?id=42', width: 430 }

export async function calls(wxa: WxaCode, signal: AbortSignal) {
  const call: CallOptions = { signal, timeoutMs: 1000 }
  const image = await wxa.getUnlimitedQRCode(unlimited, call)
  same<typeof image, CodeImage>(true)
  const bodies = [new Response(image), new Blob([image]), await crypto.subtle.digest('SHA-256', image)]
  const images: Buffer[] = [image, await wxa.getQRCode(limited), await wxa.createQRCode(square, { timeoutMs: 1 })]
  const token: AccessToken = await wxa.getAccessToken()
  await wxa.getAccessToken({ forceRefresh: true, signal })
  same<typeof token.expiresAt, Date>(true)
  same<ReturnType<typeof wxa.invalidateAccessToken>, void>(true)
  wxa.invalidateAccessToken(token.accessToken)
  const stats: Stats = wxa.stats()
  const numbers: (number | undefined)[] = [
    stats.requests,
    stats.images,
    stats.imageBytes,
    stats.replays,
    stats.refreshes,
  ]
  numbers.push(stats.errors['41030'], stats.errors.ERR_WXA_TIMEOUT, stats.tokenAgeMs)
  const limit: CloseOptions = { timeoutMs: 10_000 }
  same<Awaited<ReturnType<typeof wxa.ready>>, void>(true)
  await wxa.ready(call)
  await wxa.close(limit)
  await wxa.close()
  return [images, bodies]
}

export async function misuse(wxa: WxaCode) {
  // @ts-expect-error scene is missing
  await wxa.getUnlimitedQRCode({ page: 'pages/a' })
  // @ts-expect-error the name is page
  await wxa.getUnlimitedQRCode({ scene: 'a', path: 'pages/a' })
  // @ts-expect-error the name is checkPath
  await wxa.getUnlimitedQRCode({ scene: 'a', check_path: false })
  // @ts-expect-error a version that there is not
  await wxa.getUnlimitedQRCode({ scene: 'a', envVersion: 'dev' })
  // @ts-expect-error a number
  await wxa.getUnlimitedQRCode({ scene: 'a', width: '430' })
  // @ts-expect-error a boolean
  await wxa.getQRCode({ path: 'a', isHyaline: 1 })
  // @ts-expect-error b is missing
  await wxa.getQRCode({ path: 'a', lineColor: { r: 0, g: 0 } })
  // @ts-expect-error the name is path
  await wxa.getQRCode({ page: 'pages/a' })
  // @ts-expect-error it has no style
  await wxa.createQRCode({ path: 'a', isHyaline: true })
  // @ts-expect-error an AbortSignal
  await wxa.createQRCode(square, { signal: new AbortController() })
  // @ts-expect-error an option of getAccessToken alone
  await wxa.createQRCode(square, { forceRefresh: true })
  // @ts-expect-error an option of getAccessToken alone
  await wxa.ready({ forceRefresh: true })
  // @ts-expect-error the name is timeoutMs
  await wxa.close({ timeout: 1 })
  // @ts-expect-error a token
  wxa.invalidateAccessToken()
  // @ts-expect-error options
  new WxaCode()
  // @ts-expect-error errors are made by the package
  new WxaCodeError('text')
  // @ts-expect-error errors are made by the package
  new WeChatAPIError()
}

export async function batches(wxa: WxaCode, signal: AbortSignal) {
  const jobs: BatchJob[] = [
    { kind: 'unlimited', ...unlimited },
    { kind: 'limited', ...limited, meta: { row: 1 } },
    { kind: 'qrcode', ...square },
    // @ts-expect-error a square code has no scene
    { kind: 'qrcode', scene: 'a' },
    // @ts-expect-error a kind that there is not
    { kind: 'round', scene: 'a' },
  ]
  for await (const result of wxa.batch(jobs, { concurrency: 4, signal, timeoutMs: 1000 })) {
    same<typeof result, BatchResult<BatchJob>>(true)
    if (result.image) same<typeof result.image, CodeImage>(true)
    else same<typeof result.error, Error>(true)
  }
  async function* mine() {
    yield { kind: 'unlimited' as const, scene: 'a', meta: { row: 1 } }
  }
  for await (const { job, index } of wxa.batch(mine())) {
    same<typeof job.meta.row, number>(true)
    same<typeof index, number>(true)
  }
  // What a generator yields has a `kind` and an `envVersion` that are widened to strings.
  async function* widened() {
    yield Math.random() < 0.5 ? { kind: 'unlimited', scene: 'a', envVersion: 'trial' } : { kind: 'limited', path: 'a' }
    yield { kind: 'qrcode', path: 'a', meta: { row: 1 } }
  }
  for await (const { job, image } of wxa.batch(widened())) {
    same<typeof job.kind, string>(true)
    if (image) same<typeof image, CodeImage>(true)
  }
  function* rows() {
    yield { kind: 'unlimited', scene: 'a', meta: { row: 1 } }
  }
  for await (const { job } of wxa.batch(rows())) same<typeof job.meta.row, number>(true)
  for await (const { job } of wxa.batch([{ kind: 'qrcode', path: 'a', meta: 1 }])) same<typeof job.meta, number>(true)
  // @ts-expect-error a square code has no scene
  wxa.batch([{ kind: 'qrcode', scene: 'a' }])
  // @ts-expect-error a kind that there is not
  wxa.batch([{ kind: 'round', scene: 'a' }])
  // @ts-expect-error jobs are iterable
  wxa.batch({ kind: 'qrcode', path: 'a' })
}

export async function otherApis(wxa: WxaCode, signal: AbortSignal) {
  const phone = await wxa.request<{ phone_info: object }>('/wxa/business/getuserphonenumber', {
    body: { code: 'c' },
    query: { a: 'b', n: 1, yes: true },
    method: 'POST',
    retries: 0,
    signal,
  })
  same<typeof phone.phone_info, object>(true)
  const { ip_list } = await wxa.request('/cgi-bin/get_api_domain_ip')
  const addresses: string[] = ip_list
  // @ts-expect-error a method that there is not
  await wxa.request('/wxa/a', { method: 'PUT' })
  // @ts-expect-error an object
  await wxa.request('/wxa/a', { body: '{}' })
  const links: string[] = [
    await wxa.generateScheme(),
    await wxa.generateScheme({ jumpWxa: { path: 'a', query: 'b=1', envVersion: 'trial' }, expireTime: new Date() }),
    await wxa.generateUrlLink({ path: 'a', expireInterval: 30, cloudBase: { env: 'e' } }, { signal }),
    await wxa.generateShortLink({ pageUrl: 'a?b=1', pageTitle: 't', isPermanent: false }),
    await wxa.generateNFCScheme({ modelId: 'm', sn: 's' }),
  ]
  // @ts-expect-error a Date
  await wxa.generateScheme({ expireTime: 1 })
  // @ts-expect-error pageUrl is missing
  await wxa.generateShortLink({})
  const scheme: SchemeInfo = await wxa.queryScheme({ scheme: links[0] })
  const urlLink: UrlLinkInfo = await wxa.queryUrlLink({ urlLink: links[2], queryType: 1 })
  const dates: (Date | undefined)[] = [scheme.schemeInfo?.createTime, scheme.schemeInfo?.expireTime]
  const quota: Quota = await wxa.getQuota('/wxa/getwxacode')
  const rid: RidInfo = await wxa.getRid('6-7-8', { signal })
  same<Awaited<ReturnType<typeof wxa.clearQuota>>, void>(true)
  const cache: CacheStats | undefined = wxa.stats().cache
  return [
    addresses,
    links,
    urlLink.quotaInfo?.remainVisitQuota,
    dates,
    quota.rateLimit?.callCount,
    rid.invokeTime,
    cache?.hits,
  ]
}

export const wrong: (InvalidParamsError | undefined)[] = [
  check('unlimited', unlimited),
  check('limited', limited),
  check('qrcode', square),
]
// @ts-expect-error a square code has no scene
check('qrcode', { scene: 'a' })

export const fromEnvironment: WxaCode[] = [
  WxaCode.fromEnv(),
  WxaCode.fromEnv({ cache: true, token: 'classic', redis: process.env.REDIS_URL }),
  // @ts-expect-error the name is timeoutMs
  WxaCode.fromEnv({ timeout: 5 }),
]

export async function disposed() {
  await using wxa = new WxaCode({ appid, secret })
  return wxa.getUnlimitedQRCode({ scene: 'a' })
}

export function narrowed(error: unknown): string {
  if (error instanceof WeChatAPIError) {
    same<typeof error.errcode, number>(true)
    same<typeof error.errmsg, string>(true)
    same<typeof error.scope, ErrcodeScope | undefined>(true)
    same<typeof error.rid, string | undefined>(true)
    same<typeof error.hint, string | undefined>(true)
    same<typeof error.explanation, Explanation | undefined>(true)
    return `${error.endpoint} ${error.errcode} ${error.explanation?.fix.zh}`
  }
  if (error instanceof InvalidParamsError) {
    same<typeof error.param, string>(true)
    same<typeof error.errcode, number | undefined>(true)
    same<typeof error.explanation, Explanation>(true)
    return error.explanation.cause.en
  }
  if (error instanceof WxaCodeError) {
    same<typeof error.retryable, boolean>(true)
    same<typeof error.stopsBatch, boolean>(true)
    // @ts-expect-error only a WeChatAPIError has one
    error.scope
    same<typeof error.retryAfterMs, number | undefined>(true)
    // @ts-expect-error only a WeChatAPIError has one
    error.errmsg
    // @ts-expect-error errors do not change
    error.retryable = true
    const plain: Error = error
    switch (error.code) {
      case 'ERR_WXA_API':
      case 'ERR_WXA_PARAMS':
      case 'ERR_WXA_TIMEOUT':
      case 'ERR_WXA_NETWORK':
      case 'ERR_WXA_RESPONSE':
      case 'ERR_WXA_REDIS':
      case 'ERR_WXA_RATE_LIMIT':
      case 'ERR_WXA_PUSH':
      case 'ERR_WXA_TICKET':
      case 'ERR_WXA_STORE':
      case 'ERR_WXA_CLOSED':
        return plain.message
      default:
        return error satisfies never
    }
  }
  throw error
}

/** Without `instanceof` of a subclass: `code` is enough. */
export function byCode(error: unknown): string | number | undefined {
  if (error instanceof WxaCodeError && error.code === 'ERR_WXA_API') {
    same<typeof error, WeChatAPIError>(true)
    return error.errcode
  }
  if (!(error instanceof WxaCodeError)) throw error
  same<typeof error.code, WxaErrorCode>(true)
  same<typeof error.retryAfterMs, number | undefined>(true)
  // @ts-expect-error which error it is has not been asked
  error.param
  // @ts-expect-error only an InvalidPushError has one
  error.reason
  switch (error.code) {
    case 'ERR_WXA_API':
      return error.errmsg
    case 'ERR_WXA_PARAMS':
      same<typeof error, InvalidParamsError>(true)
      return error.param
    case 'ERR_WXA_PUSH':
      same<typeof error, InvalidPushError>(true)
      same<typeof error.reason, PushErrorReason>(true)
      return error.reason
    case 'ERR_WXA_RATE_LIMIT':
      same<typeof error.retryAfterMs, number>(true)
      return error.retryAfterMs
    case 'ERR_WXA_TIMEOUT':
      // @ts-expect-error only a WeChatAPIError has one
      return error.errcode
    default:
      same<
        typeof error.code,
        'ERR_WXA_NETWORK' | 'ERR_WXA_RESPONSE' | 'ERR_WXA_REDIS' | 'ERR_WXA_TICKET' | 'ERR_WXA_STORE' | 'ERR_WXA_CLOSED'
      >(true)
      return error.endpoint
  }
}

/** An error that is an `Error` to TypeScript narrows in the same way. */
export function ofBatch({ error }: BatchResult): number | undefined {
  if (error instanceof WxaCodeError && error.code === 'ERR_WXA_RATE_LIMIT') return error.retryAfterMs satisfies number
  return error instanceof WeChatAPIError ? error.errcode : undefined
}

export function isMine(error: AnyWxaCodeError): WxaCodeError {
  same<AnyWxaCodeError['code'], WxaErrorCode>(true)
  // @ts-expect-error a code that there is not
  if (error.code === 'ERR_WXA_BUSY') throw error
  return error
}

/** Errors for mocks, each of the class whose `from` makes it. */
export const made: AnyWxaCodeError[] = [
  WeChatAPIError.from(41030) satisfies WeChatAPIError,
  WeChatAPIError.from(40164, { endpoint: 'stable_token', errmsg: '', rid: '1-2-3', page: 'a', lang: 'zh' }),
  InvalidParamsError.from('unlimited', { scene: '' }) satisfies InvalidParamsError,
  WxaCodeError.from('ERR_WXA_TIMEOUT', { endpoint: 'getQRCode' }),
]
const overLimit = WxaCodeError.from('ERR_WXA_RATE_LIMIT', { retryAfterMs: 1000 })
same<typeof overLimit.retryAfterMs, number>(true)
same<typeof overLimit.code, 'ERR_WXA_RATE_LIMIT'>(true)
const failed = WxaCodeError.from('ERR_WXA_STORE')
same<typeof failed.reason, StoreErrorReason>(true)
export function notMade(): void {
  // @ts-expect-error a number
  WeChatAPIError.from('41030')
  // @ts-expect-error not a code of this class
  WeChatAPIError.from('ERR_WXA_TIMEOUT')
  // @ts-expect-error it has a class of its own
  WxaCodeError.from('ERR_WXA_API')
  // @ts-expect-error WeChatAPIError.from makes it
  WxaCodeError.from(41030)
  // @ts-expect-error not a kind
  InvalidParamsError.from('square', {})
  // @ts-expect-error a push gives it
  InvalidPushError.from('query')
  // @ts-expect-error not a property of an error
  WeChatAPIError.from(41030, { hint: '' })
}

same<typeof DefaultWxaCode, typeof WxaCode>(true)
same<DefaultWxaCode, WxaCode>(true)
export const byDefault: WxaCode = new DefaultWxaCode({ appid, secret })
export class Mine extends DefaultWxaCode {}

export const explanations: (ErrcodeExplanation | undefined)[] = [explain(41030), explain(45009, 'getUnlimitedQRCode')]
// @ts-expect-error a number
explain('41030')

const type = imageType(new Uint8Array())
same<typeof type, 'image/jpeg' | 'image/png' | undefined>(true)
imageType(Buffer.alloc(0))

subscribe('wxacode:token', (message) => {
  const told = message as TokenEvent
  switch (told.event) {
    case 'refresh.ok':
      same<typeof told.source, 'wechat' | 'provider' | 'redis' | 'unchanged'>(true)
      return told.fingerprint
    case 'refresh.error':
      same<typeof told.code, WxaErrorCode>(true)
      same<typeof told.durationMs, number>(true)
      return told.message
    case 'token.replaced_externally':
      return told.message
    default:
      // @ts-expect-error not every event has one
      return told.message
  }
})
subscribe('wxacode:redis', (message) => {
  const told = message as RedisEvent
  return told.event === 'redis.down' ? told.host : undefined
})
subscribe('wxacode:cache', (message) => {
  const told = message as CacheEvent
  return told.event === 'cache_store.error' ? told.reason : told.message
})
subscribe('tracing:wxacode:call:asyncEnd', (message) => {
  const { method, appid, componentAppid, path, source, result, error, aborted } = message as CallContext
  const told: string = [method, appid, componentAppid ?? '', path ?? '', source ?? 'none'].join()
  const ended: boolean = aborted ?? (error === undefined && result !== undefined)
  console.log(told, ended)
  // @ts-expect-error: of a set of names
  if (source === 'tape') console.log(told)
})
subscribe('wxacode:attempt', (message) => {
  const told = message as AttemptMessage
  const where: string = `${told.method} ${told.scheme}://${told.host}:${told.port}${told.path}`
  const count: number =
    told.resendCount + (told.bodyBytes ?? 0) + (told.errcode ?? 0) + told.startTimeMs + told.durationMs
  console.log(told.call?.method, where, count, told.connectionReused === true, told.code === 'ERR_WXA_API', told.rid)
})
subscribe('wxacode:request', (message) => {
  const told = message as RequestEvent
  if (told.event === 'lifetime_quota.reached') return told.used / told.limit
  return told.event === 'rate_limit.exceeded' ? told.retryAfterMs : told.endpoint
})
