import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { commentIn } from '../../__test__/support/comment.mjs'
import { setupCli, suite, wxacode } from './helpers.mjs'

suite('check, token, rid, fake', (test) => {
  test('check reports what is wrong without a request or credentials, and exits with 2', async () => {
    const [good, wrong, path, misplaced] = await Promise.all([
      wxacode(['check', '--scene', 'id=42', '--page', 'pages/index/index', '--json']),
      wxacode(['check', '--scene', '', '--lang', 'zh']),
      wxacode(['check', '--path', 'pages/index/index?id=1']),
      wxacode(['check', '--kind', 'unlimited', '--scene', 's', '--path', 'p']),
    ])
    assert.deepEqual([good.code, good.json().kind], [0, 'unlimited'])
    assert.deepEqual(good.json().params, { scene: 'id=42', page: 'pages/index/index' })
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /scene.*\n {2}处理/)
    assert.match(path.out, /valid for limited/)
    assert.equal(misplaced.code, 2)
    assert.match(misplaced.err, /Use --page instead/)
  })

  test('token prints lifetime and fingerprint, and the token itself only with --reveal', async (t) => {
    const { wxacode: at, fake, begin } = await setupCli(t)
    const plain = await at(['token'])
    assert.match(plain.out, /^[0-9a-f]{8} stable\n {2}expires in 1(19|20) min \d+ s\n$/)
    const json = (await at(['token', '--json'])).json()
    assert.deepEqual(Object.keys(json), ['ok', 'family', 'fingerprint', 'expiresInSeconds', 'expiresAt'])
    assert.ok(plain.out.startsWith(json.fingerprint), 'the same name in every process')
    const shown = begin(['token', '--reveal'], { secrets: () => [] })
    assert.equal((await shown.done).out, `${fake.liveTokens()[0]}\n`)
  })

  test('rid prints the request that WeChat refused, with the address it came from', async (t) => {
    const { wxacode: at } = await setupCli(t)
    const refused = (await at(['unlimited', '--scene', 'lost', '--page', 'no', '--show', '--json'])).json()
    const { rid } = refused.error
    const { code, out } = await at(['rid', rid])
    assert.equal(code, 0)
    assert.match(out, /^from +127\.0\.0\.1$/m)
    assert.match(out, /"scene":"lost"/)
    assert.match(out, /41030/)
    const json = (await at(['rid', rid, '--json'])).json()
    assert.equal(json.clientIp, '127.0.0.1')
    const unknown = await at(['rid', '00000000-00000000-00000000'])
    assert.equal(unknown.code, 1)
    assert.match(unknown.err, /getRid: 76001/)
  })

  test('fake serves until Ctrl-C, with the settings that it prints', async (t) => {
    const { begin } = await setupCli(t)
    const fake = begin(['fake', '--page', 'a', 'b/c', '--json'], { secrets: () => [] })
    t.after(() => fake.child.kill('SIGKILL'))
    await fake.printed('}\n')
    const { url, appid, secret } = JSON.parse(fake.output.out)
    const env = { WXACODE_BASE_URL: url, WXACODE_APPID: appid, WXACODE_SECRET: secret }
    assert.equal((await wxacode(['unlimited', '--scene', 's', '--page', 'b/c', '--show'], { env })).code, 0)
    assert.equal((await wxacode(['unlimited', '--scene', 's', '--page', 'b', '--show'], { env })).code, 1)
    const taken = await wxacode(['fake', '--port', new URL(url).port])
    assert.equal(taken.code, 2)
    assert.match(taken.err, /cannot listen on port \d+ \(EADDRINUSE\)\n.*--port/)
    fake.child.kill('SIGINT')
    assert.equal((await fake.done).code, 0)
  })

  test('fake draws round codes on request', async (t) => {
    const { begin, wxacode: here, file } = await setupCli(t)
    const fake = begin(['fake', '--shape', 'round', '--json'], { secrets: () => [] })
    t.after(() => fake.child.kill('SIGKILL'))
    await fake.printed('}\n')
    const { url, appid, secret } = JSON.parse(fake.output.out)
    const env = { WXACODE_BASE_URL: url, WXACODE_APPID: appid, WXACODE_SECRET: secret }
    assert.equal((await here(['unlimited', '--scene', 'round', '-o', 'code.jpg'], { env })).code, 0)
    assert.match(commentIn(readFileSync(file('code.jpg'))), /"scene":"round"/)
    const oval = await here(['fake', '--shape', 'oval'])
    assert.deepEqual([oval.code, oval.out], [2, ''])
    assert.match(oval.err, /--shape.*square, round/)
  })

  test('fake prints variables for the shell', async (t) => {
    const { begin } = await setupCli(t)
    const fake = begin(['fake'], { secrets: () => [] })
    t.after(() => fake.child.kill('SIGKILL'))
    await fake.printed('Ctrl-C')
    assert.match(fake.output.out, /export WXACODE_BASE_URL=http:\/\/127\.0\.0\.1:\d+\n.*export WXACODE_APPID=wx/s)
  })
})
