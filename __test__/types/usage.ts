/** How the package is used from TypeScript. It is compiled and never run. */

import { subscribe } from 'node:diagnostics_channel'
import {
  type AccessToken,
  type CallOptions,
  type CreateQRCodeParams,
  type EnvVersion,
  type Explanation,
  explain,
  InvalidParamsError,
  imageType,
  type ProvidedToken,
  type QRCodeParams,
  type RequestEvent,
  type Stats,
  type StoreEvent,
  type Style,
  type TokenEvent,
  type TokenProvider,
  type UnlimitedQRCodeParams,
  WeChatAPIError,
  WxaCode,
  WxaCodeError,
  type WxaCodeOptions,
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
  { appid, secret, timeoutMs: 5000, retries: 0, ratePerMinute: Number.POSITIVE_INFINITY, proxy: 'env', ca: 'PEM' },
  { appid, secret, ca: Buffer.from('PEM') },
  { appid, secret, baseUrl: undefined, token: undefined },
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

export const provider: TokenProvider = (ask) => {
  same<typeof ask.appid, string>(true)
  same<typeof ask.rejected, { accessToken: string; errcode: number } | undefined>(true)
  return ask.rejected ? Promise.resolve('another') : { accessToken: 'token', expiresIn: 7200 }
}
same<ProvidedToken, string | { accessToken: string; expiresIn: number }>(true)
same<EnvVersion, 'release' | 'trial' | 'develop'>(true)

const style: Style = { width: 430, autoColor: false, lineColor: { r: 0, g: 0, b: 0 }, isHyaline: true }
const unlimited: UnlimitedQRCodeParams = {
  scene: 'id=42',
  page: 'pages/a',
  checkPath: false,
  envVersion: 'trial',
  ...style,
}
const limited: QRCodeParams = { path: 'pages/a?id=42', envVersion: 'release', ...style }
const square: CreateQRCodeParams = { path: 'pages/a?id=42', width: 430 }

export async function calls(wxa: WxaCode, signal: AbortSignal) {
  const call: CallOptions = { signal, timeoutMs: 1000 }
  const image = await wxa.getUnlimitedQRCode(unlimited, call)
  same<typeof image, Buffer>(true)
  const images: Buffer[] = [image, await wxa.getQRCode(limited), await wxa.createQRCode(square, { timeoutMs: 1 })]
  const token: AccessToken = await wxa.getAccessToken()
  await wxa.getAccessToken({ forceRefresh: true, signal })
  same<typeof token.expiresAt, Date>(true)
  same<ReturnType<typeof wxa.invalidateAccessToken>, void>(true)
  wxa.invalidateAccessToken(token.accessToken)
  const stats: Stats = wxa.stats()
  const numbers: (number | undefined)[] = [stats.requests, stats.images, stats.bytes, stats.replays, stats.refreshes]
  numbers.push(stats.errors['41030'], stats.errors.ERR_WXA_TIMEOUT, stats.tokenAgeMs)
  await wxa.close()
  return images
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
  // @ts-expect-error a token
  wxa.invalidateAccessToken()
  // @ts-expect-error options
  new WxaCode()
  // @ts-expect-error errors are made by the package
  new WxaCodeError('text')
  // @ts-expect-error errors are made by the package
  new WeChatAPIError()
}

export async function disposed() {
  await using wxa = new WxaCode({ appid, secret })
  return wxa.getUnlimitedQRCode({ scene: 'a' })
}

export function narrowed(error: unknown): string {
  if (error instanceof WeChatAPIError) {
    same<typeof error.errcode, number>(true)
    same<typeof error.errmsg, string>(true)
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
      case 'ERR_WXA_ANSWER':
      case 'ERR_WXA_STORE':
      case 'ERR_WXA_BUDGET':
      case 'ERR_WXA_CLOSED':
        return plain.message
      default:
        return error.code satisfies never
    }
  }
  throw error
}

export const explanations: (Explanation | undefined)[] = [explain(41030), explain(45009, 'getUnlimitedQRCode')]
// @ts-expect-error a number
explain('41030')

const type = imageType(new Uint8Array())
same<typeof type, 'image/jpeg' | 'image/png' | undefined>(true)
imageType(Buffer.alloc(0))

subscribe('wxacode:token', (message) => {
  const told = message as TokenEvent
  switch (told.event) {
    case 'refresh.ok':
      same<typeof told.source, 'wechat' | 'provider' | 'fleet' | 'kept'>(true)
      return told.fingerprint
    case 'refresh.fail':
      same<typeof told.code, WxaCodeError['code']>(true)
      return told.message
    case 'changed.elsewhere':
      return told.message
    default:
      // @ts-expect-error not every event has one
      return told.message
  }
})
subscribe('wxacode:store', (message) => {
  const told = message as StoreEvent
  return told.event === 'store.down' ? told.host : undefined
})
subscribe('wxacode:request', (message) => {
  const told = message as RequestEvent
  return told.event === 'budget.exhausted' ? told.waitMs : told.endpoint
})
