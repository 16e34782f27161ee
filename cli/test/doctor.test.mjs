import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { certificates } from '../../__test__/support/certificates.mjs'
import { deadUrl } from '../../__test__/support/ports.mjs'
import { startProxy } from '../../__test__/support/proxy.mjs'
import { proxyFor } from '../src/doctor/proxy.js'
import { setupCli, suite } from './helpers.mjs'

const NAMES = ['dns', 'tls', 'clock', 'redis', 'credentials', 'whitelist', 'quota', 'page', 'token']

/** Examines twice: what people see, and what programs do. */
async function examine({ wxacode }, args = [], env = {}) {
  const [people, programs] = [
    await wxacode(['doctor', ...args], { env }),
    await wxacode(['doctor', '--json', ...args], { env }),
  ]
  const { ok, checks } = programs.json()
  assert.equal(people.code, programs.code)
  assert.equal(ok, people.code === 0)
  assert.deepEqual(
    checks.map(({ name }) => name),
    NAMES,
  )
  const red = checks.filter((check) => check.ok === false)
  const lines = people.out.split('\n').filter((line) => line.startsWith('✗'))
  assert.equal(lines.length, red.length)
  for (const { cause, fix } of red) {
    assert.ok(steady(people.out).includes(steady(cause)), `${people.out} should say ${cause}`)
    assert.ok(people.out.includes(`fix  ${fix}`), `${people.out} should say ${fix}`)
  }
  return { code: people.code, out: people.out, red, of: (name) => checks.find((check) => check.name === name) }
}

/** Two looks at a clock may be a second apart. */
const steady = (text) => text.replaceAll(/\b\d+ s\b/g, '… s')

/** The names of the checks that are red. */
const names = (red) => red.map(({ name }) => name)

suite('doctor', (test) => {
  test('a healthy account passes every check, and the exit code is 0', async (t) => {
    const { code, out, of } = await examine(await setupCli(t), ['--page', 'pages/goods/detail'])
    assert.equal(code, 0)
    for (const title of ['clock', 'credentials', 'IP whitelist', 'quota', 'page', 'token'])
      assert.match(out, new RegExp(`^✓ ${title} `, 'm'))
    assert.deepEqual([of('dns').ok, of('tls').ok], ['skip', 'skip'])
    assert.match(of('whitelist').detail, /WeChat sees 127\.0\.0\.1/)
    assert.match(of('page').detail, /pages\/goods\/detail/)
  })

  test('a wrong secret fails the credentials, with the fix and exit code 3', async (t) => {
    const here = await setupCli(t)
    const { code, red, of } = await examine(here, [], { WXACODE_SECRET: 'f'.repeat(32) })
    assert.equal(code, 3)
    assert.deepEqual(names(red), ['credentials'])
    assert.equal(red[0].errcode, 40125)
    assert.match(red[0].cause, /AppSecret is wrong/)
    assert.match(red[0].fix, /^Check the AppSecret; reset it/)
    for (const name of ['whitelist', 'quota', 'page', 'token']) assert.equal(of(name).ok, 'skip')
    assert.equal(here.fake.count('codes'), 0)
  })

  test('an unknown appid fails the credentials', async (t) => {
    const { code, red } = await examine(await setupCli(t), ['--appid', 'wx0000000000000000'])
    assert.deepEqual([code, names(red), red[0].errcode], [3, ['credentials'], 40013])
  })

  test('an IP address outside the whitelist fails the whitelist, with the address that WeChat saw and exit code 3', async (t) => {
    const { code, red, of } = await examine(await setupCli(t, { ipWhitelist: ['10.1.2.3'] }))
    assert.equal(code, 3)
    assert.deepEqual(names(red), ['whitelist'])
    assert.equal(red[0].errcode, 40164)
    assert.match(red[0].cause, /WeChat sees 127\.0\.0\.1, which is not in the IP whitelist/)
    assert.match(red[0].fix, /Add 127\.0\.0\.1 to the IP whitelist on mp\.weixin\.qq\.com/)
    assert.equal(of('credentials').ok, 'skip')
  })

  test('an IPv6 address is printed as WeChat wrote it, also from the older text', async (t) => {
    const here = await setupCli(t)
    const cases = [
      [
        'invalid ip 2408:8207:7825:dd90:a051:7f12:ab34:c9 ipv6 2408:8207:7825:dd90:a051:7f12:ab34:c9, not in whitelist rid: 1-2-3',
        '2408:8207:7825:dd90:a051:7f12:ab34:c9',
      ],
      ['invalid ip 8.149.1.108 ipv6 ::ffff:8.149.1.108, not in whitelist rid: 1-2-3', '8.149.1.108'],
      ['invalid ip 2001:db8::1, not in whitelist hint: [g_G8404063055]', '2001:db8::1'],
    ]
    for (const [errmsg, address] of cases) {
      const ordered = here.fake.fail({ errcode: 40164, errmsg }, { endpoint: 'tokens', times: 9 })
      const { code, red } = await examine(here)
      ordered.stop()
      assert.deepEqual([code, names(red)], [3, ['whitelist']])
      assert.ok(red[0].cause.startsWith(`WeChat sees ${address}, which`), red[0].cause)
      assert.ok(red[0].fix.startsWith(`Add ${address} to the IP whitelist`), red[0].fix)
    }
  })

  test('the fix says how to find the IP address when WeChat names none', async (t) => {
    const here = await setupCli(t)
    here.fake.fail({ errcode: 40164, errmsg: 'invalid ip, not in whitelist' }, { endpoint: 'tokens', times: 9 })
    const { red } = await examine(here)
    assert.match(red[0].cause, /WeChat did not say which it is/)
    assert.match(red[0].fix, /Find the public address.*add it to the IP whitelist/)
  })

  test('an unpublished page fails the page, with the fix and exit code 1', async (t) => {
    const { code, red, of } = await examine(await setupCli(t), ['--page', 'pages/not/there'])
    assert.equal(code, 1)
    assert.deepEqual(names(red), ['page'])
    assert.equal(red[0].errcode, 41030)
    assert.match(red[0].fix, /checkPath: false \(--no-check-path\)/)
    assert.equal(of('token').ok, true)
  })

  test('a clock that is an hour off, in either direction, fails the clock with exit code 1', async (t) => {
    for (const [seconds, said] of [
      [3630, 'behind'],
      [-3630, 'ahead of'],
    ]) {
      const here = await setupCli(t)
      here.fake.clock.advance(seconds)
      const { code, red } = await examine(here)
      assert.equal(code, 1)
      assert.deepEqual(names(red), ['clock'])
      assert.match(red[0].cause, new RegExp(`this machine's clock is 1 h \\d+ s ${said} WeChat's`))
      assert.match(red[0].fix, /NTP/)
    }
  })

  test('an exhausted quota of codes fails the quota, by name, with exit code 3', async (t) => {
    const here = await setupCli(t, { limits: { limitedPerDay: 1 } })
    await here.wxacode(['limited', '--path', 'a', '-o', 'a'])
    const { code, red } = await examine(here)
    assert.equal(code, 3)
    assert.deepEqual(names(red), ['quota'])
    assert.match(red[0].cause, /all 1 calls of getwxacode for today are used/)
    assert.match(red[0].fix, /resets tomorrow.*clearQuota/)
  })

  test('an exhausted quota of tokens fails the quota and not the credentials', async (t) => {
    const { code, red, of } = await examine(await setupCli(t, { limits: { stablePerDay: 0 } }))
    assert.deepEqual([code, names(red), red[0].errcode], [3, ['quota'], 45009])
    assert.equal(of('credentials').ok, 'skip')
  })

  test('a token that is refused as soon as it is given shows that another system shares the appid', async (t) => {
    const here = await setupCli(t)
    here.fake.fail(40001, { endpoint: 'debug' })
    const { out, code } = await here.wxacode(['doctor'])
    assert.equal(code, 3)
    assert.match(
      out,
      /✗ token +WeChat rejected the token that it had just returned \(40001\): another system uses this appid/,
    )
    assert.match(out, /fix {2}Let all systems use stable_token without force_refresh/)
  })

  test('a token that another process fetched before is mentioned, and is no fault', async (t) => {
    const here = await setupCli(t)
    await here.wxacode(['token'])
    here.fake.clock.advance(600)
    const { of } = await examine(here)
    assert.equal(of('token').ok, true)
    assert.match(of('token').detail, /first requested (9|10) min ago, by an earlier run or another system/)
  })

  test('classic tokens that another system fetches are mentioned, and do not affect a stable one', async (t) => {
    const here = await setupCli(t)
    await here.wxacode(['token', '--token', 'classic'])
    const { of } = await examine(here)
    assert.equal(of('token').ok, true)
    assert.match(of('token').detail, /another system called \/cgi-bin\/token 1 times today/)
  })

  test('the doctor never makes WeChat replace a token', async (t) => {
    const here = await setupCli(t)
    await here.wxacode(['token'])
    const before = here.fake.liveTokens()
    await examine(here)
    assert.deepEqual(here.fake.liveTokens(), before)
    assert.ok(here.fake.requests.every(({ body }) => !body.includes('force_refresh":true')))
  })

  test('an address without a server fails one check, with exit code 4', async (t) => {
    const at = ['--base-url', await deadUrl(), '--retries', '0']
    const { code, red, of } = await examine(await setupCli(t), at)
    assert.deepEqual([code, names(red)], [4, ['credentials']])
    assert.equal(of('clock').ok, 'skip')
  })

  test('an unknown host name fails DNS, and nothing else is tried', async (t) => {
    const { code, red, of } = await examine(await setupCli(t), ['--base-url', 'https://wechat.invalid'])
    assert.deepEqual([code, names(red)], [4, ['dns']])
    assert.match(red[0].cause, /wechat\.invalid has no address/)
    for (const name of NAMES.slice(1)) assert.equal(of(name).ok, 'skip')
  })

  test('the certificate is printed, and an unknown root fails TLS with exit code 4', async (t) => {
    const { ca, key, cert } = await certificates()
    const here = await setupCli(t, { tls: { key, cert } })
    writeFileSync(here.file('root.pem'), ca)
    const at = ['--base-url', here.fake.url.replace('127.0.0.1', 'localhost'), '--retries', '0']
    const trusted = await examine(here, [...at, '--ca', 'root.pem'])
    assert.equal(trusted.code, 0)
    assert.match(trusted.of('dns').detail, /localhost → /)
    assert.match(trusted.of('tls').detail, /^TLSv1\.3, localhost, .*\d+ days left$/)
    const unknown = await examine(here, at)
    assert.deepEqual([unknown.code, names(unknown.red)], [4, ['tls']])
    assert.match(unknown.red[0].cause, /the certificate is not trusted: .*CERT|UNABLE/)
    assert.match(unknown.red[0].fix, /--ca/)
  })

  test('TLS and the clock are checked through the proxy', async (t) => {
    const { ca, key, cert } = await certificates()
    const here = await setupCli(t, { tls: { key, cert } })
    writeFileSync(here.file('root.pem'), ca)
    const proxy = await startProxy(t)
    const { code, of } = await examine(here, ['--ca', 'root.pem', '--proxy', proxy.url])
    assert.equal(code, 0)
    assert.deepEqual([of('tls').ok, of('clock').ok], [true, true])
  })

  test('a proxy is read as the client reads it: without a scheme, with a login that a URL would encode', async (t) => {
    const { ca, key, cert } = await certificates()
    const here = await setupCli(t, { tls: { key, cert } })
    writeFileSync(here.file('root.pem'), ca)
    const proxy = await startProxy(t)
    for (const [env, login] of [
      [{ WXACODE_PROXY: 'env', HTTPS_PROXY: `127.0.0.1:${proxy.port}` }, undefined],
      [{ WXACODE_PROXY: `http://me:100%@127.0.0.1:${proxy.port}` }, 'me:100%'],
      [{ WXACODE_PROXY: 'env', https_proxy: `me:p%40ss@127.0.0.1:${proxy.port}` }, 'me:p@ss'],
    ]) {
      const { code, json } = await here.wxacode(['doctor', '--ca', 'root.pem', '--timeout', '60', '--json'], { env })
      assert.equal(code, 0, JSON.stringify(env))
      assert.equal(json().checks.find(({ name }) => name === 'tls').ok, true)
      const logins = proxy.seen.splice(0).map(({ headers }) => headers['proxy-authorization'])
      const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`
      assert.deepEqual([...new Set(logins)], [wanted])
    }
  })

  test('an invalid proxy is reported by the client, with exit code 2', async (t) => {
    const { wxacode } = await setupCli(t)
    for (const proxy of ['http://', 'ftp://', 'http://[::1'])
      for (const args of [[], ['--json']]) {
        const { code, out, err } = await wxacode(['doctor', '--proxy', proxy, ...args])
        assert.equal(code, 2, proxy)
        assert.match(out + err, /--proxy \(WXACODE_PROXY\)/)
        assert.doesNotMatch(out + err, /TypeError|\n {4}at /)
      }
  })

  test('NO_PROXY is honoured as the client honours it', () => {
    const through = (host, list) =>
      proxyFor(new URL(`https://${host}`), 'env', { https_proxy: 'proxy:3128', NO_PROXY: list }) !== undefined
    const weixin = 'api.weixin.qq.com'
    for (const list of ['', 'xin.qq.com', 'qq.org, xqq.com,localhost', `${weixin}:8443`])
      assert.ok(through(weixin, list), list)
    for (const list of ['*', 'a, *', 'qq.com', '.QQ.com', '*.qq.com', `x ${weixin}`, `${weixin}:443`])
      assert.ok(!through(weixin, list), list)
    for (const list of ['10.0.0.0/8', '10.1.2.3', 'a,10.1.2.3:443']) assert.ok(!through('10.1.2.3', list), list)
    for (const list of ['10.1.2.4,11.0.0.0/8', '10.0.0.0/99', '1.2.3']) assert.ok(through('10.1.2.3', list), list)
    for (const list of ['2001:db8::/32', '[2001:db8::1]:443', '2001:db8::1'])
      assert.ok(!through('[2001:db8::1]', list), list)
    assert.ok(through('[2001:db8::1]', '2001:db9::/32,10.0.0.0/8'))
    assert.equal(proxyFor(new URL('http://localhost'), 'env', { https_proxy: 'proxy:3128' }), undefined)
  })

  test('the login of a Windows domain is not read as a host', () => {
    const { host, username } = proxyFor(new URL('https://a'), 'http://CORP\\me:p@proxy:3128', {})
    assert.deepEqual([host, username], ['proxy:3128', 'CORP%5Cme'])
  })

  test('Ctrl-C stops the doctor with 130', async (t) => {
    const { begin, fake } = await setupCli(t)
    fake.hold('tokens')
    const { child, done } = begin(['doctor'])
    await fake.arrived(1, 'tokens')
    child.kill('SIGINT')
    assert.equal((await done).code, 130)
  })

  test('the doctor speaks Chinese', async (t) => {
    const { wxacode } = await setupCli(t, { ipWhitelist: [] })
    const { out } = await wxacode(['doctor'], { env: { LANG: 'zh_CN.UTF-8' } })
    assert.match(out, /✗ IP 白名单 +微信看到的地址是 127\.0\.0\.1，不在 IP 白名单里\n +处理 {2}在 mp\.weixin\.qq\.com/)
  })
})
