import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createColumns } from '../src/batch/columns.js'
import { createInspector } from '../src/batch/damage.js'
import { formatOf, readList } from '../src/batch/list.js'
import { setupCli, suite } from './helpers.mjs'

const utf16be = (text) => Buffer.from(text, 'utf16le').swap16()
/** "scene,label" and "id=1,上海徐汇区" as Excel in China saves them. */
const GBK = Buffer.from('7363656e652c6c6162656c0d0a69643d312cc9cfbaa3d0ecbbe3c7f80d0a', 'hex')
const TEXT = 'scene,label\r\nid=1,上海徐汇区\r\n'
const ROWS = [{ scene: 'id=1', label: '上海徐汇区' }]

/** A file with this content, and how it is read: its format and its rows. */
async function read(t, content, asked = {}, name = 'list.csv') {
  const folder = mkdtempSync(join(tmpdir(), 'wxacode-list-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  writeFileSync(path, content)
  const format = await formatOf(path, asked)
  const rows = []
  for await (const row of readList(path, format, createColumns(new Set()))) rows.push(row)
  return { format, rows, cells: rows.map(({ cells }) => ({ ...cells })) }
}

const ENCODINGS = {
  'UTF-8': [TEXT, 'utf-8'],
  'UTF-8 with its mark': [`\ufeff${TEXT}`, 'utf-8'],
  GBK: [GBK, 'gb18030'],
  'UTF-16LE with its mark': [Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 'utf-16le'],
  'UTF-16LE without': [Buffer.from(TEXT, 'utf16le'), 'utf-16le'],
  'UTF-16BE with its mark': [utf16be(`\ufeff${TEXT}`), 'utf-16be'],
  'UTF-16BE without': [utf16be(TEXT), 'utf-16be'],
}

const DELIMITED = {
  'a semicolon': ['scene;label\nid=1;a,b\n', ';'],
  'a tab in a .csv': ['scene\tlabel\nid=1\ta,b\n', '\t'],
  'a bar': ['scene|label\nid=1|a,b\n', '|'],
  'a full-width comma': ['scene，label\nid=1，"a,b"\n', '，'],
  'what sep= says': ['sep=;\r\nscene;label\r\nid=1;a,b\r\n', ';'],
  'what sep= says in quotes, after a mark': ['\ufeff"sep=|"\r\nscene|label\r\nid=1|a,b\r\n', '|'],
  'a comma, whatever is in the cells': ['scene,"label"\nid=1,"a,b"\n', ','],
  'a semicolon, before cells that are longer than what is looked at': [
    `scene;label;note\nid=1;"a,b";"${'x\n'.repeat(99_999)}"\n`,
    ';',
  ],
  'a comma, after blank lines and with another delimiter in a cell of the header': [
    '\n,\nscene,label,"a;page;path;kind"\nid=1,"a,b",\n',
    ',',
  ],
}

const NO_LISTS = {
  'an .xlsx': [Buffer.from('504b0304140006000800', 'hex'), /Excel workbook \(\.xlsx\)/],
  'an .xls': [Buffer.from('d0cf11e0a1b11ae10000', 'hex'), /old Excel workbook/],
  'a page': ['\ufeff<html xmlns:x="urn"><table><tr><td>scene</td></tr></table>', /a web page or XML/],
  'a page in UTF-16': [Buffer.from('\ufeff\n<table><tr>', 'utf16le'), /a web page or XML/],
  'a PDF': ['%PDF-1.7\n', /a PDF/],
  'a .gz': [Buffer.from('1f8b080000', 'hex'), /a compressed file/],
  'binary data': [Buffer.from([1, 0, 0, 0, 2, 0, 0, 0]), /a binary file/],
  nothing: ['', /is empty/],
  'blanks only': ['\ufeff \n\t\n', /is empty/],
  'bytes of no encoding': [Buffer.from('scene,label\na,caf\xe9 x\n', 'latin1'), /encoding of .* is unknown: .* line 1/],
  'words of the West': [
    Buffer.from('scene,label\na,Cafés\nb,Nîmes\nc,Müller\n', 'latin1'),
    /encoding of .* is unknown/,
  ],
}

/** What is found in cells of one column, row by row. */
function damage(cells, column = 'scene') {
  const inspector = createInspector(['name', 'label'])
  for (const [at, cell] of cells.entries()) inspector.look({ row: at + 2, cells: { [column]: cell } })
  try {
    inspector.refuse()
    return undefined
  } catch (error) {
    return error.explanation.cause.en
  }
}

const mistaken = (text, encoding) => new TextDecoder(encoding).decode(Buffer.from(text))

const DAMAGED = {
  'an error value of a spreadsheet': ['#N/A', '#REF!', 'id=#VALUE!', '#DIV/0!', '#name?', '########', 'a/#NUM!'],
  'a long number that a spreadsheet shortened': ['1.23457E+17', 'id=1.23457E+17', '1E+18', '1,23457E+17', '4.5e18&x=1'],
  'a long number whose last digits': ['123456789012346000', 'id=98765432109876500000'],
  'what a program writes': [
    ...['undefined', 'NaN', 'null', 'id=undefined', 'id=null&n=1', '/pages/undefined/index', 'a-undefined'],
    ...['NULL', 'None', '(null)', '\\N', '[object Object]', 'id=[object Undefined]'],
  ],
  'a template': [`id=$${'{id}'}`, 'id={{ id }}'],
  'text that was decoded with the wrong encoding': [
    ...['店\ufffd', '锟斤拷锟斤拷', mistaken('中文', 'windows-1252'), mistaken('Café', 'windows-1252')],
    ...[mistaken('上海南京东路步行街店', 'gb18030'), mistaken('杭州西湖', 'gb18030')],
  ],
}

const SOUND = [
  ...[
    'id=42',
    '外滩旗舰店',
    '联通',
    'Café',
    'ÅÄÖ',
    'nullable',
    'Nan',
    'undefinedly',
    '1e10',
    'a9e12',
    '3e-',
    '#1 Bund',
    'C#',
  ],
  ...[
    '1234567890123450',
    '12345678901234567',
    'deadbeef000000000000000000000000',
    '100000',
    '0',
    '1.5',
    'e+5',
    '$5',
    '{}',
  ],
]

suite('a list', (test) => {
  for (const [what, [content, encoding]] of Object.entries(ENCODINGS)) {
    test(`in ${what} is read as what it is`, async (t) => {
      const { format, cells } = await read(t, content)
      assert.deepEqual([format, cells], [{ encoding, delimiter: ',' }, ROWS])
    })
  }

  test('is in UTF-8 or GBK as a whole: what comes late counts, and what is cut by a chunk', async (t) => {
    const many = 'id=1,x\r\n'.repeat(20_001)
    for (const pad of ['', 'o']) {
      const late = Buffer.concat([Buffer.from(`scene,label,n${pad}\r\n${many}`), GBK.subarray(13)])
      const { format, rows } = await read(t, late)
      assert.deepEqual([format.encoding, rows.length], ['gb18030', 20_002])
      const utf8 = await read(t, `scene,label,n${pad}\r\n${many}id=1,${'上海'.repeat(50_000)}\r\n`)
      assert.equal(utf8.format.encoding, 'utf-8')
    }
  })

  test('is in the encoding that is given, unless its mark says another', async (t) => {
    const big5 = Buffer.from('7363656e652c6c6162656c0a69643d312ca457aefc0a', 'hex')
    assert.equal((await read(t, big5, { encoding: 'big5' })).cells[0].label, '上海')
    await assert.rejects(read(t, GBK, { encoding: 'utf-8' }), /is not utf-8, somewhere from line 1 on/)
    await assert.rejects(read(t, TEXT, { encoding: 'klingon' }), /unknown encoding klingon/)
    assert.deepEqual((await read(t, `\ufeff${TEXT}`, { encoding: 'gb18030' })).cells, ROWS)
  })

  for (const [what, [content, delimiter]] of Object.entries(DELIMITED)) {
    test(`has ${what} between its cells`, async (t) => {
      const { format, cells } = await read(t, content)
      const [{ scene, label }] = cells
      assert.deepEqual([format.delimiter, scene, label], [delimiter, 'id=1', 'a,b'])
    })
  }

  test('has the delimiter that is given', async (t) => {
    const { cells } = await read(t, 'scene,x;label\na,b;c\n', { delimiter: ';' })
    assert.deepEqual(cells, [{ 'scene,x': 'a,b', label: 'c' }])
    const seps = await read(t, 'sep=,\nscene;label\na;b\n', { delimiter: ';' })
    assert.deepEqual(seps.cells, [{ scene: 'a', label: 'b' }])
  })

  test('is counted as Excel counts: breaks of lines in cells, blank rows, and sep= on no row', async (t) => {
    const { rows } = await read(t, 'sep=;\r\nscene;label\r\na;"x\r\ny"\r\n;\r\n \u3000;\u200b\r\nb;\r\n')
    assert.deepEqual(
      rows.map(({ row, cells: { scene, label } }) => [row, scene, label]),
      [
        [2, 'a', 'x\r\ny'],
        [5, 'b', ''],
      ],
    )
  })

  test('saved by Excel as Unicode text is read', async (t) => {
    const { format, cells } = await read(
      t,
      Buffer.from('\ufeffscene\tlabel\r\nid=1\t上海\r\n', 'utf16le'),
      {},
      'list.txt',
    )
    assert.deepEqual([format, cells], [{ encoding: 'utf-16le', delimiter: '\t' }, [{ scene: 'id=1', label: '上海' }]])
  })

  test('of JSON has no delimiter, one object to a line, and each parameter once', async (t) => {
    const { format, rows } = await read(t, '{"scene":"a"}\n{"checkPath":true,"check_path":false}\n', {}, 'list.jsonl')
    assert.deepEqual(format, { encoding: 'utf-8' })
    assert.match(rows[1].problem.message, /checkPath occurs twice/)
    await assert.rejects(
      read(t, '{}', { delimiter: ';' }, 'list.jsonl'),
      /JSON object on each line, so --delimiter does not apply/,
    )
    await assert.rejects(read(t, ' [{"scene":"a"}]', {}, 'list.jsonl'), /a JSON array, not one object per line/)
  })

  test('has columns of any name, and none that JavaScript put there', async (t) => {
    const { rows } = await read(t, 'scene,__proto__,constructor\na,b,c\nd,e\n')
    assert.deepEqual(Object.entries(rows[0].cells), [
      ['scene', 'a'],
      ['__proto__', 'b'],
      ['constructor', 'c'],
    ])
    const { rows: lines } = await read(t, '{"scene":"a","__proto__":"b"}\n', {}, 'list.jsonl')
    assert.deepEqual(Object.entries(lines[0].cells), [
      ['scene', 'a'],
      ['__proto__', 'b'],
    ])
    assert.equal(lines[0].cells.toString, undefined)
  })

  for (const [what, [content, message]] of Object.entries(NO_LISTS)) {
    test(`that is ${what} is refused`, (t) => assert.rejects(read(t, content), message))
  }
})

suite('damaged cells', (test) => {
  for (const [what, cells] of Object.entries(DAMAGED)) {
    for (const cell of cells) {
      test(`${JSON.stringify(cell)} is ${what}`, () => {
        const found = damage(['ok', cell])
        assert.ok(found?.includes(`row 3 scene “`) && found.includes(`(${what}`), found)
      })
    }
  }

  for (const cell of SOUND) {
    test(`${cell} is none`, () => assert.equal(damage([cell]), undefined))
  }

  test('one long number with zeros is none among others, and all of a column are', () => {
    assert.equal(damage(['123456789012345000', '123456789012345678']), undefined)
    assert.match(damage(['1234567890123450', '1234567890123460', '1234567890123470']), /3 cells .* row 2 .* row 4/)
  })

  test('a number of JSON that has lost its last digits is one', () => {
    assert.match(damage([JSON.parse('123456789012345678')], 'label'), /too long for JSON/)
    assert.equal(damage([42, true, null, { r: 1 }]), undefined)
  })

  test('of many the first are listed and the others counted; what is shown is short and can be printed', () => {
    const found = damage([...Array(25).keys()].map((at) => `undefined/\u001b[2J${'x'.repeat(at * 10)}`))
    assert.match(found, /^25 cells of the list look damaged: row 2 .*; row 11 .*; and 15 more$/)
    assert.ok(!found.includes('\u001b') && found.length < 2000)
  })

  test('in a column that nothing is made of are ignored', () => {
    assert.equal(damage(['#N/A'], 'note'), undefined)
  })
})

suite('a batch of a list', (test) => {
  test('without rows, or without a header, is an error and asks for nothing', async (t) => {
    const { wxacode, file, fake } = await setupCli(t)
    const cases = [
      ['scene,page\n', /has column names but no rows/],
      ['id=1\n', /neither a column scene nor a column path/],
      ['id=1,pages/a\nid=2,pages/a\n', /neither a column scene/],
      ['', /is empty/],
    ]
    for (const [content, message] of cases) {
      writeFileSync(file('list.csv'), content)
      const { code, json } = await wxacode(['batch', 'list.csv', '--out', 'codes', '--json'])
      assert.deepEqual([code, json().ok], [2, false], content)
      assert.match(json().error.cause, message)
    }
    assert.equal(fake.count(), 0)
  })

  test('with damaged cells stops before the first request, says where they are, and goes on with --force', async (t) => {
    const { wxacode, file, fake } = await setupCli(t)
    writeFileSync(file('list.csv'), 'scene,label,note\na,#N/A,undefined\nundefined,x,\nb,y,\n')
    const batch = (...more) =>
      wxacode(['batch', 'list.csv', '--out', 'codes', '--json', '--timeout', '100', '--retries', '5', ...more])
    for (const more of [[], ['--dry-run']]) {
      const { code, json } = await batch(...more)
      assert.equal(code, 2)
      assert.match(json().error.cause, /^2 cells .* row 2 label “#N\/A” \(.*\); row 3 scene “undefined” \(.*\)$/)
      assert.match(json().error.fix, /--force/)
    }
    assert.equal(fake.count(), 0)
    const forced = await batch('--force')
    assert.deepEqual([forced.code, forced.json().written], [0, 3])
    const other = await batch('--label', '{note}')
    assert.match(other.json().error.cause, /^2 cells .* row 2 note “undefined” \(.*\); row 3 scene/)
  })

  test('is told how it was read where that is not the usual, and can be told how to read it', async (t) => {
    const { wxacode, file } = await setupCli(t)
    writeFileSync(file('gbk.csv'), GBK)
    const gbk = await wxacode(['batch', 'gbk.csv', '--out', 'gbk'])
    assert.match(gbk.err, /^gbk\.csv: gb18030, delimiter ,$/m)
    writeFileSync(file('list.csv'), 'scene,x;label\na,b;c\n')
    const wrong = await wxacode(['batch', 'list.csv', '--out', 'codes', '--delimiter', 'ab'])
    assert.match(wrong.err, /--delimiter.*Use one character/)
    const split = await wxacode(['batch', 'list.csv', '--out', 'codes', '--delimiter', ';', '--json'])
    assert.match(split.json().error.fix, /it has scene,x, label/)
  })
})
