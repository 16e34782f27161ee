import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { asked, decode } from '../../__test__/support/decode.mjs'
import { times } from '../../__test__/support/suite.mjs'
import { setupCli, suite } from './helpers.mjs'

/** A list of small codes: `id=1` to `id=n`. */
const listOf = (n) => `scene,width,isHyaline\n${times(n, (at) => `id=${at + 1},280,true\n`).join('')}`

/** Sets up the command line with a list. */
async function setupBatch(t, list, options) {
  const here = await setupCli(t, options)
  writeFileSync(here.file('list.csv'), list)
  return {
    ...here,
    batch: (args = [], more) => here.wxacode(['batch', 'list.csv', '--out', 'codes', '--json', ...args], more),
    pictures: () =>
      readdirSync(here.file('codes'))
        .filter((name) => /\.(png|jpg)$/.test(name))
        .sort(),
    picture: (name) => readFileSync(here.file(`codes/${name}`)),
    report: () => parse(readFileSync(here.file('codes/report.csv')), { columns: true, bom: true }),
    hidden: () => readdirSync(here.file('codes/.wxacode')).sort(),
    scenes: () =>
      here.fake.requests
        .filter(({ endpoint }) => endpoint === 'getwxacodeunlimit')
        .map(({ body }) => JSON.parse(body).scene),
  }
}

suite('batch', (test) => {
  test('writes a picture for each row, a report and a contact sheet, and prints a summary', async (t) => {
    const { batch, pictures, picture, report, hidden } = await setupBatch(t, listOf(3))
    const { code, json } = await batch()
    assert.equal(code, 0)
    assert.deepEqual(json(), {
      ok: true,
      rows: 3,
      written: 3,
      kept: 0,
      failed: 0,
      notAsked: 0,
      errors: {},
      report: 'codes/report.csv',
      sheet: 'codes/index.html',
    })
    assert.deepEqual(pictures(), ['id=1.png', 'id=2.png', 'id=3.png'])
    for (const id of [1, 2, 3]) assert.equal(asked(picture(`id=${id}.png`)).scene, `id=${id}`)
    assert.deepEqual(report(), [])
    assert.deepEqual(hidden(), ['journal.jsonl'])
  })

  test('reads columns in either spelling, and ignores empty cells', async (t) => {
    const list = [
      '\ufeffkind,Scene,path,page,check_path,env_version,width,auto_color,lineColor,is_hyaline,note',
      'unlimited,s1,,pages/x,FALSE,trial,280,,"0,100,0",,"a, ""b"""',
      ',s2,,,,,,1,,TRUE,',
      'limited,,a?b=1,,,develop,300,,#006400,0,',
      'qrcode,,c?d=2,,,,,,,,',
      '',
    ].join('\r\n')
    const { batch, fake } = await setupBatch(t, list)
    const { code, json } = await batch(['--name', '{row}', '--label', '{note}', '--concurrency', '1'])
    assert.deepEqual([code, json().written], [0, 4])
    const bodies = fake.requests
      .filter(({ path }) => !path.includes('token'))
      .map(({ path, body }) => [path, JSON.parse(body)])
    assert.deepEqual(bodies, [
      [
        '/wxa/getwxacodeunlimit',
        {
          scene: 's1',
          page: 'pages/x',
          check_path: false,
          env_version: 'trial',
          width: 280,
          line_color: { r: 0, g: 100, b: 0 },
        },
      ],
      ['/wxa/getwxacodeunlimit', { scene: 's2', auto_color: true, is_hyaline: true }],
      [
        '/wxa/getwxacode',
        { path: 'a?b=1', env_version: 'develop', width: 300, line_color: { r: 0, g: 100, b: 0 }, is_hyaline: false },
      ],
      ['/cgi-bin/wxaapp/createwxaqrcode', { path: 'c?d=2' }],
    ])
  })

  test('reads the types of a JSON list, and reports a line that is not an object', async (t) => {
    const { wxacode, file, fake } = await setupCli(t)
    const lines = [
      '{"scene":"a","width":280,"is_hyaline":true,"lineColor":{"r":1,"g":2,"b":3}}',
      '',
      '["b"]',
      '{"scene":"c","checkPath":"false"}',
      '{"scene":"d","width":[1]}',
      '{"scene":"e"',
    ]
    writeFileSync(file('list.jsonl'), lines.join('\n'))
    const { code, json } = await wxacode(['batch', 'list.jsonl', '--out', 'codes', '--json', '--concurrency', '1'])
    assert.equal(code, 1)
    assert.deepEqual([json().rows, json().written, json().errors], [5, 2, { 47001: 1, ERR_CLI_ROW: 2 }])
    assert.deepEqual(
      fake.requests.filter(({ body }) => body.includes('scene')).map(({ body }) => JSON.parse(body)),
      [
        { scene: 'a', width: 280, is_hyaline: true, line_color: { r: 1, g: 2, b: 3 } },
        { scene: 'c', check_path: false },
      ],
    )
    const report = parse(readFileSync(file('codes/report.csv')), { columns: true, bom: true })
    assert.deepEqual(
      report.map(({ row, code: what }) => [row, what]),
      [
        ['3', 'ERR_CLI_ROW'],
        ['5', 'ERR_WXA_PARAMS'],
        ['6', 'ERR_CLI_ROW'],
      ],
    )
  })

  test('reads a list in GBK, and refuses it under another --encoding', async (t) => {
    const { batch, file, fake } = await setupBatch(t, '')
    // "scene,label\n" and "id=1,上海\n"
    writeFileSync(file('list.csv'), Buffer.from('7363656e652c6c6162656c0a69643d312cc9cfbaa30a', 'hex'))
    const refused = await batch(['--encoding', 'utf-8'])
    assert.equal(refused.code, 2)
    assert.match(refused.json().error.cause, /list\.csv is not utf-8, somewhere from line 1 on/)
    assert.equal(fake.count(), 0)
    assert.equal((await batch()).code, 0)
    assert.match(readFileSync(file('codes/index.html'), 'utf8'), /上海/)
    assert.match((await batch(['--encoding', 'klingon'])).json().error.cause, /unknown encoding klingon/)
  })

  test('refuses a misspelt column before the first request, unless a pattern uses it', async (t) => {
    for (const column of ['secne', 'scen', 'sceme', 'scenes']) {
      const { batch, fake } = await setupBatch(t, `scene,${column}\na,b\n`)
      const { code, json } = await batch()
      assert.equal(code, 2, column)
      assert.match(json().error.cause, new RegExp(`the column ${column} looks like scene misspelt`))
      assert.equal(fake.count(), 0)
      assert.equal((await batch(['--label', `{${column}}`])).code, 0)
    }
    const { batch } = await setupBatch(t, 'scene,city,weight,date\na,b,c,d\n')
    assert.equal((await batch()).code, 0)
  })

  test('refuses an invalid list before the first request', {
    timeout: 300_000,
  }, async (t) => {
    const cases = [
      ['city\na\n', [], /neither a column scene nor a column path/],
      ['scene,scene\na,b\n', [], /column scene occurs twice/],
      ['scene,check_path,checkPath\na,1,1\n', [], /column checkPath occurs twice/],
      ['scene\n"a\n', [], /not valid CSV/],
      ['scene\na\n', ['--name', '{citty}'], /no column citty/],
      ['scene\na\n', ['--name', '../{scene}'], /--name .* cannot be the name of a file/],
      ['scene\na\n', ['--name', '/etc/{scene}'], /--name .* cannot be/],
      ['scene\na\n', ['--name', '{scene}:x'], /--name .* cannot be/],
      ['scene\na\n', ['--grid', 'big'], /--grid/],
      ['scene\na\n', ['--concurrency', '0'], /concurrency/],
    ]
    for (const [list, args, message] of cases) {
      const { batch, fake } = await setupBatch(t, list)
      const { code, json } = await batch(args)
      assert.equal(code, 2, list + args)
      assert.match(json().error.cause, message)
      assert.equal(fake.count(), 0)
    }
    const { wxacode, file } = await setupBatch(t, '')
    writeFileSync(file('list.xlsx'), '')
    for (const [list, message] of [
      ['list.xlsx', /format of list\.xlsx is unknown/],
      ['nowhere.csv', /nowhere\.csv cannot be read \(ENOENT\)/],
      ['.', /not a plain file/],
    ]) {
      const { code, err } = await wxacode(['batch', list, '--out', 'codes'])
      assert.equal(code, 2)
      assert.match(err, message)
    }
  })

  test('reports rows that share a file name, however it is written, and fetches the others', async (t) => {
    const { batch, report, scenes } = await setupBatch(
      t,
      'scene,name\na,One\nb,two\nc,oNE\nd,one.png\ne,\u0065\u0301\nf,\u00e9\n',
    )
    const { code, json } = await batch()
    assert.equal(code, 1)
    assert.deepEqual([json().written, json().errors], [1, { ERR_CLI_NAME: 5 }])
    assert.deepEqual(scenes(), ['b'])
    assert.deepEqual(
      report().map(({ row, error }) => [row, error]),
      [
        ['2', 'the file name One is the same as in row 4, 5'],
        ['4', 'the file name oNE is the same as in row 2, 5'],
        ['5', 'the file name one is the same as in row 2, 4'],
        ['6', 'the file name e\u0301 is the same as in row 7'],
        ['7', 'the file name \u00e9 is the same as in row 6'],
      ],
    )
  })

  test('writes no file outside the folder or under a name that some system forbids', async (t) => {
    const impossible = ['..', '.', '.hidden', 'CON', 'nul.txt', 'com1', 'COM².x', 'dot.', 'x'.repeat(201), '../../up']
    const escaped = [
      ['/etc/passwd', '%2Fetc%2Fpasswd.png'],
      ['C:\\windows', 'C%3A%5Cwindows.png'],
      ['a/../../b', 'a%2F..%2F..%2Fb.png'],
      ['50%', '50%25.png'],
      ['a*b?c', 'a%2Ab%3Fc.png'],
      ['中文', '中文.png'],
      ['code.jpeg', 'code.png'],
      ['" space\u3000"', 'space.png'],
      ['a\u202egpj', 'a%E2%80%AEgpj.png'],
    ]
    const names = [...impossible, ...escaped.map(([name]) => name)]
    const rows = names.map((name, at) => `id=${at},true,280,${name}\n`)
    const { batch, pictures, report, folder, file } = await setupBatch(
      t,
      `scene,isHyaline,width,name\n${rows.join('')}`,
    )
    const { json } = await batch()
    assert.deepEqual(pictures(), escaped.map(([, made]) => made).sort())
    assert.deepEqual(json().errors, { ERR_CLI_NAME: impossible.length })
    for (const { error } of report()) assert.match(error, /^invalid file name .*: /)
    assert.deepEqual(readdirSync(folder).sort(), ['codes', 'list.csv'])
    assert.ok(!existsSync(file('up.png')))
  })

  test('names files by a pattern, in folders if it has slashes', async (t) => {
    const { batch, file } = await setupBatch(t, 'scene,city,isHyaline\na,北京,1\nb,../x,1\nc,,1\n')
    const { json } = await batch(['--name', '{city}/{scene}-{row}'])
    assert.equal(asked(readFileSync(file('codes/北京/a-2.png'))).scene, 'a')
    assert.deepEqual([json().written, json().errors], [1, { ERR_CLI_NAME: 1, ERR_CLI_ROW: 1 }])
  })

  test('fetches nothing again in a second run', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(5))
    await batch()
    const { code, json } = await batch()
    assert.deepEqual([code, json().written, json().kept], [0, 0, 5])
    assert.equal(fake.count('codes'), 5)
  })

  test('fetches deleted, cut and overwritten pictures again, and no others', async (t) => {
    const { batch, file, scenes, picture } = await setupBatch(t, listOf(5))
    await batch()
    rmSync(file('codes/id=1.png'))
    truncateSync(file('codes/id=2.png'), 1000)
    writeFileSync(file('codes/id=3.png'), picture('id=4.png'))
    const { json } = await batch()
    assert.deepEqual([json().written, json().kept], [3, 2])
    assert.deepEqual(scenes().slice(5).sort(), ['id=1', 'id=2', 'id=3'])
    for (const id of [1, 2, 3]) assert.equal(asked(picture(`id=${id}.png`)).scene, `id=${id}`)
  })

  test('replaces the picture of a row whose parameters have changed', async (t) => {
    const { batch, file, pictures, picture } = await setupBatch(t, 'scene,name,isHyaline\na,one,1\nb,two,1\n')
    await batch()
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nA,one,1\nb,two,0\n')
    const { json } = await batch()
    assert.deepEqual([json().written, json().kept], [2, 0])
    assert.deepEqual(pictures(), ['one.png', 'two.jpg'])
    assert.equal(asked(picture('one.png')).scene, 'A')
    assert.equal(decode(picture('two.jpg')).type, 'image/jpeg')
  })

  test('fetches all codes again for another appid', async (t) => {
    const other = { appid: 'wx1111111111111111', secret: '1'.repeat(32) }
    const { batch, fake } = await setupBatch(t, listOf(1))
    await batch()
    const refused = await batch(['--appid', other.appid])
    assert.deepEqual([refused.code, refused.json().kept], [3, 0])
    assert.equal(fake.count('codes'), 1)
  })

  test('does not trust a picture after a crash between journal and file', async (t) => {
    const { batch, file, scenes, picture, hidden } = await setupBatch(t, 'scene,name,isHyaline\nnew,one,1\n')
    await batch()
    const line = readFileSync(file('codes/.wxacode/journal.jsonl'), 'utf8').trim()
    // As if `old` had been asked for and written, and then `new` asked for but not yet written.
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nold,one,1\n')
    await batch()
    appendFileSync(file('codes/.wxacode/journal.jsonl'), line)
    writeFileSync(file('codes/.wxacode/picture.tmp'), 'half of a pict')
    writeFileSync(file('list.csv'), 'scene,name,isHyaline\nnew,one,1\n')
    assert.equal((await batch()).json().written, 1)
    assert.equal(asked(picture('one.png')).scene, 'new')
    assert.deepEqual(scenes(), ['new', 'old', 'new'])
    assert.deepEqual(hidden(), ['journal.jsonl'])
  })

  test('reads the lines of the journal after one that was cut', async (t) => {
    const { batch, file } = await setupBatch(t, listOf(1))
    await batch()
    appendFileSync(file('codes/.wxacode/journal.jsonl'), '{"name":"cut o')
    writeFileSync(file('list.csv'), listOf(2))
    assert.equal((await batch()).json().written, 1)
    assert.equal((await batch()).json().kept, 2)
  })

  test('writes each failed row unchanged into the report, with its error and the fix', async (t) => {
    const list = 'scene,page,label,name\na,pages/nowhere,one,first\nb%,,二,second\nc,,,third\n'
    const { batch, report, file } = await setupBatch(t, list)
    const { code, json } = await batch()
    assert.equal(code, 1)
    assert.deepEqual([json().failed, json().errors], [2, { 40129: 1, 41030: 1 }])
    const [second, first] = report().sort((a, b) => b.row - a.row)
    assert.deepEqual([first.row, first.name, first.kind, first.scene], ['2', 'first', 'unlimited', 'a'])
    assert.deepEqual([first.page, first.file], ['pages/nowhere', 'first'])
    assert.deepEqual([first.code, first.errcode], ['ERR_WXA_API', '41030'])
    assert.match(first.rid, /^[0-9a-f]{8}-/)
    assert.match(first.error, /released version/)
    assert.match(first.fix, /checkPath/)
    assert.deepEqual(
      [second.label, second.code, second.errcode, second.param],
      ['二', 'ERR_WXA_PARAMS', '40129', 'scene'],
    )
    assert.ok(
      readFileSync(file('codes/report.csv'))
        .subarray(0, 3)
        .equals(Buffer.from([0xef, 0xbb, 0xbf])),
    )
  })

  test('replaces the report of the last run', async (t) => {
    const { batch, file, report } = await setupBatch(t, 'scene\na%\n')
    await batch()
    assert.equal(report().length, 1)
    writeFileSync(file('list.csv'), 'scene\na\n')
    assert.equal((await batch()).code, 0)
    assert.deepEqual(report(), [])
  })

  test('prints the counts, an example of each error with its fix, and the place of the files', async (t) => {
    const { wxacode } = await setupBatch(t, 'scene\na\nb%\nc%\n')
    const { code, out, err } = await wxacode(['batch', 'list.csv', '--out', 'codes'])
    assert.equal(code, 1)
    assert.match(out, /✓ 1 written, 0 already there\n✗ 2 failed\n {4}40129 ×2 {2}for example: character 2/)
    assert.match(out, /fix {2}Use digits.*\n {2}report {2}codes\/report\.csv\n {2}sheet {2}codes\/index\.html\n$/)
    assert.match(err, /^2\/3 \(66 %\) .*\/s {2}40129 ×2$/m)
    assert.match(err, /^3\/3 \(100 %\) .*\/s {2}00:00 left {2}40129 ×2$/m)
    assert.ok(!err.includes('\x1b'), 'plain lines where there is no terminal')
  })

  test('stops when the account is refused, exits with 3, and sends no further request', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(200))
    await fake.fail(45009, { endpoint: 'tokens', times: Number.POSITIVE_INFINITY })
    const { code, json } = await batch()
    assert.equal(code, 3)
    assert.equal(json().error.errcode, 45009)
    assert.ok(json().notAsked > 100)
    assert.equal(json().failed + json().notAsked, 200)
    assert.equal(fake.count('codes'), 0)
  })

  test('gives up after fifty rows without a response, exits with 4, and continues with the same command', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(200))
    const failing = fake.fail('reset', { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    const { code, json } = await batch(['--retries', '0'])
    assert.equal(code, 4)
    assert.equal(json().error.code, 'ERR_WXA_NETWORK')
    assert.deepEqual([json().failed, json().notAsked], [50, 150])
    failing.stop()
    assert.equal((await batch(['--timeout', '100', '--retries', '5'])).json().written, 200)
  })

  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])
    test(`stops on ${signal} with ${exitCode}, a report and no half-written file, and continues with the same command`, async (t) => {
      const { begin, batch, fake, file, hidden, pictures } = await setupBatch(t, `${listOf(100)}bad%,280,true\n`)
      const held = { count: 0 }
      fake.fail('hang', { endpoint: 'codes', times: Number.POSITIVE_INFINITY, where: () => ++held.count > 40 })
      const { child, done, output } = begin(['batch', 'list.csv', '--out', 'codes'])
      await fake.arrived(41, 'codes')
      child.kill(signal)
      const { code, out } = await done
      assert.equal(code, exitCode)
      assert.match(out, /✓ \d+ written.*stopped.*rows not requested: run the same command to continue/s)
      assert.ok(existsSync(file('codes/report.csv')))
      assert.deepEqual(hidden(), ['journal.jsonl'])
      const written = pictures()
      assert.equal(written.length, Number(/✓ (\d+) written/.exec(output.out)[1]))
      for (const name of written) assert.equal(`${asked(readFileSync(file(`codes/${name}`))).scene}.png`, name)
      held.count = Number.NEGATIVE_INFINITY
      const again = await batch()
      assert.deepEqual([again.json().kept, again.json().written], [written.length, 100 - written.length])
    })

  test('refuses a folder that another batch works in', async (t) => {
    const { begin, batch, fake } = await setupBatch(t, listOf(3))
    const hold = fake.hold('codes')
    const first = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(1, 'codes')
    const second = await batch()
    assert.equal(second.code, 2)
    assert.match(second.json().error.cause, new RegExp(`process ${first.child.pid} on \\S+ is writing`))
    hold.release()
    assert.equal((await first.done).code, 0)
    assert.equal((await batch()).json().kept, 3)
  })

  test('stops when another batch has taken its folder, and mixes up no files', async (t) => {
    const { begin, batch, fake, file, picture, hidden } = await setupBatch(t, listOf(30))
    const hold = fake.hold('codes')
    const first = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(1, 'codes')
    // As after minutes of silence, seen from another machine.
    rmSync(file('codes/.wxacode/lock'), { recursive: true })
    const second = begin(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '120', '--retries', '5'])
    await fake.arrived(17, 'codes')
    hold.release()
    const lost = await first.done
    assert.deepEqual([lost.code, JSON.parse(lost.out).error.code], [1, 'ERR_CLI_LOCK'])
    assert.deepEqual((await second.done).json().written, 30)
    for (let id = 1; id <= 30; id++) assert.equal(asked(picture(`id=${id}.png`)).scene, `id=${id}`)
    assert.deepEqual(hidden(), ['journal.jsonl'])
    assert.equal((await batch()).json().kept, 30)
  })

  test('reports what is wrong with --dry-run, without credentials or a request', async (t) => {
    const { wxacode, report, fake } = await setupBatch(t, 'scene\na\nb%\nc\nc\n')
    const env = { WXACODE_APPID: '', WXACODE_SECRET: '' }
    const { code, out } = await wxacode(['batch', 'list.csv', '--out', 'codes', '--dry-run'], { env })
    assert.equal(code, 1)
    assert.match(out, /✓ 1 of 4 rows can be requested\n✗ 3 failed/)
    assert.equal(report().length, 3)
    assert.equal(fake.count(), 0)
  })

  test('reports rows with too many cells, and accepts rows with fewer', async (t) => {
    const { batch, report } = await setupBatch(t, 'scene,page\na\nb,pages/index/index,c\nd,pages/index/index,,\n')
    const { json } = await batch()
    assert.deepEqual([json().written, json().failed], [2, 1])
    assert.match(report()[0].error, /the row has 3 cells, but the header has 2/)
  })

  test('passes --rate and --concurrency to the client', async (t) => {
    const { batch, fake } = await setupBatch(t, listOf(4))
    const hold = fake.hold('codes')
    const running = batch(['--concurrency', '2'])
    await fake.arrived(2, 'codes')
    assert.equal(hold.waiting, 2)
    hold.release()
    assert.equal((await running).json().written, 4)
    const { json } = await batch(['--rate', '0', '--out', 'others'])
    assert.equal(json().error.code, 'ERR_WXA_PARAMS')
  })
})
