/** How third-party platforms are used from TypeScript. It is compiled and never run. */

import {
  type AuthorizedEvent,
  type OtherPlatformEvent,
  type PlatformEvent,
  type PlatformStateEvent,
  type StoreErrorReason,
  type TicketEvent,
  type UnauthorizedEvent,
  WxaCodeError,
  type WxaPlatform,
} from 'wxacode'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_: Same<A, B>) => {}

export function narrowed(event: PlatformEvent): string | undefined {
  switch (event.type) {
    case 'component_verify_ticket':
      same<typeof event, TicketEvent>(true)
      return undefined
    case 'authorized':
    case 'updateauthorized':
      same<typeof event, AuthorizedEvent>(true)
      return event.authorizationCode
    case 'unauthorized':
      same<typeof event, UnauthorizedEvent>(true)
      return event.authorizerAppid
    default:
      same<typeof event, OtherPlatformEvent>(true)
      same<typeof event.fields, Readonly<Record<string, unknown>>>(true)
      return event.type
  }
}

export function compared(event: PlatformEvent): string | undefined {
  if (event.type === 'unauthorized') return event.authorizerAppid
  // @ts-expect-error it may be another event
  event.authorizerAppid
  // Other types are strings that TypeScript does not know.
  const type: string | undefined = event.type
  return type === 'notify_third_fasteregister' && 'fields' in event ? String(event.fields.appid) : undefined
}

export async function received(platform: WxaPlatform, query: URLSearchParams, body: Buffer): Promise<number> {
  try {
    const event = await platform.receivePush({ query, body })
    same<typeof event, PlatformEvent>(true)
    return 200
  } catch (error) {
    if (error instanceof WxaCodeError && error.code === 'ERR_WXA_STORE') {
      same<typeof error.reason, StoreErrorReason>(true)
      return error.reason === 'locked' ? 503 : 500
    }
    throw error
  }
}

export function told(event: PlatformStateEvent): string | undefined {
  if (event.event === 'ticket.awaited') return event.message
  if (event.event !== 'store.error') return undefined
  same<typeof event.reason, StoreErrorReason | undefined>(true)
  return event.reason
}
