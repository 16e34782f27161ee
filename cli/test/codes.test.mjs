import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { imageType } from 'wxacode'
import { asked, decode } from '../../__test__/support/decode.mjs'
import { deadUrl } from '../../__test__/support/ports.mjs'
import { commandOf } from '../src/commands/codes.js'
import { PARAMS_BY_KIND } from '../src/params.js'
import { setupCli, suite } from './helpers.mjs'

suite('one code', (test) => {
  test('every kind has a command, and a kind without one is an error at the start', () => {
    for (const kind of Object.keys(PARAMS_BY_KIND)) assert.ok(commandOf(kind).about.en, kind)
    assert.throws(() => commandOf('fourth'), /has no command for the kind fourth/)
  })

  test('unlimited writes what was asked into the file, and says so', async (t) => {
    const { wxacode, file, fake } = await setupCli(t)
    const args = ['--scene', 'id=42', '--page', 'pages/goods/detail', '--width', '280', '--line-color', '0,100,0']
    const { code, out, err } = await wxacode(['unlimited', ...args, '-o', 'code.jpg'])
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /✓ code\.jpg \(image\/jpeg, [\d.]+ KB\)\n$/)
    const seen = decode(readFileSync(file('code.jpg')))
    assert.equal(seen.width, 280)
    assert.deepEqual([seen.asked.kind, seen.asked.scene, seen.asked.page], ['unlimited', 'id=42', 'pages/goods/detail'])
    assert.deepEqual(JSON.parse(fake.requests.at(-1).body), {
      scene: 'id=42',
      page: 'pages/goods/detail',
      width: 280,
      line_color: { r: 0, g: 100, b: 0 },
    })
  })

  test('--extra sends what wxacode does not know yet, and may be repeated', async (t) => {
    const { wxacode, fake } = await setupCli(t)
    const extra = ['show_something=true', 'title="a=b"', '{"list":[1],"show_something":false}'].flatMap((one) => [
      '--extra',
      one,
    ])
    const { code, err } = await wxacode(['qrcode', '--path', 'a', ...extra, '-o', 'a'])
    assert.deepEqual([code, err], [0, ''])
    assert.equal(fake.requests.at(-1).body, '{"path":"a","list":[1],"show_something":false,"title":"a=b"}')
    for (const [wrong, told] of [
      ['show_something', /Use a name and JSON, like show_something=true or title="text"/],
      ['title=text', /Use a name and JSON/],
      ['[1]', /Use a name and JSON/],
      ['width=300', /extra\.width is the parameter width/],
    ]) {
      const { code, err } = await wxacode(['qrcode', '--path', 'a', '--extra', wrong, '-o', 'a'])
      assert.equal(code, 2)
      assert.match(err, told)
    }
  })

  test('limited and qrcode ask for a path', async (t) => {
    const { wxacode, file } = await setupCli(t)
    for (const kind of ['limited', 'qrcode']) {
      assert.equal((await wxacode([kind, '--path', 'pages/a?id=1', '-o', `${kind}.jpg`])).code, 0)
      assert.equal(asked(readFileSync(file(`${kind}.jpg`))).kind, kind)
      assert.equal(asked(readFileSync(file(`${kind}.jpg`))).path, 'pages/a?id=1')
    }
  })

  test('every flag of a parameter arrives under the name that WeChat has for it', async (t) => {
    const { wxacode, fake } = await setupCli(t)
    const flags = [
      '--no-check-path',
      '--no-show-splash-ad',
      '--env-version',
      'trial',
      '--auto-color',
      '--is-hyaline',
      '--line-color',
      '#0a64ff',
    ]
    await wxacode(['unlimited', '--scene', 's', '--page', 'not/there', ...flags, '-o', 'a'])
    assert.deepEqual(JSON.parse(fake.requests.at(-1).body), {
      scene: 's',
      page: 'not/there',
      check_path: false,
      show_splash_ad: false,
      env_version: 'trial',
      auto_color: true,
      is_hyaline: true,
      line_color: { r: 10, g: 100, b: 255 },
    })
  })

  test('the file has the name that was asked for', async (t) => {
    const { wxacode, folder, file } = await setupCli(t)
    const save = async (output, ...flags) => {
      const { code, json, err } = await wxacode([
        'unlimited',
        '--scene',
        's',
        '--timeout',
        '60',
        ...flags,
        '-o',
        output,
        '--json',
      ])
      assert.deepEqual([code, err], [0, ''])
      assert.equal(json().file, output)
      return imageType(readFileSync(file(output)))
    }
    const types = [save('a.png'), save('c'), save('id.42'), save('new/folder/d.jpg', '--is-hyaline')]
    assert.deepEqual(await Promise.all(types), ['image/jpeg', 'image/jpeg', 'image/jpeg', 'image/png'])
    assert.deepEqual(readdirSync(folder).sort(), ['a.png', 'c', 'id.42', 'new'])
  })

  test('a word is said where the ending of the file is that of the other type', async (t) => {
    const { wxacode } = await setupCli(t)
    const said = async (output, ...flags) =>
      (await wxacode(['unlimited', '--scene', 's', '--timeout', '60', ...flags, '-o', output])).err
    const [upper, hyaline, ...right] = await Promise.all([
      said('b.PNG'),
      said('b.jpeg', '--is-hyaline', '--lang', 'zh'),
      said('c.jpeg'),
      said('c.bin'),
      said('c.png', '--is-hyaline'),
    ])
    assert.match(upper, /^note: b\.PNG is a JPEG.*--is-hyaline.*\.jpg\n$/)
    assert.match(hyaline, /^注意：b\.jpeg 里是 PNG.*\.png\n$/)
    assert.deepEqual(right, ['', '', ''])
  })

  test('-o - gives a pipe the picture and nothing else', async (t) => {
    const { wxacode } = await setupCli(t)
    const { code, bytes, err } = await wxacode(['unlimited', '--scene', 'piped', '-o', '-'])
    assert.deepEqual([code, err], [0, ''])
    assert.equal(asked(bytes).scene, 'piped')
  })

  test('-o - with --json keeps the two apart', async (t) => {
    const { wxacode } = await setupCli(t)
    const { bytes, err } = await wxacode(['unlimited', '--scene', 'piped', '-o', '-', '--json'])
    assert.equal(asked(bytes).scene, 'piped')
    assert.deepEqual(JSON.parse(err), { ok: true, type: 'image/jpeg', bytes: bytes.length })
  })

  test('without a place for the picture nothing is asked', async (t) => {
    const { wxacode, fake } = await setupCli(t)
    const { code, err } = await wxacode(['limited', '--path', 'a'])
    assert.equal(code, 2)
    assert.match(err, /-o code\.jpg/)
    assert.equal(fake.count(), 0)
  })

  test('what is refused here is 2, and costs no request', async (t) => {
    const { wxacode, fake, folder } = await setupCli(t)
    const { code, err } = await wxacode(['unlimited', '--scene', 'id=42%', '-o', 'a.jpg'])
    assert.equal(code, 2)
    assert.match(err, /character 6 of --scene is “%”.*\n {2}fix {2}Use digits/)
    assert.equal(fake.count('codes'), 0)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('what WeChat refuses is 1, and no file is left', async (t) => {
    const { wxacode, folder } = await setupCli(t)
    const { code, err } = await wxacode(['unlimited', '--scene', 'a', '--page', 'not/there', '-o', 'a.jpg'])
    assert.equal(code, 1)
    assert.match(err, /getUnlimitedQRCode: 41030 invalid page \(rid .*\)\n {2}why {2}.*\n {2}fix {2}.*\n$/)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('a refused account is 3, an unreachable WeChat is 4', async (t) => {
    const { wxacode } = await setupCli(t)
    const ask = ['unlimited', '--scene', 'a', '-o', 'a.jpg']
    const wrong = await wxacode(ask, { env: { WXACODE_SECRET: 'ffffffffffffffffffffffffffffffff' } })
    assert.equal(wrong.code, 3)
    assert.match(wrong.err, /40125 invalid appsecret/)
    const away = await wxacode([...ask, '--retries', '0', '--base-url', await deadUrl()])
    assert.equal(away.code, 4)
    assert.match(away.err, /fix/)
  })

  test('Ctrl-C ends a call with 130 and leaves no file, not even a part of one', async (t) => {
    const { begin, fake, folder, file } = await setupCli(t)
    writeFileSync(file('a.jpg'), 'what was there')
    fake.fail('drip', { endpoint: 'codes' })
    const { child, done } = begin(['unlimited', '--scene', 'a', '-o', 'a.jpg'])
    await fake.arrived(1, 'codes')
    child.kill('SIGINT')
    const { code, err } = await done
    assert.equal(code, 130)
    assert.match(err, /stopped/)
    assert.deepEqual(readdirSync(folder), ['a.jpg'])
    assert.equal(readFileSync(file('a.jpg'), 'utf8'), 'what was there')
  })

  test('an error is JSON too, on the standard output', async (t) => {
    const { wxacode } = await setupCli(t)
    const { code, json, err } = await wxacode(['unlimited', '--scene', 'a', '--page', 'no', '-o', 'a', '--json'])
    assert.deepEqual([code, err], [1, ''])
    const { ok, error } = json()
    assert.equal(ok, false)
    assert.deepEqual([error.code, error.errcode, error.endpoint], ['ERR_WXA_API', 41030, 'getUnlimitedQRCode'])
    assert.match(error.rid, /^[0-9a-f]{8}-/)
    assert.match(error.fix, /--no-check-path/)
    assert.doesNotMatch(error.fix, /checkPath|check_path/)
  })
})
