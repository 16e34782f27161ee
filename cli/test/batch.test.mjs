import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { asked } from '../../__test__/support/decode.mjs'
import { listOf, setupBatch, setupCli, suite } from './helpers.mjs'

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

  test('says how many of the codes that count for ever are used, if WeChat has told it', async (t) => {
    const { batch, wxacode } = await setupBatch(t, 'kind,path\nlimited,a\nqrcode,b\n')
    const { json } = await batch(['--concurrency', '1'])
    const { timestampMs, ...quota } = json().lifetimeQuota
    assert.deepEqual(quota, { used: 2, limit: 100_000 })
    assert.ok(timestampMs > 0)
    assert.match((await wxacode(['batch', 'list.csv', '--out', 'again'])).out, /^ {2}2 of 100000 codes used for ever$/m)
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
    const { batch, report, requested } = await setupBatch(
      t,
      'scene,name\na,One\nb,two\nc,oNE\nd,one.png\ne,\u0065\u0301\nf,\u00e9\n',
    )
    const { code, json } = await batch()
    assert.equal(code, 1)
    assert.deepEqual([json().written, json().errors], [1, { ERR_CLI_NAME: 5 }])
    assert.deepEqual(requested(), ['b'])
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
