import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { inFlags, withFlags } from '../src/flag-names.js'
import { setupCli, suite, wxacode } from './helpers.mjs'

const COMMANDS = [
  'unlimited',
  'limited',
  'qrcode',
  'batch',
  'check',
  'explain',
  'doctor',
  'token',
  'rid',
  'platform',
  'fake',
]
const CHINESE = /[\u4e00-\u9fff]/

suite('usage', (test) => {
  test('--help lists every command, and each has a help with examples, in both languages', async () => {
    const { code, out } = await wxacode(['--help'])
    assert.equal(code, 0)
    for (const name of COMMANDS) {
      assert.match(out, new RegExp(`^  ${name} `, 'm'))
      const [english, chinese] = await Promise.all([
        wxacode([name, '--help', '--lang', 'en']),
        wxacode([name, '--help', '--lang', 'zh']),
      ])
      assert.match(english.out, new RegExp(`Examples:\\n  \\$ wxacode ${name}\\b`))
      assert.match(chinese.out, new RegExp(`示例：\\n  \\$ wxacode ${name}\\b`))
      assert.doesNotMatch(english.out, CHINESE)
      for (const line of chinese.out.split('\n')) {
        if (/^ {2}(-|<|\w+ )/.test(line)) assert.match(line, CHINESE, `${name}: ${line}`)
      }
    }
  })

  test('no command at all shows the help and is 2', async () => {
    const { code, out, err } = await wxacode([])
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, /^Usage: wxacode/)
  })

  test('the language is that of --lang, else of WXACODE_LANG, else of the locale', async () => {
    const says = async (args, env) => (await wxacode(['explain', 'x', ...args], { env })).err
    assert.match(await says([], { LANG: 'zh_CN.UTF-8' }), CHINESE)
    assert.match(await says([], { LANG: 'en_US.UTF-8', LC_ALL: 'zh_TW' }), CHINESE)
    assert.doesNotMatch(await says(['--lang', 'en'], { LANG: 'zh_CN.UTF-8' }), CHINESE)
    assert.match(await says(['--lang=zh'], { LANG: 'C' }), CHINESE)
    assert.doesNotMatch(await says([], { LANG: 'C' }), CHINESE)
    assert.match(await says([], { LANG: 'C', WXACODE_LANG: 'zh' }), CHINESE)
    assert.doesNotMatch(await says(['--lang', 'en'], { LANG: 'C', WXACODE_LANG: 'zh' }), CHINESE)
    for (const WXACODE_LANG of ['', 'de', 'toString']) {
      assert.match(await says([], { LANG: 'zh_CN.UTF-8', WXACODE_LANG }), CHINESE)
    }
  })

  test('mistakes are told without a stack, in the language of the person, and are 2', async () => {
    const cases = [
      [['explian', '1'], 'Did you mean explain', '是否想用 explain'],
      [['explain'], '<errcode> is missing', '缺少参数 <errcode>'],
      [['explain', '1', '2'], 'too many arguments', '参数过多'],
      [['explain', 'abc'], 'whole number', '整数'],
      [['unlimited', '--scen', 's'], 'unknown option --scen', '没有 --scen'],
      [['unlimited', '--width', 'wide'], 'invalid value for --width <pixels>', '--width <pixels> 的值无效'],
      [['unlimited', '--line-color', 'red'], '"0,100,0"', '颜色'],
      [['unlimited', '--token', 'best'], 'stable, classic, none', '可选'],
      [['unlimited', '--scene'], '--scene <text> needs a value', '缺少值'],
      [['unlimited', '--secret-file', 'a', '--secret-stdin'], 'cannot be used with', '不能同时使用'],
    ]
    await Promise.all(
      cases.map(async ([args, en, zh]) => {
        for (const [lang, said] of Object.entries({ en, zh })) {
          const { code, out, err } = await wxacode([...args, '--lang', lang])
          assert.deepEqual([code, out], [2, ''], args.join(' '))
          assert.ok(err.includes(said), `${err} should say ${said}`)
          assert.doesNotMatch(err, /\n\s+at /)
          assert.match(err, lang === 'zh' ? CHINESE : /fix/)
        }
      }),
    )
  })

  test('a secret at a wrong place is not repeated', async () => {
    const secret = 'feedfacefeedfacefeedfacefeedface'
    const wrong = [
      ['unlimited', '--secret', secret, '--scene', 's'],
      ['unlimited', `--secret=${secret}`],
      ['unlimited', `--secert=${secret}`],
      ['unlimited', `-s${secret}`],
      ['unlimited', '--token', secret],
      ['unlimited', '--width', secret],
      ['unlimited', secret],
      [secret],
      ['explain', secret],
      ['unlimited', '--redis', `redis://:${secret}@cache:6379`],
      ['unlimited', '--proxy', `http://me:${secret}@proxy:80`],
    ]
    await Promise.all(
      wrong.flatMap((args) =>
        [[], ['--json']].map(async (json) => {
          const { code, out, err } = await wxacode([...args, ...json])
          assert.equal(code, 2, args.join(' '))
          assert.ok(!(out + err).includes('feedface'), `${args}: ${out}${err}`)
        }),
      ),
    )
    assert.match(
      (await wxacode(['unlimited', '--secret', secret])).err,
      /shell keeps a command line in its history.*\n.*--secret-file/,
    )
  })

  test('the AppSecret is read from a file, from the standard input or from the environment', async (t) => {
    const { wxacode: at, account, fake, file } = await setupCli(t)
    writeFileSync(file('secret'), `${account.secret}\n`)
    const ask = ['unlimited', '--scene', 's', '-o', 'a.jpg']
    const env = { WXACODE_SECRET: '', WXACODE_APPID: '' }
    const flags = ['--appid', account.appid]
    assert.equal((await at([...ask, ...flags, '--secret-file', 'secret'], { env })).code, 0)
    assert.equal((await at([...ask, ...flags, '--secret-stdin'], { env, input: `${account.secret}\n` })).code, 0)
    assert.equal((await at(ask)).code, 0)
    assert.equal(fake.count('codes'), 3)
  })

  test('credentials that are missing, empty or unreadable are named, with the way to give them', async (t) => {
    const { wxacode: at, file, fake } = await setupCli(t)
    writeFileSync(file('empty'), '\n')
    const ask = ['unlimited', '--scene', 's', '-o', 'a.jpg']
    const cases = [
      [[], { WXACODE_APPID: '' }, /AppID is missing.*WXACODE_APPID.*--appid/s],
      [[], { WXACODE_SECRET: '' }, /AppSecret is missing.*WXACODE_SECRET.*--secret-file/s],
      [['--secret-file', 'empty'], {}, /empty is empty/],
      [['--secret-file', 'nowhere'], {}, /nowhere cannot be read \(ENOENT\)/],
      [['--ca', 'nowhere'], {}, /--ca nowhere cannot be read/],
    ]
    for (const [flags, env, message] of cases) {
      const { code, err } = await at([...ask, ...flags], { env })
      assert.equal(code, 2)
      assert.match(err, message)
    }
    assert.equal(fake.count(), 0)
  })

  test('flags of the account and the network reach the client', async (t) => {
    const { wxacode: at, fake } = await setupCli(t)
    const ask = ['unlimited', '--scene', 's', '-o', 'a.jpg']
    assert.equal((await at([...ask, '--token', 'classic'])).code, 0)
    assert.equal(fake.requests[0].endpoint, 'token')
    fake.fail(-1, { endpoint: 'codes', times: 5 })
    assert.equal((await at([...ask, '--retries', '0'])).code, 1)
    assert.equal(fake.count('codes'), 2)
    fake.hold('codes')
    const late = await at([...ask, '--timeout', '0.3'])
    assert.equal(late.code, 4)
    const refused = await at([...ask, '--proxy', 'http://127.0.0.1:1', '--retries', '0'])
    assert.equal(refused.code, 4)
    assert.match(refused.err, /proxy/)
  })

  test('a reader that goes away is no reason for a stack', async (t) => {
    const { begin } = await setupCli(t)
    const { child, done } = begin(['unlimited', '--scene', 's', '-o', '-'])
    child.stdout.destroy()
    const { code, err } = await done
    assert.deepEqual([code, err], [1, ''])
  })

  test('--help says what the exit codes mean, in both languages', async () => {
    for (const [lang, said] of Object.entries({ en: 'Exit codes:', zh: '退出码：' })) {
      const { out } = await wxacode(['--help', '--lang', lang])
      const codes = [...out.slice(out.indexOf(said)).matchAll(/^ {2}(\d+) /gm)].map(([, code]) => code)
      assert.deepEqual(codes, ['0', '1', '2', '3', '4', '130'])
    }
  })

  test('explain gives cause and fix, for an endpoint where that matters, and exits with 1 for an unknown errcode', async () => {
    const [plain, there, json, unknown] = await Promise.all([
      wxacode(['explain', '40169']),
      wxacode(['explain', '40001', '--endpoint', 'stable_token']),
      wxacode(['explain', '--json', '--lang', 'zh', '--', '-1']),
      wxacode(['explain', '123456']),
    ])
    assert.match(
      plain.out,
      /^40169\n {2}why {2}.*scene.*\n {2}fix {2}.*\n {2}see {2}.*\/docs\/en\/errcodes\.md#40169\n$/,
    )
    assert.match(there.out, /AppSecret/)
    assert.deepEqual(Object.keys(json.json()), ['ok', 'errcode', 'cause', 'fix', 'docs', 'meanings'])
    assert.match(json.json().docs, /\/docs\/zh\/errcodes\.md#-1$/)
    assert.match(json.json().fix, CHINESE)
    assert.equal(unknown.code, 1)
    assert.match(unknown.out, /wxacode rid/)
  })

  test('explain shows every meaning of an errcode, each with its endpoints, and in JSON all of them', async () => {
    const [minute, token, json] = await Promise.all([
      wxacode(['explain', '45009']),
      wxacode(['explain', '40001', '--lang', 'zh']),
      wxacode(['explain', '45009', '--json']),
    ])
    assert.match(minute.out, /^45009 getUnlimitedQRCode.*\n {2}why {2}.*per minute/)
    assert.match(minute.out, /^45009 getQRCode, createQRCode\n {2}why {2}The daily calls/m)
    assert.match(minute.out, /^45009 stable_token, token\n {2}why {2}The daily quota of the token endpoint/m)
    assert.match(
      token.out,
      /access_token 被更新的 access_token 替换[\s\S]*^40001 stable_token, token\n {2}原因 {2}AppSecret 不对/m,
    )
    const links = minute.out.match(/https:.*errcodes\.md#45009$/gm)
    assert.ok(links.length === 1 && minute.out.endsWith(`${links}\n`), 'the page about the errcode is the last line')
    const { meanings, cause } = json.json()
    assert.equal(meanings[0].cause, cause)
    const endpoints = meanings.flatMap((meaning) => meaning.endpoints)
    assert.equal(new Set(endpoints).size, endpoints.length)
    for (const name of await namesOfEndpoints()) assert.ok(endpoints.includes(name), name)
  })

  test('an endpoint that is not known is 2, with the list; one that does not have the errcode is told where it is', async () => {
    const [unknown, json, elsewhere, path] = await Promise.all([
      wxacode(['explain', '40001', '--endpoint', 'getwxacodeunlimited']),
      wxacode(['explain', '40001', '--endpoint', 'nope', '--json', '--lang', 'zh']),
      wxacode(['explain', '40125', '--endpoint', 'getQRCode']),
      wxacode(['explain', '45009', '--endpoint', '/wxa/getwxacode']),
    ])
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /unknown endpoint getwxacodeunlimited\n {2}fix {2}Use one of getUnlimitedQRCode, /)
    for (const name of await namesOfEndpoints()) assert.ok(unknown.err.includes(name), name)
    assert.equal(json.code, 2)
    assert.match(json.json().error.fix, /^可用：getUnlimitedQRCode、/)
    assert.equal(elsewhere.code, 1)
    assert.match(
      elsewhere.out,
      /about 40125 at getQRCode; it comes from stable_token, token, api_component_token, api_start_push_ticket: omit --endpoint/,
    )
    assert.match(path.out, /^45009 \/wxa\/getwxacode\n {2}why {2}The daily calls/)
  })

  test('no text of the catalogue calls a parameter by another name than its flag', async () => {
    for (const { errcode, where, ...row } of await catalogue()) {
      if (!where.some((place) => place === 'any' || /code/.test(place))) continue
      const told = {
        cause: { zh: row.cause_zh, en: row.cause_en },
        fix: { zh: row.fix_zh, en: row.fix_en },
      }
      const { cause, fix } = inFlags(told, {})
      for (const text of [...Object.values(cause), ...Object.values(fix)])
        assert.doesNotMatch(text, NAMES, `${errcode}`)
      assert.doesNotMatch(fix.zh, /(?<![\w/-])(scene|page|path|width)(?![\w/-])/, `${errcode}`)
      const both = withFlags(told, {})
      for (const [name] of both.fix.en.matchAll(new RegExp(NAMES, 'g'))) {
        assert.match(both.fix.en, new RegExp(`${name}(: \\w+)? \\(--[a-z-]+`), `${errcode}`)
      }
    }
  })

  test('options are called by their flags, and by the variable that they may come from', async (t) => {
    const { wxacode: at, fake } = await setupCli(t)
    const ask = ['unlimited', '--scene', 's', '-o', 'a.jpg']
    const [proxy, redis, late] = [
      await at(ask, { env: { WXACODE_PROXY: 'ftp://' } }),
      await at([...ask, '--lang', 'zh'], { env: { WXACODE_REDIS: 'cache:6379' } }),
      await at([...ask, '--timeout', '0']),
    ]
    for (const { code } of [proxy, redis, late]) assert.equal(code, 2)
    assert.match(proxy.err, /--proxy \(WXACODE_PROXY\)/)
    assert.match(redis.err, /--redis \(WXACODE_REDIS\)/)
    assert.match(late.err, /--timeout/)
    for (const { err } of [proxy, redis, late]) assert.doesNotMatch(err, /timeoutMs|baseUrl/)
    assert.equal(fake.count(), 0)
  })

  test('columns of a list are called by their names', async (t) => {
    const { wxacode: at, file } = await setupCli(t)
    writeFileSync(file('twice.csv'), 'scene,checkPath,check_path\ns,1,0\n')
    const twice = await at(['batch', 'twice.csv', '--out', 'out', '--dry-run'])
    assert.match(twice.err, /the column checkPath occurs twice/)
    writeFileSync(file('list.csv'), 'scene,page\ns,no\n')
    const refused = await at(['batch', 'list.csv', '--out', 'out', '--timeout', '60'])
    assert.match(refused.out, /set the column checkPath to false for/)
  })

  test('a variable that is empty is not set', async (t) => {
    const { wxacode: at } = await setupCli(t)
    const env = { WXACODE_REDIS: '', WXACODE_PROXY: '' }
    assert.equal((await at(['unlimited', '--scene', 's', '--timeout', '60', '-o', 'a.jpg'], { env })).code, 0)
  })
})

/** Names of parameters that are no flags. */
const NAMES =
  /\b(checkPath|showSplashAd|envVersion|autoColor|lineColor|isHyaline|check_path|show_splash_ad|env_version|auto_color|line_color|is_hyaline)\b/

const read = (path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

const catalogue = async () => JSON.parse(await read('src/wechat/errcodes.json'))

/** What errors call the endpoints, as the core has them. */
async function namesOfEndpoints() {
  const { endpoints } = JSON.parse(await read('src/wechat/endpoints.json'))
  const found = endpoints.map(({ name }) => name)
  assert.ok(found.length >= 14)
  return found
}
