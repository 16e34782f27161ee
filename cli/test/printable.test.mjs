import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import selfsigned from 'selfsigned'
import { certificates } from '../../__test__/support/certificates.mjs'
import { startProxy } from '../../__test__/support/proxy.mjs'
import { printable, printableJson } from '../src/printable.js'
import { setupCli, suite } from './helpers.mjs'
import { terminal } from './terminal.mjs'

/** A line that somebody would like to stand in the output as if it were ours. */
const FORGED = '✓ TLS           TLSv1.3, api.weixin.qq.com'
/** Title, erased line, carriage return, new line, C1, reversed text, what takes no room, a tag, half a character. */
const EVIL = `x\x1b]0;owned\x07\x1b[2K\r\n${FORGED}\u009b1A\u202e\u2066\u200b\u00ad\u{e0041}\u2028\ufdd0\ufdd1\x7f`
/** The same for where a line or a URL has no room for a new line. */
const EVIL_LINE = EVIL.replaceAll(/[\r\n\u2028]/g, '')

const WATCH = new URL('stray-writes.mjs', import.meta.url)
/** Every write of the child is watched. */
const watched = (env) => ({ env: { NODE_OPTIONS: `--import=${WATCH}`, ...env } })

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}]/u

/** What starts a colour of ours. */
const COLOR = new RegExp(`${'\x1b'}\\[\\d+m`, 'g')

/** Nothing in an output but what can be seen, lines apart, and no line that is forged. */
function assertSeen(output, what) {
  assert.ok(!output.includes('STRAY WRITE'), output)
  for (const line of output.split('\n')) {
    assert.doesNotMatch(line, INVISIBLE, `${what}: ${JSON.stringify(line)}`)
    assert.ok(!line.startsWith(FORGED.slice(0, 5)), `${what}: ${line}`)
  }
}

/** Runs a command for people and for programs; what it printed is looked at, and given back. */
async function look({ wxacode }, args, { env, ...options } = {}) {
  const runs = [args, [...args, '--json']].map((form) => wxacode(form, { ...watched(env), ...options }))
  const [people, programs] = await Promise.all(runs)
  for (const { out, err } of [people, programs]) assertSeen(out + err, args.join(' '))
  return { people: people.out + people.err, programs: programs.json() }
}

suite('printed text', (test) => {
  test('is one line of visible characters, and keeps emoji whole', () => {
    assert.equal(
      printable('a\x1b[31m\r\n\tb\u202e\u200b\u{e0041}\u009b\x7f\ud800'),
      'a\\x1b[31m\\r\\n\\tb\\u202e\\u200b\\u{e0041}\\x9b\\x7f\\ud800',
    )
    for (const whole of ['上海 店', '👨‍👩‍👧', '❤️', '1️⃣', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'é', '#9 © “x”', 'C:\\new'])
      assert.equal(printable(whole), whole)
  })

  test('has escapes for invisible characters in JSON, with the same meaning', () => {
    const text = printableJson({ [EVIL]: EVIL })
    assertSeen(text, 'JSON')
    assert.deepEqual(JSON.parse(text), { [EVIL]: EVIL })
  })

  test('shows text of WeChat without its escape sequences', async (t) => {
    const here = await setupCli(t)
    here.fake.fail({ errcode: 41030, errmsg: `${EVIL} rid: 1-2-3${EVIL_LINE}` }, { endpoint: 'codes', times: 9 })
    const code = await look(here, ['unlimited', '--scene', 's', '--timeout', '60', '-o', 'a.jpg'])
    assert.match(code.people, /41030 x\\x1b\]0;owned\\x07/)
    assert.ok(code.programs.error.errmsg.startsWith(EVIL.slice(0, 10)))
  })

  test('shows what getRid returns without its escape sequences', async (t) => {
    const here = await setupCli(t)
    const request = {
      invoke_time: 1,
      cost_in_ms: 1,
      request_url: EVIL,
      request_body: EVIL,
      response_body: EVIL,
      client_ip: EVIL,
    }
    const body = JSON.stringify({ errcode: 0, errmsg: 'ok', request })
    here.fake.fail(
      { status: 200, headers: { 'content-type': 'application/json' }, body },
      { endpoint: 'debug', times: 9 },
    )
    const { people, programs } = await look(here, ['rid', '69661ec0-6b445e0b-755fcdc6', '--timeout', '60'])
    assert.equal(people.match(/\\x1b\]0;owned/g).length, 4)
    assert.equal(programs.clientIp, EVIL)
  })

  test('shows cells and columns without their escape sequences', async (t) => {
    const here = await setupCli(t)
    const quoted = EVIL.replaceAll('"', '""')
    const lists = {
      'cells.csv': `scene,name,label,page,width,kind\ns1,"${quoted}","${quoted}",no,,\n"${quoted}",b,c,,"${quoted}","${quoted}"\ns2,d,,,"${quoted}",\n`,
      'misspelt.csv': 'scene\x1b,b\ns,1\n',
      'columns.csv': `"${quoted}"\ns\n`,
    }
    for (const [list, text] of Object.entries(lists)) writeFileSync(here.file(list), text)
    await Promise.all(
      Object.keys(lists).map(async (list) => {
        const { out, err } = await here.wxacode(['batch', list, '--out', `out ${list}`, '--dry-run'], watched())
        assertSeen(out + err, list)
      }),
    )
  })

  test('shows names of files without their escape sequences', async (t) => {
    const here = await setupCli(t)
    const saved = await look(here, ['unlimited', '--scene', 's', '--timeout', '60', '-o', `${EVIL_LINE}.png`])
    assert.match(saved.people, /✓ x\\x1b\]0;owned/)
  })

  test('shows names of unreadable files without their escape sequences', async (t) => {
    const here = await setupCli(t)
    mkdirSync(here.file(EVIL_LINE))
    await Promise.all([
      look(here, ['unlimited', '--scene', 's', '-o', 'a.jpg', '--ca', EVIL]),
      look(here, ['batch', EVIL_LINE, '--out', 'out']),
    ])
  })

  test('shows arguments without their escape sequences', async (t) => {
    const here = await setupCli(t)
    const wrong = [
      [EVIL],
      ['unlimited', `--${EVIL}`],
      ['check', '--scene', 's', '--env-version', EVIL],
      ['explain', '40001', '--endpoint', EVIL],
      ['unlimited', '--scene', 's', '--base-url', EVIL, '-o', 'a'],
      ['doctor', '--proxy', EVIL],
    ]
    await Promise.all(wrong.map((args) => look(here, args)))
  })

  test('shows warnings of Node and unhandled errors without their escape sequences', async (t) => {
    const here = await setupCli(t)
    const warned = await here.wxacode(['explain', '40169'], watched({ NODE_WARNS: EVIL }))
    assertSeen(warned.out + warned.err, 'warning')
    assert.match(warned.err, /! Warning: x\\x1b/)
    here.fake.hold('tokens')
    const thrown = await here.wxacode(['token'], watched({ NODE_THROWS: EVIL }))
    assertSeen(thrown.out + thrown.err, 'error')
    assert.match(thrown.err, /✗ Error: x\\x1b.*\n {4}at /)
    assert.equal(thrown.code, 1)
  })

  test('shows options of the fake without their escape sequences', async (t) => {
    const { begin } = await setupCli(t)
    const fake = begin(['fake', '--appid', EVIL_LINE], { ...watched(), secrets: () => [] })
    t.after(() => fake.child.kill('SIGKILL'))
    await fake.printed('Ctrl-C')
    fake.child.kill('SIGINT')
    assertSeen((await fake.done).out, 'fake')
  })

  test('shows names of a proxy, of a server that is not Redis and of an untrusted certificate without their escape sequences', async (t) => {
    const forged = await selfsigned.generate(
      [
        { name: 'commonName', value: EVIL_LINE },
        { name: 'organizationName', value: `y${EVIL_LINE}` },
      ],
      { keyType: 'ec', algorithm: 'sha256' },
    )
    const here = await setupCli(t, { tls: { key: forged.private, cert: forged.cert } })
    const at = ['doctor', '--retries', '0', '--base-url', here.fake.url.replace('127.0.0.1', 'localhost')]
    const stranger = createServer((socket) => socket.on('error', () => {}).end(`${EVIL}\r\n`)).listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    t.after(() => stranger.close())
    const redis = ['--redis', `redis://127.0.0.1:${stranger.address().port}`]
    const { people } = await look(here, [...at, ...redis])
    assert.match(people, /✗ TLS +the certificate is not trusted: .*\(signed by “y?x\\x1b\]0;owned.*”, untrusted\)/)
    assert.match(people, /✗ Redis +127\.0\.0\.1:\d+ is not Redis: it responds with “x\\x1b\]0;owned/)
    const chinese = await here.wxacode([...at, '--lang', 'zh'], watched())
    assert.match(chinese.out, /签发者自称“.*”，未经验证/)
    const { key, cert } = await certificates()
    const good = await setupCli(t, { tls: { key, cert } })
    const proxy = await startProxy(t, { refuse: 407 })
    const refused = await look(good, ['doctor', '--retries', '0', '--proxy', proxy.url])
    assert.match(refused.people, /✗ TLS +no connection to .*: the proxy answered 407/)
  })

  test('has only the colours of the command on a terminal, and wraps long values behind the margin', async (t) => {
    const here = await setupCli(t)
    const errmsg = `${'·'.repeat(300)} \x1b[32m${FORGED} `.repeat(3)
    here.fake.fail({ errcode: 40013, errmsg }, { endpoint: 'tokens' })
    const { out } = await terminal(t, here, ['doctor', '--timeout', '60'], { columns: 80 }).done
    assert.ok(out.includes('\x1b[31m✗\x1b[39m credentials'))
    assert.ok(!out.includes('\x1b[32m✓ TLS') && out.includes('\\x1b[32m'))
    const heads = out.split('\r\n').filter((line) => /^\S/.test(line.replaceAll(COLOR, '')))
    assert.equal(heads.length, 9)
    assert.ok(!heads.some((line) => line.includes('TLSv1.3')))
  })

  test('is written by cli/src/terminal.js and no other file', () => {
    const { pathname } = new URL('../src/', import.meta.url)
    const files = readdirSync(pathname, { recursive: true }).filter(
      (path) => path.endsWith('.js') && path !== 'terminal.js',
    )
    assert.ok(files.length > 30)
    for (const file of files)
      assert.doesNotMatch(
        readFileSync(pathname + file, 'utf8'),
        /\b(stdout|stderr|told|errors|picture)\.write\b|\bconsole\./,
        file,
      )
  })
})
