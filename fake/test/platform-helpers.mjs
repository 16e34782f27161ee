import { PATHS, start } from './helpers.mjs'
import { startReceiver } from './receiver.mjs'

/** A fake with a platform whose pushes arrive at a real receiver, and calls to it. */
export async function startPlatform(t, { platform: settings = {}, answer, ...options } = {}) {
  const receiver = await startReceiver(t, answer)
  const given = { pushUrl: receiver.pushUrl, ...settings }
  const calls = await start(t, { platforms: [given], ...options })
  const { fake } = calls
  return { ...calls, ...callsOf(fake, fake.platforms[0]), receiver, given }
}

/** What a platform calls. */
export function callsOf(fake, platform) {
  /** The answer of an endpoint of the platform. `spelling` is the name of the token in the query. */
  const component = async (endpoint, body, token, spelling = 'access_token') => {
    const query = token === undefined ? '' : `?${spelling}=${token}`
    const text = typeof body === 'string' ? body : JSON.stringify({ component_appid: platform.appid, ...body })
    return (await fetch(`${fake.url}${PATHS[endpoint]}${query}`, { method: 'POST', body: text })).json()
  }
  const tokenBody = (more) => ({
    component_appsecret: platform.secret,
    component_verify_ticket: fake.liveTickets({ platform: platform.appid })[0],
    ...more,
  })
  const componentToken = (more) => component('api_component_token', tokenBody(more))
  /** A component_access_token, by way of a ticket. */
  const ready = async () => {
    await fake.pushTicket({ platform: platform.appid })
    return (await componentToken()).component_access_token
  }
  /** The tokens of a merchant that has just authorised the platform. */
  const merchant = async (token, appid, options) => {
    const code = await fake.authorize(appid, { platform: platform.appid, ...options })
    return (await component('api_query_auth', { authorization_code: code }, token)).authorization_info
  }
  const refresh = (token, appid, refreshToken) =>
    component('api_authorizer_token', { authorizer_appid: appid, authorizer_refresh_token: refreshToken }, token)
  const list = (token, more) => component('api_get_authorizer_list', { offset: 0, count: 500, ...more }, token)
  return { platform, component, componentToken, ready, merchant, refresh, list }
}
