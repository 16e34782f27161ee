import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { asked } from '../../__test__/support/decode.mjs'
import { escapeFormula, reportColumns, textOf, unescapeFormula } from '../src/batch/report-cells.js'
import { setupCli, suite } from './helpers.mjs'

/** Sets up a mini-program whose page `pages/soon` is not published yet. */
async function setupBatch(t, list, name = 'list.csv') {
  const here = await setupCli(t)
  writeFileSync(here.file(name), list)
  const batch = (path = name, args = []) =>
    here.wxacode(['batch', path, '--out', 'codes', '--json', '--timeout', '100', '--retries', '5', ...args])
  return {
    ...here,
    batch,
    report: (file = 'codes/report.csv') =>
      parse(readFileSync(here.file(file)), { columns: true, bom: true, relax_column_count: false }),
    bodies: () =>
      here.fake.requests
        .filter(({ endpoint }) => /wxacode|qrcode/.test(endpoint))
        .map(({ endpoint, body }) => [endpoint, JSON.parse(body)]),
    /** As with an editor: a text in it is replaced. */
    correct(path, from, to) {
      const text = readFileSync(here.file(path), 'utf8')
      assert.ok(text.includes(from), text)
      writeFileSync(here.file(path), text.replaceAll(from, to))
    },
  }
}

/** What a report says of a row that is not about what went wrong. */
const asGiven = ({ code: _code, errcode: _errcode, param: _param, rid: _rid, error: _error, fix: _fix, ...row }) => row

/** A list in which every parameter of every kind is once, and rows that fail. */
const LISTS = {
  csv: [
    'list.csv',
    [
      'kind,scene,path,page,check_path,Env Version,width,auto_color,lineColor,is_hyaline,city,note',
      'unlimited,s1,,pages/soon,true,trial,280,false,"0,100,0",true,上海,"a, ""b"""',
      ',s2,,pages/soon,1,release, 430 ,1,,0,=北京,"=cmd()\n2"',
      ",s3,,,,,,,,,'x,'=x",
      ',s4%,,pages/soon,,,300,,#006400,,@y,',
      'limited,,,,,develop,300,,,,z,',
    ].join('\r\n'),
  ],
  jsonl: [
    'list.jsonl',
    [
      '{"scene":"s1","page":"pages/soon","checkPath":true,"env_version":"trial","width":280,"lineColor":{"r":0,"g":100,"b":0},"isHyaline":true,"city":"上海"}',
      '{"scene":"s2","page":"pages/soon","width":430,"autoColor":true,"city":"=北京","note":7}',
      '{"scene":"s4%","page":"pages/soon","width":300,"isHyaline":false,"city":"@y","note":null}',
      '{"scene":"s5","width":[1],"city":"z"}',
    ].join('\n'),
  ],
}

suite('a report', (test) => {
  for (const [what, [name, list]] of Object.entries(LISTS)) {
    test(`of a ${what} list is a list: corrected and used as input it fetches what was meant, with every parameter`, async (t) => {
      const { batch, report, correct, bodies, fake } = await setupBatch(t, list, name)
      const names = ['--name', '{city}/{row}', '--label', '{city} {note}', '--concurrency', '1']
      const first = await batch(name, names)
      assert.equal(first.code, 1)
      const failed = first.json().failed
      assert.equal(report().length, failed)
      const refused = bodies().filter(([, body]) => body.page === 'pages/soon')
      assert.ok(refused.length >= 2)

      const again = await batch('codes/report.csv', names)
      assert.deepEqual([again.code, again.json().failed], [1, failed])
      assert.deepEqual(bodies().slice(-refused.length), refused, JSON.stringify(report('codes/report-2.csv')))
      assert.equal(again.json().report, 'codes/report-2.csv')
      assert.deepEqual(
        report('codes/report-2.csv').map(asGiven),
        report().map(asGiven),
        'the same report, with the rows of the list',
      )

      const before = fake.count('codes')
      correct('codes/report-2.csv', 'pages/soon', 'pages/index/index')
      correct('codes/report-2.csv', 's4%', 's4')
      const last = await batch('codes/report-2.csv', names)
      assert.equal(last.json().written, failed - 1, 'one is wrong in another way')
      assert.deepEqual(
        bodies().slice(before),
        [...refused, ...bodies().filter(([, body]) => body.scene === 's4')].map(([endpoint, body]) => [
          endpoint,
          { ...body, page: 'pages/index/index' },
        ]),
      )
      assert.deepEqual([last.json().report, report('codes/report-3.csv').length], ['codes/report-3.csv', 1])
    })
  }

  test('names pictures by the rows of the original list', async (t) => {
    const { batch, correct, file } = await setupBatch(t, 'scene,page\na,\nb,\nc,pages/soon\nd,\n')
    await batch('list.csv', ['--name', '{row}'])
    correct('codes/report.csv', 'pages/soon', 'pages/index/index')
    assert.equal((await batch('codes/report.csv', ['--name', '{row}'])).json().written, 1)
    const scenes = readdirSync(file('codes'))
      .filter((name) => name.endsWith('.jpg'))
      .sort()
      .map((name) => [name, asked(readFileSync(file(`codes/${name}`))).scene])
    assert.deepEqual(scenes, [
      ['2.jpg', 'a'],
      ['3.jpg', 'b'],
      ['4.jpg', 'c'],
      ['5.jpg', 'd'],
    ])
  })

  test('that is used as input has no successor when nothing fails, and one of an earlier run is removed', async (t) => {
    const { batch, wxacode, correct, file } = await setupBatch(t, 'scene,page\na,\nb,pages/soon\n')
    await batch()
    assert.equal((await batch('codes/report.csv')).json().report, 'codes/report-2.csv')
    correct('codes/report.csv', 'pages/soon', 'pages/index/index')
    const { code, out } = await wxacode(['batch', 'codes/report.csv', '--out', 'codes'])
    assert.equal(code, 0)
    assert.match(out, /^✓ 1 written, 0 already there\n {2}sheet {2}codes\/index\.html\n$/)
    assert.ok(!existsSync(file('codes/report-2.csv')))
    const page = readFileSync(file('codes/index.html'), 'utf8')
    assert.equal(page.match(/<figure>/g).length, 1, 'the sheet has the rows of the report')
    assert.ok(page.includes('1 code · ') && page.includes('<span>1 code</span>'))
    assert.deepEqual((await batch()).json().kept, 1, 'the list has the row that is wrong')
  })

  test('that is used as input is not overwritten, even when the batch is stopped', async (t) => {
    const { begin, batch, correct, file, fake } = await setupBatch(t, 'scene,page\na,pages/soon\nb,pages/soon\n')
    await batch()
    correct('codes/report.csv', 'pages/soon', 'pages/index/index')
    const corrected = readFileSync(file('codes/report.csv'))
    fake.fail('hang', { endpoint: 'codes', times: Number.POSITIVE_INFINITY })
    const before = fake.count('codes')
    const stopped = begin(['batch', './codes/../codes/report.csv', '--out', 'codes'])
    await fake.arrived(before + 1, 'codes')
    stopped.child.kill('SIGINT')
    assert.equal((await stopped.done).code, 130)
    assert.deepEqual(readFileSync(file('codes/report.csv')), corrected)
  })

  test('of a row with too many cells holds none of them', async (t) => {
    const { batch, report } = await setupBatch(t, 'scene,page\na,pages/index/index,b\n')
    await batch()
    const [{ row, scene, page, error }] = report()
    assert.deepEqual([row, scene, page], ['2', '', ''])
    assert.match(error, /3 cells/)
    assert.equal((await batch('codes/report.csv')).json().written, 0)
  })

  test('keeps columns of the list with the names of its own, and omits the results of an earlier report', async (t) => {
    const { batch, report, correct } = await setupBatch(t, 'scene,code,error\na%,c1,e1\nb%,c2,e2\n')
    await batch('list.csv', ['--name', '{code}'])
    const [one] = report()
    assert.deepEqual([one.code, one.error, one.param], ['c1', 'e1', 'scene'])
    assert.equal(one['code (wxacode)'], 'ERR_WXA_PARAMS')
    await batch('codes/report.csv', ['--name', '{code}'])
    assert.deepEqual(Object.keys(report('codes/report-2.csv')[0]), Object.keys(one))
    correct('codes/report-2.csv', '%', '')
    assert.equal((await batch('codes/report-2.csv', ['--name', '{code}'])).json().written, 2)
  })

  test('is an error as input when it has no failed rows', async (t) => {
    const { batch } = await setupBatch(t, 'scene\na\n')
    await batch()
    const { code, json } = await batch('codes/report.csv')
    assert.equal(code, 2)
    assert.match(json().error.cause, /no rows/)
  })
})

suite('the cells of a report', (test) => {
  for (const text of [
    '=cmd|calc!A1',
    '+1',
    '-1',
    '@SUM(1)',
    '\tx',
    '\rx',
    '＝1',
    "'=1",
    "''@",
    "'x",
    'x',
    '',
    "'",
    '\n=1',
  ]) {
    test(`keep ${JSON.stringify(text)} as text in Excel, and read back the same`, () => {
      assert.ok(!/^[=+\-@\t\r\n＝]/.test(escapeFormula(text)))
      assert.equal(unescapeFormula(escapeFormula(text)), text)
    })
  }

  test('write values of JSON as text with the same meaning', () => {
    const cells = [true, false, 430, 'x', null, undefined, { r: 1, g: 2, b: 3 }, [1], { r: 1 }]
    assert.deepEqual(cells.map(textOf), ['true', 'false', '430', 'x', '', '', '1,2,3', '[1]', '{"r":1}'])
  })

  test('have the columns of the list, between the row number and the error', () => {
    const own = ['file', 'code', 'errcode', 'param', 'rid', 'error', 'fix']
    const { all } = reportColumns(['scene', 'city', 'fix'])
    assert.deepEqual(all, ['row', 'kind', 'scene', 'city', 'fix', ...own.slice(0, -1), 'fix (wxacode)'])
    assert.deepEqual(reportColumns(all).all, all)
    assert.deepEqual(reportColumns(['city', 'row', 'kind', ...own]).all, ['city', 'row', 'kind', ...own])
  })
})
