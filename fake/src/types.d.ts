// Types that the source files share and users never see.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { App, Clock, EndpointName, Limits, RecordedRequest } from '../index.js'
import type { createQuota } from './quota.js'
import type { createClassicTokens, createStableTokens } from './tokens.js'

export type Quota = ReturnType<typeof createQuota>

export interface Token {
  value: string
  /** ms */
  diesAt: number
  /** What WeChat answers to it once it is dead. */
  afterwards: 40001 | 42001
}

export interface Account {
  app: App
  classic: ReturnType<typeof createClassicTokens>
  stable: ReturnType<typeof createStableTokens>
  quotas: Record<'classicDay' | 'stableMinute' | 'stableDay' | 'unlimitedMinute' | 'limitedDay', Quota>
  unlimitedErrcode: Required<Limits>['unlimitedErrcode']
  codes: { take(parameters: string): boolean; readonly used: number }
}

export interface Answer {
  status: number
  headers: Record<string, string | number>
  body: string | Uint8Array
  errcode?: number
}

/** One request on its way through the server. */
export interface Visit {
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

export interface World {
  clock: Clock
  accounts: Account[]
  /** Whether this address may call with an AppSecret. */
  isListed(ip: string): boolean
}

export interface CodeParams {
  path?: string
  scene?: string
  page?: string
  check_path?: boolean
  env_version?: string
  width?: number
  auto_color?: boolean
  line_color?: Record<'r' | 'g' | 'b', number | string>
  is_hyaline?: boolean
}

export type Color = readonly [red: number, green: number, blue: number]

export interface PictureOrder {
  text: string
  width: number
  color: Color
  hyaline: boolean
}

export type CodeEndpoint = Exclude<EndpointName, 'token' | 'stable_token'>
