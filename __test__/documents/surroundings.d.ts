/** What a block of code in a README takes for granted, as surroundings.mjs gives it. */

import type { writeFile as write } from 'node:fs/promises'
import type { WxaCode as Client, WxaPlatform as Platform } from 'wxacode'

declare global {
  const WxaCode: typeof Client
  const wxa: Client
  const appid: string
  const secret: string
  const writeFile: typeof write
  const scene: string
  const page: string
  const code: string
  const shops: Iterable<{ id: number }>
  function askYourTokenService(ask: { not?: string }): Promise<string>
  function findShop(id: string): Promise<{ id: number } | undefined>
  const WxaPlatform: typeof Platform
  const platform: Platform
  const pushToken: string
  const encodingAESKey: string
  const merchantAppid: string
  // biome-ignore lint/suspicious/noExplicitAny: rows of any table, as database drivers type them
  const database: { query(sql: string, values?: unknown[]): Promise<any[]> }
  function askToAuthorizeAgain(appid: string): Promise<void>
}
