/** What a block of code in a README takes for granted, as surroundings.mjs gives it. */

import type { writeFile as write } from 'node:fs/promises'
import type { WxaCode as Client, WxaPlatform } from 'wxacode'

declare global {
  const WxaCode: typeof Client
  const wxa: Client
  const appid: string
  const secret: string
  const platform: WxaPlatform
  const pushToken: string
  const encodingAESKey: string
  const writeFile: typeof write
  const scene: string
  const page: string
  const code: string
  const shops: Iterable<{ id: number }>
  function askYourTokenService(ask: { not?: string }): Promise<string>
  function findShop(id: string): Promise<{ id: number } | undefined>
}
