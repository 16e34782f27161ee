import assert from 'node:assert/strict'
import { chownSync, existsSync } from 'node:fs'
import { needsRedis, startRedis } from '../../__test__/support/redis.mjs'
import { newAppid } from '../../__test__/support/suite.mjs'
import { ticket } from '../src/doctor/platform/ticket.js'
import { suite } from './helpers.mjs'
import { setupPlatform } from './platform.mjs'

const LINKS = ['store', 'ticket', 'token', 'whitelist', 'authorizers', 'authorization', 'permissions', 'code']

/** What the doctor finds, by the names of its checks. */
async function examine({ wxacode }, args = [], options = {}) {
  const given = await wxacode(['doctor', '--platform', '--json', ...args], options)
  const { ok, checks } = given.json()
  assert.equal(ok, given.code === 0)
  const of = Object.fromEntries(checks.map(({ name, ...check }) => [name, check]))
  return { code: given.code, of, red: checks.filter((check) => check.ok === false).map(({ name }) => name) }
}

const skipped = (of, names) => {
  for (const name of names) assert.equal(of[name].ok, 'skip', name)
}
/** Longer than a test may take. */
const PATIENT = ['--timeout', '600']
const after = (name) => LINKS.slice(LINKS.indexOf(name) + 1)

suite('doctor --platform', (test) => {
  test('a healthy chain is green to the code of the merchant, in both languages', async (t) => {
    const here = await setupPlatform(t)
    const merchant = newAppid()
    await here.filled([merchant])
    const { code, of, red } = await examine(here, ['--merchant', merchant])
    assert.deepEqual([code, red], [0, []])
    for (const name of LINKS) assert.equal(of[name].ok, true, name)
    assert.match(of.ticket.detail, /^the last push came \d+ s ago$/)
    assert.match(of.token.detail, /^a new one, 1(19|20) min left$/)
    assert.equal(of.authorizers.detail, 'authorised: 1')
    assert.match(of.code.detail, /new access token; the refresh token that came with it is saved/)
    const people = await here.wxacode(['doctor', '--merchant', merchant, '--lang', 'zh'])
    assert.equal(people.code, 0)
    assert.match(people.out, /^✓ 商户授权 +wx\w{16} 已授权，有 refresh token$/m)
  })

  test('without --merchant no merchant is asked for', async (t) => {
    const here = await setupPlatform(t)
    await here.filled([newAppid(), newAppid()])
    const before = here.fake.count('api_authorizer_token')
    const { code, of } = await examine(here)
    assert.equal(code, 0)
    assert.equal(of.authorizers.detail, 'authorised: 2')
    skipped(of, ['authorization', 'permissions', 'code'])
    assert.deepEqual([here.fake.count('api_authorizer_token'), here.fake.count('codes')], [before, 0])
  })

  test('a file that the running server has is told so, and nothing is sent', async (t) => {
    const here = await setupPlatform(t)
    await here.served(async () => {
      await here.fake.pushTicket()
      const { code, of, red } = await examine(here, ['--merchant', newAppid()])
      assert.deepEqual([code, red], [1, ['store']])
      assert.match(of.store.cause, /wechat\.json is in use by another process/)
      assert.match(of.store.fix, /redis/)
      skipped(of, after('store'))
    })
    assert.equal(here.fake.count('platform'), 0)
  })

  test('a file that is not there is not made', async (t) => {
    const here = await setupPlatform(t)
    const { code, of, red } = await examine(here)
    assert.deepEqual([code, red], [1, ['store']])
    assert.match(of.store.cause, /there is no file .*wechat\.json/)
    assert.match(of.store.fix, /when the first push has come/)
    assert.ok(!existsSync(here.file('wechat.json.lock')), 'nothing is left beside it')
  })

  test('a file of another user is not touched, because the server could not read it afterwards', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can give files away')
    const here = await setupPlatform(t)
    await here.filled()
    chownSync(here.file('wechat.json'), 65534, 65534)
    const { of, red } = await examine(here)
    assert.deepEqual(red, ['store'])
    assert.match(of.store.cause, /belongs to user 65534/)
    assert.match(of.store.fix, /sudo -E -u '#65534'/)
    assert.equal(here.fake.count('platform'), 0)
    const list = await here.wxacode(['platform', 'authorizers'])
    assert.equal(list.code, 2)
    assert.match(list.err, /belongs to user 65534/)
  })

  test('a store without a ticket says what to check about pushes', async (t) => {
    const here = await setupPlatform(t)
    await here.served((platform) => platform.importAuthorizer({ appid: newAppid(), refreshToken: 'r' }))
    // It does not wait for a push.
    const { code, of, red } = await examine(here, PATIENT)
    assert.deepEqual([code, red], [1, ['ticket']])
    assert.match(of.ticket.cause, /no push has come yet/)
    for (const word of [/80 or 443/, /XML/, /安全模式/, /10 minutes/, /startPushTicket/])
      assert.match(of.ticket.fix, word)
    skipped(of, after('ticket'))
    assert.equal(here.fake.count('platform'), 0)
  })

  test('a ticket that WeChat refuses is the link that is broken, once', async (t) => {
    const here = await setupPlatform(t)
    await here.served(() => here.fake.pushTicket({ ticket: 'ticket@@@of-somebody-else' }))
    const { code, of, red } = await examine(here, PATIENT)
    assert.deepEqual([code, red], [3, ['ticket']])
    assert.equal(of.ticket.errcode, 61006)
    assert.match(of.ticket.cause, /WeChat does not accept the ticket that came \d+ s ago \(61006\)/)
    skipped(of, after('ticket'))
    assert.equal(here.fake.count('api_component_token'), 1)
  })

  test('pushes that have stopped are told while the ticket still works', async () => {
    const pushed = (minutes) =>
      ticket({
        obstacle: async () => undefined,
        token: async () => ({ token: {} }),
        wxa: { stats: () => ({ ticketAgeMs: minutes * 60_000, ticketRefused: false }) },
      })
    assert.equal((await pushed(24)).ok, true)
    const { ok, cause, fix } = await pushed(190)
    assert.equal(ok, false)
    assert.match(cause.en, /^the last push came 3 h ago, and WeChat pushes every 10 minutes/)
    assert.match(cause.zh, /^上一次推送在 3 小时前/)
    assert.match(fix.en, /^If the server did not run meanwhile, start it.*If it did: .*startPushTicket/)
  })

  test('a wrong AppSecret cannot open the file', async (t) => {
    const here = await setupPlatform(t)
    await here.filled()
    const { code, of, red } = await examine(here, [], { env: { WXACODE_PLATFORM_SECRET: 'f'.repeat(32) } })
    assert.deepEqual([code, red], [1, ['store']])
    assert.match(of.store.cause, /encrypted with another AppSecret/)
  })

  test('an address that the platform does not list is named', async (t) => {
    const here = await setupPlatform(t, { ipWhitelist: ['10.1.2.3'] })
    await here.served(() => here.fake.pushTicket())
    const { code, of, red } = await examine(here)
    assert.deepEqual([code, red], [3, ['whitelist']])
    assert.equal(of.whitelist.errcode, 61004)
    assert.match(of.whitelist.cause, /127\.0\.0\.1 is not in the IP whitelist of the third-party platform/)
    assert.match(of.whitelist.fix, /^Add the outgoing IP 127\.0\.0\.1 to the IP whitelist/)
    assert.equal(of.ticket.ok, true)
    skipped(of, ['token', ...after('whitelist')])
  })

  test('each broken link of a merchant is named, with what to do', async (t) => {
    const here = await setupPlatform(t)
    const [stranger, without, fresh] = [newAppid(), newAppid(), newAppid()]
    await here.filled([without], [88])
    await here.fake.authorize(fresh, { push: false })
    const unknown = await examine(here, ['--merchant', stranger])
    assert.deepEqual([unknown.code, unknown.red, unknown.of.authorization.errcode], [3, ['authorization'], 61003])
    assert.match(unknown.of.authorization.fix, /authorise \(again\)/)
    skipped(unknown.of, ['permissions', 'code'])

    const bare = await examine(here, ['--merchant', without])
    assert.deepEqual([bare.code, bare.red], [3, ['permissions']])
    assert.match(bare.of.permissions.cause, /not granted permission set 17 \(codes\), only: 88/)
    assert.equal(bare.of.code.ok, 'skip')

    const lost = await examine(here, ['--merchant', fresh])
    assert.equal(lost.code, 3)
    assert.match(lost.of.authorization.cause, /its authorization code was never exchanged/)
    assert.match(lost.of.authorization.fix, /completeAuthorization/)
    assert.equal(here.fake.count('codes'), 0)
  })

  test('a page of the merchant is checked with --page', async (t) => {
    const here = await setupPlatform(t)
    const merchant = newAppid()
    await here.filled([merchant])
    const { code, of, red } = await examine(here, ['--merchant', merchant, '--page', 'pages/not/there'])
    assert.deepEqual([code, red, of.code.errcode], [1, ['code'], 41030])
  })

  test('the refresh token that comes back is in the file afterwards', async (t) => {
    const here = await setupPlatform(t)
    const merchant = newAppid()
    await here.filled([merchant])
    here.fake.rotateRefreshTokens = true
    assert.equal((await examine(here, ['--merchant', merchant])).code, 0)
    here.fake.clock.advance(3600)
    const lists = here.fake.count('api_get_authorizer_list')
    await here.served((platform) => platform.client(merchant).getAccessToken())
    assert.equal(here.fake.count('api_get_authorizer_list'), lists, 'nobody has to look it up')
  })

  test('with Redis it works beside the server, and no token is replaced', needsRedis, async (t) => {
    const redis = await startRedis(t)
    const here = await setupPlatform(t, { redis: redis.url })
    const merchant = newAppid()
    await here.served(async (platform) => {
      await here.fake.pushTicket()
      await here.fake.authorize(merchant)
      await platform.client(merchant).getAccessToken()
      const tokens = () => ['api_component_token', 'api_authorizer_token'].map((name) => here.fake.count(name))
      const before = tokens()
      const { code, of, red } = await examine(here, ['--merchant', merchant])
      assert.deepEqual([code, red], [0, []])
      assert.match(of.ticket.detail, /^the last push came \d+ s ago$/)
      assert.match(of.token.detail, /^the one that the processes share by Redis/)
      assert.match(of.code.detail, /share by Redis/)
      assert.deepEqual(tokens(), before)
    })
  })

  test('options are refused by the names of variables and flags', async (t) => {
    const here = await setupPlatform(t)
    const cases = [
      [{ WXACODE_PLATFORM_APPID: '' }, [], /AppID is missing[\s\S]*WXACODE_PLATFORM_APPID/],
      [{ WXACODE_PLATFORM_SECRET: '' }, [], /AppSecret is missing[\s\S]*WXACODE_PLATFORM_SECRET/],
      [{ WXACODE_PLATFORM_STORE: '' }, [], /store is missing[\s\S]*WXACODE_PLATFORM_STORE/],
      [{ WXACODE_PLATFORM_STORE: 'memory' }, [], /in the process of the server/],
      [{ WXACODE_PLATFORM_STORE: '/var/x.json' }, [], /--store \(WXACODE_PLATFORM_STORE\)/],
      [{ WXACODE_PLATFORM_ENCODING_AES_KEY: 'short' }, [], /WXACODE_PLATFORM_ENCODING_AES_KEY/],
      [{ WXACODE_PLATFORM_PUSH_TOKEN: '' }, [], /WXACODE_PLATFORM_PUSH_TOKEN/],
      [{}, ['--token', 'classic'], /--platform/],
      [{}, ['--secret', 'x'], /--secret is not supported/],
      [{}, ['--merchant', 'nobody'], /appid/i],
    ]
    for (const [env, args, said] of cases) {
      const { code, err, out } = await here.wxacode(['doctor', '--platform', ...args], { env })
      assert.equal(code, 2, `${JSON.stringify(env)} ${args}: ${err}${out}`)
      assert.match(err, said)
      assert.doesNotMatch(err, /pushToken|encodingAESKey|\n {4}at /)
    }
    const changing = 'a'.repeat(43)
    const env = { WXACODE_PLATFORM_ENCODING_AES_KEY: `${here.options.encodingAESKey}, ${changing}` }
    await here.filled()
    assert.equal((await examine(here, [], { env })).code, 0)
  })
})

suite('platform authorizers', (test) => {
  test('prints each merchant with its time, on a line of its own, also as JSON', async (t) => {
    const here = await setupPlatform(t)
    const merchants = [newAppid(), newAppid()]
    await here.filled()
    for (const merchant of merchants) await here.fake.authorize(merchant, { push: false })
    const { code, out, err } = await here.wxacode(['platform', 'authorizers'])
    assert.equal(code, 0, err)
    const lines = out.trimEnd().split('\n')
    assert.deepEqual(lines.map((line) => line.split('  ')[0]).sort(), merchants.toSorted())
    for (const line of lines) assert.match(line, /^wx\w{16} {2}\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.equal(err, '2 merchants\n')
    const json = await here.wxacode(['platform', 'authorizers', '--json'])
    const rows = json.out.trimEnd().split('\n').map(JSON.parse)
    assert.deepEqual(
      rows.map(({ appid, authorizedAt }) => `${appid}  ${authorizedAt}`),
      lines,
    )
    assert.equal(json.err, '')
  })

  test('more merchants than a page of WeChat has come one after the other, and each once', async (t) => {
    const here = await setupPlatform(t)
    await here.filled()
    const merchants = Array.from({ length: 501 }, newAppid)
    for (const merchant of merchants) await here.fake.authorize(merchant, { push: false })
    const { code, out } = await here.wxacode(['platform', 'authorizers', '--json'])
    assert.equal(code, 0)
    const found = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).appid)
    assert.deepEqual(found.toSorted(), merchants.toSorted())
    assert.equal(here.fake.count('api_get_authorizer_list'), 2)
  })

  test('a refusal is the last line, with its exit code', async (t) => {
    const here = await setupPlatform(t)
    await here.filled()
    here.fake.fail(61004, { endpoint: 'api_get_authorizer_list', times: 9 })
    const { code, json } = await here.wxacode(['platform', 'authorizers', '--json'])
    assert.deepEqual([code, json().ok, json().error.errcode], [3, false, 61004])
  })

  test('nobody who has authorised is no error', async (t) => {
    const here = await setupPlatform(t)
    await here.filled()
    const { code, out, err } = await here.wxacode(['platform', 'authorizers', '--lang', 'zh'])
    assert.deepEqual([code, out, err], [0, '', '还没有商户授权\n'])
  })
})
