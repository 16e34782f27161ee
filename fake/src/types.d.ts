// Types that the source files share and users never see.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App, Clock, CodeShape, EndpointName, Platform, RecordedPush, RecordedRequest } from '../index.js'
import type { createLinks } from './links.js'
import type { createNfcSchemes } from './nfc-schemes.js'
import type { createMerchants } from './platform/merchants.js'
import type { createPushes } from './platform/pushes.js'
import type { createTickets } from './platform/tickets.js'
import type { createQuota } from './quota.js'
import type { createRids } from './rids.js'
import type { createClassicTokens, createStableTokens, createTokens } from './tokens.js'

export type Quota = ReturnType<typeof createQuota>

export interface Token {
  value: string
  /** ms */
  expiresAt: number
  /** WeChat's errcode for the token after `expiresAt`. */
  errcodeAfterExpiry: 40001 | 42001
}

export interface EndpointQuota {
  day: Quota
  /** In the endpoint's minute or second. */
  rate?: Quota
}

export type EndpointQuotas = Record<AppEndpoint, EndpointQuota>

export type PlatformQuotas = Record<PlatformEndpoint, EndpointQuota>

export interface Account {
  appid: string
  secret: string
  app: App
  classic: ReturnType<typeof createClassicTokens>
  stable: ReturnType<typeof createStableTokens>
  /** Forced refreshes. */
  forced: Quota
  quotas: EndpointQuotas
  /** Calls of clear_quota and clear_quota/v2. */
  clearings: Quota
  /** Calls of quota/clear. */
  clearingsOfOne: Quota
  permanentShortLinks: Quota
  visitsPerDay: number
  codes: { take(parameters: string): boolean; readonly used: number }
  links: ReturnType<typeof createLinks>
  nfcSchemes: ReturnType<typeof createNfcSchemes>
}

export interface Answer {
  status: number
  headers: Record<string, string | number>
  body: string | Uint8Array | PictureSpec
  errcode?: number
}

/** One request on its way through the server. */
export interface Exchange {
  req: IncomingMessage
  res: ServerResponse
  /** The TCP socket, below TLS too. */
  tcp: Socket
  ip: string
  body: Buffer
  record: RecordedRequest
  /** The server, not the client, ended the connection. */
  cutByFake: boolean
}

export interface ServerState {
  clock: Clock
  /** Of mini-program codes. */
  shape: CodeShape
  accounts: Account[]
  /** The account of an appid. One that is none of the apps becomes one with the default pages. */
  accountOf(appid: string): Account
  /** Whether this address may call with an AppSecret. */
  isListed(ip: string): boolean
  rids: ReturnType<typeof createRids>
  platforms: PlatformState[]
  /** How all platforms behave. */
  switches: PlatformSwitches
  pushes: ReturnType<typeof createPushes>
}

export interface PlatformSwitches {
  rotateRefreshTokens: boolean
  overlapAccessTokens: boolean
}

/** A third-party platform. */
export interface PlatformState {
  platform: Platform
  appid: string
  secret: string
  pushToken: string
  encodingAESKey: string
  /** Whether this address may call for the platform. */
  isListed(ip: string): boolean
  /** Its component_access_tokens. */
  tokens: ReturnType<typeof createTokens>
  tickets: ReturnType<typeof createTickets>
  /** The latest. */
  preAuthCode: string | undefined
  merchants: ReturnType<typeof createMerchants>
  quotas: PlatformQuotas
  /** Calls of component/clear_quota/v2. */
  clearings: Quota
  /** Whether automatic pushes are stopped. */
  isStopped: boolean
}

/** A merchant that has authorised a platform. */
export interface Merchant {
  account: Account
  permissions: number[]
  /** ms */
  authorizedAt: number
  /** Whether api_query_auth was called for it. */
  isQueried: boolean
  access: ReturnType<typeof createTokens>
  refresh: ReturnType<typeof createTokens>
}

/** A push while its answer is awaited. */
export type PushRecord = { -readonly [Name in keyof RecordedPush]: RecordedPush[Name] }

/** What the bodies of the platform's endpoints hold, all in one. */
export interface PlatformParams {
  component_appid?: string
  component_secret?: string
  component_appsecret?: string
  component_verify_ticket?: string
  authorization_code?: string
  authorizer_appid?: string
  authorizer_refresh_token?: string
  offset?: number
  count?: number
  appid?: string
  appsecret?: string
}

export interface CodeParams {
  path?: string
  scene?: string
  page?: string
  check_path?: boolean
  show_splash_ad?: boolean
  env_version?: string
  width?: number
  auto_color?: boolean
  line_color?: Record<'r' | 'g' | 'b', number | string>
  is_hyaline?: boolean
}

export type Color = readonly [red: number, green: number, blue: number]

export interface PictureSpec {
  text: string
  width: number
  color: Color
  hyaline: boolean
  shape: CodeShape
}

export interface JumpWxa {
  path?: string
  query?: string
  env_version?: string
}

/** What the bodies of the link endpoints hold, all in one. */
export interface LinkParams extends JumpWxa {
  jump_wxa?: JumpWxa
  is_expire?: boolean
  expire_type?: number
  expire_time?: number
  expire_interval?: number
  cloud_base?: object
  model_id?: string
  sn?: string
  page_url?: string
  page_title?: string
  is_permanent?: boolean
  scheme?: string
  url_link?: string
  query_type?: number
}

/** What `queryscheme` and `query_urllink` tell, as it stands in the answer. Times in seconds, 0 for never. */
export interface LinkInfo {
  appid: string
  path: string
  query: string
  create_time: number
  expire_time: number
  env_version: string
  cloud_base?: object
}

export type LinkKind = 'scheme' | 'urlLink'

/** What the bodies of the debugging endpoints hold, all in one. */
export interface DebugParams {
  appid?: string
  appsecret?: string
  cgi_path?: string
  rid?: string
}

export type CodeEndpoint = 'getwxacode' | 'getwxacodeunlimit' | 'createwxaqrcode'
export type LinkEndpoint =
  | 'generatescheme'
  | 'generate_urllink'
  | 'genwxashortlink'
  | 'generatenfcscheme'
  | 'queryscheme'
  | 'query_urllink'
export type PlatformEndpoint =
  | 'api_start_push_ticket'
  | 'api_component_token'
  | 'api_create_preauthcode'
  | 'api_query_auth'
  | 'api_authorizer_token'
  | 'api_get_authorizer_list'
  | 'api_get_authorizer_info'
  | 'component/clear_quota/v2'
/** Those that an app calls, or a platform on its behalf. */
export type AppEndpoint = Exclude<EndpointName, PlatformEndpoint>
export type DebugEndpoint = Exclude<AppEndpoint, 'token' | 'stable_token' | CodeEndpoint | LinkEndpoint>
