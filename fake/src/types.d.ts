// Types that the source files share and users never see.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App, Clock, EndpointName, RecordedRequest } from '../index.js'
import type { createLinks } from './links.js'
import type { createNfcSchemes } from './nfc-schemes.js'
import type { createQuota } from './quota.js'
import type { createRids } from './rids.js'
import type { createClassicTokens, createStableTokens } from './tokens.js'

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

export type EndpointQuotas = Record<EndpointName, EndpointQuota>

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
  accounts: Account[]
  /** Whether this address may call with an AppSecret. */
  isListed(ip: string): boolean
  rids: ReturnType<typeof createRids>
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
export type DebugEndpoint = Exclude<EndpointName, 'token' | 'stable_token' | CodeEndpoint | LinkEndpoint>
