import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { desk, suite, wxacode } from './helpers.mjs'

const COMMANDS = ['unlimited', 'limited', 'qrcode', 'batch', 'check', 'explain', 'doctor', 'token', 'rid', 'fake']
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

  test('the language is that of --lang, else of the locale', async () => {
    const says = async (args, env) => (await wxacode(['explain', 'x', ...args], { env })).err
    assert.match(await says([], { LANG: 'zh_CN.UTF-8' }), CHINESE)
    assert.match(await says([], { LANG: 'en_US.UTF-8', LC_ALL: 'zh_TW' }), CHINESE)
    assert.doesNotMatch(await says(['--lang', 'en'], { LANG: 'zh_CN.UTF-8' }), CHINESE)
    assert.match(await says(['--lang=zh'], { LANG: 'C' }), CHINESE)
    assert.doesNotMatch(await says([], { LANG: 'C' }), CHINESE)
  })

  test('mistakes are told without a stack, in the language of the person, and are 2', async () => {
    const cases = [
      [['explian', '1'], 'Did you mean explain', '是否想用 explain'],
      [['explain'], '<errcode> is missing', '缺少参数 <errcode>'],
      [['explain', '1', '2'], 'too many arguments', '参数过多'],
      [['explain', 'abc'], 'whole number', '整数'],
      [['unlimited', '--scen', 's'], 'no option --scen', '没有 --scen'],
      [['unlimited', '--width', 'wide'], '--width <pixels> is not possible', '--width <pixels> 的值无效'],
      [['unlimited', '--line-color', 'red'], '"0,100,0"', '颜色'],
      [['unlimited', '--token', 'best'], 'stable, classic, none', '可选'],
      [['unlimited', '--scene'], '--scene <text> needs a value', '缺少值'],
      [['unlimited', '--secret-file', 'a', '--secret-stdin'], 'exclude each other', '不能同时使用'],
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
    assert.match((await wxacode(['unlimited', '--secret', secret])).err, /history of the shell.*\n.*--secret-file/)
  })

  test('the AppSecret is read from a file, from the standard input or from the environment', async (t) => {
    const { wxacode: at, account, fake, file } = await desk(t)
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
    const { wxacode: at, file, fake } = await desk(t)
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
    const { wxacode: at, fake } = await desk(t)
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
    const { begin } = await desk(t)
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

  test('explain gives cause and fix, for an endpoint where that matters, and is 1 for what nobody knows', async () => {
    const [plain, there, json, unknown] = await Promise.all([
      wxacode(['explain', '40169']),
      wxacode(['explain', '40001', '--endpoint', 'stable_token']),
      wxacode(['explain', '--json', '--lang', 'zh', '--', '-1']),
      wxacode(['explain', '123456']),
    ])
    assert.match(plain.out, /^40169\n {2}why {2}.*scene.*\n {2}fix {2}.*\n$/)
    assert.match(there.out, /AppSecret/)
    assert.deepEqual(Object.keys(json.json()), ['ok', 'errcode', 'cause', 'fix', 'meanings'])
    assert.match(json.json().fix, CHINESE)
    assert.equal(unknown.code, 1)
    assert.match(unknown.out, /wxacode rid/)
  })
})
