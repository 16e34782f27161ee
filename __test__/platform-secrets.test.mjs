import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { setupPlatforms } from './support/platforms.mjs'
import { newAppid, suite } from './support/suite.mjs'

/** Answers that contain a secret in different places and encodings. `plain` is a secret that the client knows. */
const ECHOES = {
  'in errmsg': (plain) => ({ errcode: 48001, errmsg: `no: ${plain} rid: 1-2-3` }),
  'in a rid': (plain) => ({ errcode: 48001, errmsg: `no rid: ${plain}` }),
  'in errmsg, percent-encoded': (plain) => ({
    errcode: 48001,
    errmsg: `no: https://h/p?q=${encodeURIComponent(plain)}`,
  }),
  'in an errmsg that is an object': (plain) => ({
    status: 200,
    body: JSON.stringify({ errcode: 48001, errmsg: { plain } }),
  }),
  'in HTML': (plain) => ({ status: 200, headers: { 'Content-Type': 'text/html' }, body: `<p>${plain}</p>` }),
  'in HTML, and longer than an excerpt': (plain) => ({ status: 502, body: `<p>${'x'.repeat(90)}${plain}</p>` }),
  'in JSON of another form': (plain) => ({ status: 200, body: JSON.stringify({ errcode: 0, answer: [plain] }) }),
}

/** Answers with tokens that no client has seen before, and that are not what it waits for. */
const NEW = {
  'breaks off': (token) =>
    `{"authorizer_access_token":"${token}","expires_in":7200,"authorizer_refresh_token":"${refresh()}`,
  'has a text for a list': (token) =>
    JSON.stringify({ total_count: 1, list: refresh(), component_access_token: 7, token }),
  'has other names': (token) => JSON.stringify({ accessToken: token, refreshToken: refresh() }),
  'is an array': (token) => JSON.stringify([{ authorizer_access_token: token, authorizer_refresh_token: refresh() }]),
  'is a form': (token) => `authorizer_access_token=${token}&authorizer_refresh_token=${refresh()}`,
  'is XML': (token) => `<xml><authorizer_access_token>${token}</authorizer_access_token></xml>`,
}
const refresh = () => `refreshtoken@@@Canary-of-what-comes-back-${newAppid()}`

/** The requests of a platform, each with what makes it and the secrets that it sends. */
const REQUESTS = {
  api_component_token: [({ client }) => client.generateScheme({}), ({ secret, ticket }) => [secret, ticket]],
  api_authorizer_token: [
    ({ client }) => client.generateScheme({}),
    async ({ component, refreshToken }) => [await component(), refreshToken],
  ],
  api_query_auth: [
    ({ platform, code }) => platform.completeAuthorization(code),
    async ({ component, code }) => [await component(), code],
  ],
  api_get_authorizer_list: [
    ({ platform }) => platform.client(newAppid()).generateScheme({}),
    async ({ component }) => [await component()],
  ],
  api_create_preauthcode: [
    ({ platform }) => platform.authorizationUrl({ redirectUri: 'https://shop.example' }),
    async ({ component, secret }) => [await component(), secret],
  ],
  api_get_authorizer_info: [
    ({ platform, appid }) =>
      platform.request('/cgi-bin/component/api_get_authorizer_info', { body: { authorizer_appid: appid } }),
    async ({ component, secret }) => [await component(), secret],
  ],
  api_start_push_ticket: [
    ({ platform }) => platform.startPushTicket(),
    async ({ component, secret }) => [await component(), secret],
  ],
  links: [
    ({ client }) => client.generateScheme({}),
    async ({ client }) => [(await client.getAccessToken()).accessToken],
  ],
}

/** What the process knows of the platform and of the merchant, though the request does not send it. */
const known = (endpoint, { secret, ticket, refreshToken }) =>
  endpoint === 'links' ? [secret, ticket, refreshToken] : [secret, ticket]

suite('secrets of a third-party platform', (test) => {
  for (const [endpoint, [make, sent]] of Object.entries(REQUESTS)) {
    test(`what an answer of ${endpoint} repeats shows in no error and no event`, async (t) => {
      for (const echo of Object.values(ECHOES)) {
        const cast = await setup(t)
        const said = [...(await sent(cast)), ...known(endpoint, cast)].join(' ')
        const echoed = cast.place.fake.fail(echo(said), { endpoint, times: Number.POSITIVE_INFINITY })
        await failure(cast, make(cast))
        assert.ok(echoed.used > 0)
      }
    })

    test(`what an answer of ${endpoint} brings in another form shows in no error and no event`, async (t) => {
      for (const text of Object.values(NEW)) {
        const cast = await setup(t)
        const body = text(`91_Canary${'x'.repeat(80)}${newAppid()}`)
        await sent(cast)
        const brought = cast.place.fake.fail({ status: 200, body }, { endpoint, times: Number.POSITIVE_INFINITY })
        await failure(cast, make(cast))
        assert.ok(brought.used > 0)
      }
    })
  }

  test('a push that is refused, and an option that is wrong, show nothing', async (t) => {
    const { place, platform } = await setup(t)
    const [{ url, body }] = place.fake.pushes
    const query = Object.fromEntries(new URL(url).searchParams)
    const pushes = [
      { query: { ...query, msg_signature: 'x'.repeat(40) }, body },
      { query, body: body.replace('<Encrypt>', '<Encrypt>AAAA') },
      { query, body: '<!DOCTYPE xml><xml/>' },
      { query: {}, body },
    ]
    for (const push of pushes) await failure({ place }, platform.receivePush(push))
    for (const wrong of [
      { pushToken: 7 },
      { encodingAESKey: `${place.options.encodingAESKey}x` },
      { store: place.options.secret },
    ]) {
      await failure({ place }, (async () => place.open(wrong))())
    }
    for (const shown of [platform, platform.client(newAppid()), platform.stats()])
      place.texts.push(inspect(shown, { depth: Number.POSITIVE_INFINITY, showHidden: true }), JSON.stringify(shown))
  })
})

/** A merchant that waits for its first token, everything secret about it, and an ear for all events. */
async function setup(t) {
  const place = await setupPlatforms(t)
  const store = place.file
  const first = place.open({ store, retries: 0 })
  const [appid] = await place.merchants(1, first)
  const [{ refresh_token: refreshToken }] = (
    await first.request('/cgi-bin/component/api_get_authorizer_list', { body: { offset: 0, count: 10 } })
  ).list
  await first.close()
  const code = await place.fake.authorize(newAppid(), { push: false })
  const hear = (event) => place.texts.push(inspect(event, { depth: Number.POSITIVE_INFINITY }))
  for (const name of ['token', 'platform', 'request', 'redis']) {
    subscribe(`wxacode:${name}`, hear)
    t.after(() => unsubscribe(`wxacode:${name}`, hear))
  }
  const platform = place.open({ store, retries: 0, timeoutMs: 5000 })
  const [ticket] = place.fake.liveTickets()
  const component = async () => (await platform.getComponentAccessToken()).accessToken
  const { secret } = place.options
  return { place, platform, appid, client: platform.client(appid), code, component, refreshToken, secret, ticket }
}

/** The error of what may fail; searched for secrets at the end. */
async function failure({ place }, promise) {
  const [outcome] = await Promise.allSettled([promise])
  for (let error = outcome.reason; error; error = error.cause) {
    place.texts.push(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }))
    place.texts.push(`${JSON.stringify(error)} ${error.stack}`)
  }
}
